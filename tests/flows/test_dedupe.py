"""The flow that lets what is held twice share its bytes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from custom_images import hold_twice
from flow_runs import Given, report_of
from flows.dedupe import dedupe
from isomanager.library.opening import library_in_use
from isomanager.model import Copy

pytestmark = [pytest.mark.prefect, pytest.mark.skipif(sys.platform == "win32", reason="inodes are of POSIX")]


@pytest.fixture
def twins(given: Given) -> tuple[Copy, ...]:
    """One image under two names."""
    with library_in_use() as library:
        return hold_twice(library)


def files(given: Given, copies: tuple[Copy, ...]) -> list[Path]:
    return [given.repository / one.path for one in copies]


def test_a_dry_run_is_the_default_and_changes_nothing(given: Given, twins: tuple[Copy, ...]) -> None:
    (told,) = dedupe().outcomes
    assert (told.outcome.value, told.path) == ("skipped", twins[1].path)
    first, second = files(given, twins)
    assert not first.samefile(second)


def test_what_is_shared_is_held_as_before_and_the_run_is_remembered(given: Given, twins: tuple[Copy, ...]) -> None:
    before = given.images()
    (done,) = dedupe(way="hardlink", dry_run=False).outcomes
    assert (done.outcome.value, done.code) == ("current", "hardlink")
    first, second = files(given, twins)
    assert first.samefile(second)
    assert given.images() == before
    assert [one.path for one in given.copies()] == [one.path for one in twins]
    sums = (given.repository / "SHA256SUMS").read_text()
    assert all(f"{one.sha256}  {one.path}" in sums for one in twins)
    with library_in_use() as library:
        assert [one.name for one in library.inventory.runs()] == ["dedupe"]


def test_a_damaged_copy_turns_the_run_red_and_replaces_nothing(given: Given, twins: tuple[Copy, ...]) -> None:
    first, second = files(given, twins)
    second.write_bytes(b"x" * second.stat().st_size)
    (told,) = report_of(dedupe, way="hardlink", dry_run=False).outcomes
    assert (told.outcome.value, told.code) == ("failed", "wrong-digest")
    assert not first.samefile(second)
