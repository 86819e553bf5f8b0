"""Reflinks, on a disk that has them: what is synced or deduped takes no room twice, and stays its own file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from custom_images import hold_images
from isomanager.library.checking import check_copy
from isomanager.library.deduping import SHARES, dedupe_copy, plan_duplicates
from isomanager.library.opening import Library
from isomanager.library.repositories import add_repository
from isomanager.library.sync_planning import plan_destination
from isomanager.library.sync_sources import SyncSource
from isomanager.library.syncing import sync_image
from isomanager.model import Copy, CopyState, Outcome, OutcomeKind
from isomanager.planning.syncing import SyncKind, SyncMode
from isomanager.settings import load_settings
from isomanager.storage.contract import INTERNAL
from sharing_disk import shared_bytes

SIZE = 4 << 20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="loop devices and reflinks of Linux")


@pytest.fixture
def here(sharing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """A library with its default repository on the disk, and beside it a branch that is empty."""
    monkeypatch.setenv("ISOMANAGER_DEFAULT_REPOSITORY", str(sharing / tmp_path.name / "library"))
    with Library(load_settings()) as library:
        add_repository(library, "branch", str(sharing / tmp_path.name / "branch"))
        yield library


def place(library: Library, copy: Copy) -> Path:
    return Path(library.inventory.repository(copy.repository).url) / copy.path


def synced(library: Library) -> list[Outcome]:
    origin = SyncSource(library, "default")
    steps = plan_destination(library, origin.shared(), "branch", SyncMode.UPDATE)
    return [one for step in steps if step.kind is SyncKind.COPY for one in sync_image(library, origin, [step])]


def test_a_sync_on_one_disk_shares_the_blocks_and_says_so(here: Library) -> None:
    (original,) = hold_images(here, range(1), SIZE)
    (told,) = synced(here)
    assert (told.outcome, told.bytes) == (OutcomeKind.PUBLISHED, 0), told.reason
    assert told.reason.endswith("sharing its blocks with the source's file")
    (copy,) = here.inventory.copies("branch", states={CopyState.HELD})
    assert shared_bytes(place(here, copy)) >= SIZE
    assert place(here, copy).stat().st_nlink == 1
    assert not place(here, copy).samefile(place(here, original))


def test_what_damages_one_leaves_the_other_whole(here: Library) -> None:
    (original,) = hold_images(here, range(1), SIZE)
    synced(here)
    (copy,) = here.inventory.copies("branch", states={CopyState.HELD})
    with place(here, original).open("r+b") as file:
        file.write(b"damaged")
    assert check_copy(here, copy).outcome is OutcomeKind.CURRENT
    assert check_copy(here, original).outcome is OutcomeKind.FAILED


def test_damaged_bytes_are_not_shared_either(here: Library) -> None:
    (original,) = hold_images(here, range(1), SIZE)
    with place(here, original).open("r+b") as file:
        file.write(b"damaged")
    (told,) = synced(here)
    assert (told.outcome, told.code) == (OutcomeKind.FAILED, "wrong-digest")
    branch = Path(here.inventory.repository("branch").url)
    assert [one for one in branch.rglob("*") if one.is_file() and INTERNAL not in one.parts] == []
    assert list(here.store("branch").partials()) == []


def test_images_on_another_disk_are_copied(here: Library, tmp_path: Path) -> None:
    hold_images(here, range(1), SIZE)
    add_repository(here, "elsewhere", str(tmp_path / "elsewhere"))
    origin = SyncSource(here, "default")
    (step,) = plan_destination(here, origin.shared(), "elsewhere", SyncMode.UPDATE)
    (told,) = sync_image(here, origin, [step])
    assert (told.outcome, told.bytes) == (OutcomeKind.PUBLISHED, SIZE), told.reason
    (copy,) = here.inventory.copies("elsewhere", states={CopyState.HELD})
    assert check_copy(here, copy).outcome is OutcomeKind.CURRENT


def test_deduping_by_reflinks_shares_the_blocks_and_needs_no_second_run(here: Library) -> None:
    (original,) = hold_images(here, range(1), SIZE)
    second = original.model_copy(update={"id": "second", "path": "Custom/second.iso"})
    place(here, second).write_bytes(place(here, original).read_bytes())
    here.inventory.import_copies([second])
    assert shared_bytes(place(here, second)) == 0
    (told,) = [dedupe_copy(here, one, "reflink") for one in plan_duplicates(here)]
    assert (told.outcome, told.code) == (OutcomeKind.CURRENT, "reflink"), told.reason
    (shared,) = [one for one in here.inventory.copies("default") if SHARES in one.metadata]
    assert shared_bytes(place(here, shared)) >= SIZE
    assert place(here, shared).stat().st_nlink == 1
    for copy in (original, second):
        assert check_copy(here, copy).outcome is OutcomeKind.CURRENT
    assert [one.code for one in plan_duplicates(here)] == ["shared"]
