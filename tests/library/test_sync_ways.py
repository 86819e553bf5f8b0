"""How the bytes of a sync travel: linked, sharing blocks, throttled, between stores on real servers, and on after a kill."""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic

import pytest

from domain_update import update
from isomanager.library.opening import Library
from isomanager.library.pruning import retire
from isomanager.library.repositories import add_repository
from isomanager.library.subscribing import subscribe
from isomanager.library.sync_planning import plan_destination
from isomanager.library.sync_sources import SyncSource
from isomanager.library.syncing import sync_image
from isomanager.model import Assurance, Copy, CopyState, Outcome, OutcomeKind, Selector
from isomanager.planning.syncing import SyncKind, SyncMode
from isomanager.storage.durable import clone_file
from isomanager.storage.local import LocalStore
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.reading import stored_pieces


@pytest.fixture
def filled(library: Library) -> Library:
    for text in ("sample-orchard/server@lts", "sample-beacon"):
        subscribe(library, Selector.parse(text), floor=Assurance.MIRROR)
    update(library)
    return library


def synced(library: Library, to: str, source: str = "default", *, link: bool = False) -> list[Outcome]:
    origin = SyncSource(library, source)
    steps = plan_destination(library, origin.shared(), to, SyncMode.UPDATE)
    copying = [one for one in steps if one.kind is SyncKind.COPY]
    return [outcome for one in copying for outcome in sync_image(library, origin, [one], link=link)]


def held(library: Library, repository: str) -> dict[str, Copy]:
    return {str(one.title): one for one in library.inventory.copies(repository, states={CopyState.HELD})}


def inode(library: Library, repository: str, copy: Copy) -> int:
    store = library.store(repository)
    assert isinstance(store, LocalStore)
    return (store.root / copy.path).stat().st_ino


@pytest.mark.skipif(sys.platform == "win32", reason="inodes are of POSIX")
def test_a_link_is_a_second_name_that_outlives_the_first(filled: Library, tmp_path: Path) -> None:
    add_repository(filled, "branch", str(tmp_path / "branch"))
    told = synced(filled, "branch", link=True)
    assert {(one.outcome, one.bytes, "second name" in one.reason) for one in told} == {(OutcomeKind.PUBLISHED, 0, True)}
    there, here = held(filled, "default"), held(filled, "branch")
    for title, copy in here.items():
        assert inode(filled, "branch", copy) == inode(filled, "default", there[title])
    for copy in there.values():
        retire(filled, copy, "a test")
    assert all((tmp_path / "branch" / copy.path).stat().st_size == copy.size for copy in here.values())
    assert list((tmp_path / "branch" / ".isomanager" / "partials").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="inodes are of POSIX")
def test_without_being_asked_nothing_is_linked(filled: Library, tmp_path: Path) -> None:
    add_repository(filled, "branch", str(tmp_path / "branch"))
    synced(filled, "branch")
    there = held(filled, "default")
    for title, copy in held(filled, "branch").items():
        assert inode(filled, "branch", copy) != inode(filled, "default", there[title])


def test_damaged_bytes_are_not_linked_either_and_stay_as_they_are(
    filled: Library, repository: Path, tmp_path: Path
) -> None:
    add_repository(filled, "branch", str(tmp_path / "branch"))
    damaged = {}
    for copy in held(filled, "default").values():
        file = repository / copy.path
        file.write_bytes(b"x" + file.read_bytes()[1:])
        damaged[file] = file.read_bytes()
    told = synced(filled, "branch", link=True)
    assert {(one.outcome, one.code) for one in told} == {(OutcomeKind.FAILED, "wrong-digest")}
    assert held(filled, "branch") == {}
    assert all(file.read_bytes() == data for file, data in damaged.items())


def test_a_clone_shares_blocks_or_says_that_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x" * 10_000)
    try:
        clone_file(tmp_path / "one", tmp_path / "two")
    except OSError:
        assert not (tmp_path / "two").exists(), "what cannot be cloned leaves nothing behind"
    else:
        assert (tmp_path / "two").read_bytes() == b"x" * 10_000


def test_a_sync_keeps_to_the_bandwidth_of_all_transfers(filled: Library, tmp_path: Path) -> None:
    add_repository(filled, "branch", str(tmp_path / "branch"))
    size = sum(copy.size or 0 for copy in held(filled, "default").values())
    slow = filled.settings.model_copy(update={"bandwidth": size // 2})
    with Library(slow) as library:
        started = monotonic()
        assert {one.outcome for one in synced(library, "branch")} == {OutcomeKind.PUBLISHED}
        assert monotonic() - started > 1.0, "two seconds' worth of bytes, of which half a second may be saved up"


def test_between_two_buckets_the_server_copies_and_the_report_says_so(filled: Library, on_s3: str) -> None:
    add_repository(filled, "s3", on_s3)
    add_repository(filled, "dr", f"{on_s3}-dr")
    synced(filled, "s3")
    told = synced(filled, "dr", "s3")
    assert {(one.outcome, "copied by the server" in one.reason) for one in told} == {(OutcomeKind.PUBLISHED, True)}
    store = filled.store("dr")
    for copy in held(filled, "dr").values():
        assert digests_of(stored_pieces(store, copy.path), ["sha256"])["sha256"] == copy.sha256
        assert copy.assurance == held(filled, "s3")[str(copy.title)].assurance
    assert synced(filled, "dr", "s3") == []


@pytest.mark.parametrize("kind", ["s3", "smb"])
def test_images_go_to_a_server_and_come_back(
    filled: Library, tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    add_repository(filled, kind, request.getfixturevalue(f"on_{kind}"))
    add_repository(filled, "back", str(tmp_path / "back"))
    assert {one.outcome for one in synced(filled, kind)} == {OutcomeKind.PUBLISHED}
    store = filled.store(kind)
    for copy in held(filled, kind).values():
        assert digests_of(stored_pieces(store, copy.path), ["sha256"])["sha256"] == copy.sha256
    assert {one.outcome for one in synced(filled, "back", kind)} == {OutcomeKind.PUBLISHED}
    assert {key: (one.sha256, one.assurance) for key, one in held(filled, "back").items()} == {
        key: (one.sha256, one.assurance) for key, one in held(filled, "default").items()
    }
    assert synced(filled, kind) == []
