"""`kill -9` at every transition and effect of an update: the next run needs no hand, and nothing ever lies."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from crash.driver import POINTS
from crash.state import (
    assert_at_rest,
    assert_no_lie_is_visible,
    has_sha256sum,
    images,
    published_digests,
    requests_for_images,
)
from domain_update import update
from isomanager.library.opening import library_in_use
from isomanager.library.subscribing import subscribe
from isomanager.model import CopyState, OutcomeKind, Selector
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream
from isomanager.storage.contract import INTERNAL

pytestmark = [
    pytest.mark.crash,
    pytest.mark.skipif(os.name != "posix" or not has_sha256sum(), reason="needs SIGKILL and sha256sum"),
]

OLD, NEW = "26.04.1", "26.04.2"
NAMES = list(POINTS)
OF_A_REFUSAL = NAMES[NAMES.index("refusal noted") : NAMES.index("adopting")]
OF_AN_UPDATE = NAMES[: NAMES.index("alias made aside")]
AFTER_THE_BYTES = OF_AN_UPDATE[OF_AN_UPDATE.index("received noted") :]

DieAt = Callable[[str], None]


@pytest.fixture
def repository(upstream: SampleUpstream, tmp_path: Path) -> Path:
    """A library that holds the old release, while upstream has published the new one."""
    with library_in_use() as library:
        subscribe(library, Selector.parse("sample-orchard/server@lts"))
        assert [one.outcome for one in update(library)] == [OutcomeKind.PUBLISHED]
        assert_at_rest(library, tmp_path / "library")
    upstream.publish("orchard")
    return tmp_path / "library"


def versions(*states: CopyState) -> list[str]:
    with library_in_use() as library:
        return sorted(str(copy.title.version) for copy in library.inventory.copies(states=set(states)))


def converge(repository: Path) -> None:
    """One more run, without a hand, ends with the new release held and the old one in the trash."""
    with library_in_use() as library:
        outcomes = update(library)
        assert not [one.reason for one in outcomes if one.is_bad]
        assert_at_rest(library, repository)
        assert [one.outcome for one in update(library)] == [OutcomeKind.CURRENT]
    assert versions(CopyState.HELD) == [NEW]
    assert versions(CopyState.TRASHED) == [OLD]


@pytest.mark.parametrize("point", OF_AN_UPDATE)
def test_a_run_after_kill_9_converges(point: str, repository: Path, upstream: SampleUpstream, die_at: DieAt) -> None:
    (old_path,) = images(repository)
    die_at(point)
    assert_no_lie_is_visible(repository, upstream)
    if versions(CopyState.HELD) == [OLD]:
        assert old_path in images(repository)
    asked = requests_for_images(upstream)
    converge(repository)
    if point in AFTER_THE_BYTES:
        assert requests_for_images(upstream) == asked, "bytes that were durable were fetched again"


def test_what_was_durable_is_not_fetched_again(repository: Path, upstream: SampleUpstream, die_at: DieAt) -> None:
    upstream.fault(FaultKind.SLOW, f"*{NEW}*.iso", rate=3 << 20)
    die_at("second piece durable")
    upstream.clear_faults()
    converge(repository)
    last = [one for one in upstream.requests if one.method == "GET" and one.path.endswith(".iso")][-1]
    assert last.status == 206
    assert last.headers["range"] in (f"bytes={2 << 20}-", f"bytes={3 << 20}-")


@pytest.mark.parametrize("point", ["received noted", "publishing noted", "linked", "placed"])
def test_bytes_that_are_damaged_after_the_crash_are_never_held(
    point: str, repository: Path, upstream: SampleUpstream, die_at: DieAt
) -> None:
    before = images(repository)
    die_at(point)
    damaged = list((repository / INTERNAL / "partials").glob("*.bin"))
    damaged += [repository / path for path in images(repository).keys() - before.keys()]
    assert damaged
    content = damaged[0].read_bytes()
    with damaged[0].open("r+b") as file:  # the same file, as a dying disk would change it
        file.seek(1000)
        file.write(bytes([content[1000] ^ 1]))
    with library_in_use() as library:
        update(library)
        update(library)
        held = {copy.path: copy.sha256 for copy in library.inventory.copies(states={CopyState.HELD})}
    assert set(held.values()) <= published_digests(upstream)
    assert {path: images(repository)[path] for path in held} == held
    assert versions(CopyState.HELD) == [NEW]


@pytest.mark.parametrize("point", OF_A_REFUSAL)
def test_a_refusal_that_dies_is_still_a_refusal(
    point: str, repository: Path, upstream: SampleUpstream, die_at: DieAt
) -> None:
    upstream.fault(FaultKind.FLIP_BIT, f"*{NEW}*.iso", at=3 << 20)
    before = images(repository)
    die_at(point)
    assert images(repository) == before
    with library_in_use() as library:
        (outcome,) = update(library)
        assert outcome.outcome is OutcomeKind.QUARANTINED
        assert images(repository) == before
        assert [one.title.version.text for one in library.inventory.quarantined()] == [NEW]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("linked", "adopting"),
        ("linked", "recovery's reading"),
        ("placed", "adopting"),
        ("published", "recovery's reading"),
        ("second piece durable", "second piece durable"),
        ("second piece durable", "received noted"),
        ("retiring noted", "half in the trash"),
        ("half in the trash", "moved to the trash"),
        ("receipt kept", "linked"),
    ],
)
def test_a_crash_during_recovery_converges_too(
    first: str, second: str, repository: Path, upstream: SampleUpstream, die_at: DieAt
) -> None:
    die_at(first)
    die_at(second)
    assert_no_lie_is_visible(repository, upstream)
    converge(repository)
