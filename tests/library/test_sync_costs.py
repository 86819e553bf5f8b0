"""What a sync costs, counted: commits, flushes, round trips, requests. Never time, which depends on the machine."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from crash.sync_driver import mirror
from custom_images import hold_images
from isomanager.library.opening import Library
from isomanager.library.pruning import retire
from isomanager.library.repositories import add_repository
from isomanager.library.sync_groups import bring
from isomanager.library.sync_planning import loads, plan_destination, plan_place
from isomanager.library.sync_sources import SyncSource
from isomanager.model import CopyState, OutcomeKind
from isomanager.planning.syncing import SyncKind, SyncMode
from isomanager.storage.local_tree import LocalTree
from isomanager.storage.s3_bucket import S3Bucket
from isomanager.storage.smb_connection import PatientConnection

IMAGES = 20
LARGE, LARGE_BYTES = 3, 9 << 20
"""Images that are too large to travel together."""


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch, owner: Any, *names: str) -> Iterator[Counter[str]]:
    """How often each of the owner's functions is called while the block lasts."""
    calls: Counter[str] = Counter()

    def counting(name: str, acting: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            calls[name] += 1
            return acting(*given, **named)

        return called

    with monkeypatch.context() as patched:
        for name in names:
            patched.setattr(owner, name, counting(name, getattr(owner, name)))
        yield calls


@pytest.fixture
def filled(library: Library) -> Library:
    hold_images(library, range(IMAGES))
    return library


def copied(library: Library, count: int = IMAGES) -> None:
    outcomes = mirror(library)
    assert [one.outcome for one in outcomes] == [OutcomeKind.PUBLISHED] * count, [one.reason for one in outcomes]
    assert len(library.inventory.copies("branch", states={CopyState.HELD})) == count


@contextmanager
def counted_commits(library: Library) -> Iterator[list[object]]:
    """One for each transaction that wrote while the block lasts."""
    commits: list[object] = []
    engine = library.inventory._engine

    def commit(connection: Any) -> None:
        if connection.get_execution_options().get("isomanager_writes"):
            commits.append(connection)

    event.listen(engine, "commit", commit)
    try:
        yield commits
    finally:
        event.remove(engine, "commit", commit)


@contextmanager
def counted_statements(library: Library) -> Iterator[list[str]]:
    """Each that the database was given while the block lasts."""
    statements: list[str] = []
    engine = library.inventory._engine

    def execute(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", execute)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", execute)


def test_twenty_small_images_cost_at_most_ten_commits(filled: Library, tmp_path: Path) -> None:
    add_repository(filled, "branch", str(tmp_path / "branch"))
    with counted_commits(filled) as commits:
        copied(filled)
    assert 4 <= len(commits) <= 10, "readers' leases, leases, rows, rows, both given back; renewals on a slow machine"


@pytest.mark.skipif(sys.platform != "linux", reason="counts the flushes of Linux")
def test_a_small_image_costs_at_most_four_flushes(
    filled: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_repository(filled, "branch", str(tmp_path / "branch"))
    with counted(monkeypatch, os, "fsync", "fdatasync") as flushes:
        copied(filled)
    assert 2 * IMAGES <= flushes.total() <= 4 * IMAGES, "image, receipt, the image's folder; the rest is shared"


def test_a_large_image_costs_at_most_six_commits(library: Library, tmp_path: Path) -> None:
    hold_images(library, range(LARGE), LARGE_BYTES)
    add_repository(library, "branch", str(tmp_path / "branch"))
    with counted_commits(library) as commits:
        copied(library, LARGE)
    assert 5 * LARGE <= len(commits) <= 6 * LARGE, "leases, row, publishing, held, leases given back; renewals"


@pytest.mark.skipif(sys.platform != "linux", reason="counts the flushes of Linux")
def test_a_large_image_costs_at_most_eleven_flushes(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_images(library, range(LARGE), LARGE_BYTES)
    add_repository(library, "branch", str(tmp_path / "branch"))
    with counted(monkeypatch, os, "fsync", "fdatasync") as flushes:
        copied(library, LARGE)
    told = "its bytes, its note and that one's name, the receipt and its name, the image's folders and name, the partial's name"
    assert 5 * LARGE <= flushes.total() <= 11 * LARGE, (told, flushes)


def test_a_name_for_a_copy_is_found_without_listing_the_repository(
    filled: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_repository(filled, "branch", str(tmp_path / "branch"))
    with counted(monkeypatch, LocalTree, "scan") as scans:
        copied(filled)
    assert scans.total() <= IMAGES + 12, "the source is listed once, and folders on the way are looked into once"


def test_small_images_cost_at_most_two_round_trips_each_to_a_share(
    filled: Library, on_smb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_repository(filled, "branch", on_smb)
    with counted(monkeypatch, PatientConnection, "send_chains", "_send") as requests:
        copied(filled)
    assert requests.total() <= 2 * IMAGES, (
        "all together, as far as credits allow: folders, bytes, flushes, names, receipts"
    )


def test_a_small_image_costs_at_most_three_requests_to_a_bucket(
    filled: Library, on_s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_repository(filled, "branch", on_s3)
    with counted(monkeypatch, S3Bucket, "_asked") as requests:
        copied(filled)
    assert 2 * IMAGES <= requests.total() <= 3 * IMAGES, "image and receipt; listings are shared"


def test_an_image_that_goes_alone_costs_at_most_twentyfive_requests_besides_its_parts(
    library: Library, on_s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_images(library, range(1), size=9 << 20)
    add_repository(library, "branch", on_s3)
    with counted(monkeypatch, S3Bucket, "_asked") as requests:
        assert [one.outcome for one in mirror(library)] == [OutcomeKind.PUBLISHED]
    assert requests.total() - 2 <= 25 + 3, (
        "what is begun, noted, looked for, completed; and three listings of a first time"
    )


def test_a_mirror_that_lets_something_go_lists_the_bucket_once(
    filled: Library, on_s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_repository(filled, "branch", on_s3)
    copied(filled)
    retire(filled, filled.inventory.copies("default", states={CopyState.HELD})[0], "a test")
    hold_images(filled, range(IMAGES, IMAGES + 1))
    listings: list[str] = []
    call = S3Bucket.call

    def noting(bucket: S3Bucket, method: str, path: str | None = None, **asked: Any) -> Any:
        if method == "list_objects_v2" and "Delimiter" not in asked:
            listings.append(asked["Prefix"])
        return call(bucket, method, path, **asked)

    monkeypatch.setattr(S3Bucket, "call", noting)
    assert {one.outcome for one in mirror(filled)} == {OutcomeKind.PUBLISHED, OutcomeKind.RETIRED}
    assert len(listings) == 1


def test_with_nothing_to_do_nothing_is_listed_and_nothing_is_written(
    filled: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_repository(filled, "branch", str(tmp_path / "branch"))
    copied(filled)
    with (
        counted(monkeypatch, LocalTree, "scan") as scans,
        counted(monkeypatch, LocalTree, "write_new", "put_new", "write_together", "read", "open") as written,
    ):
        assert mirror(filled) == []
    assert scans.total() == 0
    assert written.total() == 0
    steps = plan_destination(filled, SyncSource(filled, "default").shared(), "branch", SyncMode.MIRROR)
    assert {one.kind for one in steps} == {SyncKind.SAME}


def test_a_group_costs_as_many_statements_however_many_images_it_has(filled: Library, tmp_path: Path) -> None:
    told: list[int] = []
    for name, count in (("branch", IMAGES), ("another", IMAGES // 4)):
        if count < IMAGES:
            for copy in filled.inventory.copies("default", states={CopyState.HELD})[count:]:
                retire(filled, copy, "a test")
        add_repository(filled, name, str(tmp_path / name))
        with counted_statements(filled) as statements:
            origin = SyncSource(filled, "default")
            steps, seen = plan_place(filled, origin, name, SyncMode.MERGE)
            assert seen is not None
            for load in loads(steps, {name: seen}):
                assert {one.outcome for one in bring(filled, origin, load, {name: seen})} == {OutcomeKind.PUBLISHED}
        told.append(len(statements))
    assert told[0] <= told[1] + 6, "renewals on a slow machine; nothing for each image"


def test_a_mirror_where_one_image_differs_lists_neither_side(
    filled: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_repository(filled, "branch", str(tmp_path / "branch"))
    copied(filled)
    retire(filled, filled.inventory.copies("default", states={CopyState.HELD})[0], "a test")
    hold_images(filled, range(IMAGES, IMAGES + 1))
    with counted(monkeypatch, LocalTree, "scan") as scans:
        steps, _ = plan_place(filled, SyncSource(filled, "default"), "branch", SyncMode.MIRROR, max_deletes=10)
    assert sorted({one.kind for one in steps}) == [SyncKind.COPY, SyncKind.RETIRE, SyncKind.SAME]
    assert scans.total() == 0
