"""A sync where most is the same on both sides looks at what differs alone, and decides as one that looks at everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from crash.sync_driver import mirror
from custom_images import hold_images
from isomanager.errors import StoreError
from isomanager.library.opening import Library
from isomanager.library.pruning import retire
from isomanager.library.repositories import add_repository
from isomanager.library.sync_planning import plan_destination, plan_place
from isomanager.library.sync_sources import SyncSource
from isomanager.model import Copy, CopyState, OutcomeKind
from isomanager.planning.syncing import SyncKind, SyncMode, SyncStep

IMAGES = 10


@pytest.fixture
def filled(library: Library, tmp_path: Path) -> Library:
    """Ten images in `default`, and in `branch`."""
    hold_images(library, range(IMAGES))
    add_repository(library, "branch", str(tmp_path / "branch"))
    mirror(library)
    return library


def held(library: Library, repository: str) -> tuple[Copy, ...]:
    return library.inventory.copies(repository, states={CopyState.HELD})


def told(steps: tuple[SyncStep, ...]) -> set[tuple[object, ...]]:
    return {
        (one.kind, one.title, one.path, one.copy_id, one.reason, one.cost, one.frees, one.conflict) for one in steps
    }


def planned(library: Library, mode: SyncMode) -> tuple[SyncStep, ...]:
    steps, _ = plan_place(library, SyncSource(library, "default"), "branch", mode, max_deletes=100)
    return steps


@pytest.mark.parametrize("mode", SyncMode)
def test_what_differs_is_decided_as_a_look_at_everything_decides_it(filled: Library, mode: SyncMode) -> None:
    for copy in held(filled, "default")[:3]:
        retire(filled, copy, "a test")
    hold_images(filled, range(1), size=7000)  # other bytes under a title that the branch holds
    hold_images(filled, range(IMAGES, IMAGES + 2))
    whole = plan_destination(filled, SyncSource(filled, "default").offered[0], "branch", mode, max_deletes=100)
    few = planned(filled, mode)
    assert told(few) == told(whole)
    assert len(few) == len(whole)
    assert {one.kind for one in few} >= {SyncKind.SAME, SyncKind.COPY}


def test_a_share_that_may_go_is_a_share_of_all_that_is_held(filled: Library) -> None:
    for copy in held(filled, "default")[:5]:
        retire(filled, copy, "a test")
    kinds = [one.kind for one in planned(filled, SyncMode.MIRROR)]
    assert (kinds.count(SyncKind.SAME), kinds.count(SyncKind.RETIRE)) == (5, 5), "half of ten, not of the five that go"


def test_a_source_whose_files_are_out_of_sight_lets_nothing_go(filled: Library) -> None:
    retire(filled, held(filled, "default")[0], "a test")
    root = Path(filled.inventory.repository("default").url)
    (root / "Custom").rename(root.parent / "away")
    with pytest.raises(StoreError) as wrong:
        planned(filled, SyncMode.MIRROR)
    assert wrong.value.code == "empty-source"


def test_an_image_whose_file_is_gone_from_the_source_is_told(filled: Library) -> None:
    _, gone = hold_images(filled, range(IMAGES, IMAGES + 2))
    (Path(filled.inventory.repository("default").url) / gone.path).unlink()
    becomes = {one.title: one.kind for one in planned(filled, SyncMode.MERGE)}
    assert [*becomes.values()].count(SyncKind.COPY) == 1
    assert becomes[gone.title] is SyncKind.FAIL


def test_a_file_that_is_gone_from_the_destination_is_brought_again(filled: Library, tmp_path: Path) -> None:
    lost = held(filled, "branch")[3]
    (tmp_path / "branch" / lost.path).unlink()
    hold_images(filled, range(IMAGES, IMAGES + 1))
    assert {one.title for one in planned(filled, SyncMode.MIRROR) if one.kind is SyncKind.COPY} >= {lost.title}


def test_a_name_that_is_taken_in_the_destination_is_not_chosen(filled: Library) -> None:
    for copy in held(filled, "default")[:1]:
        retire(filled, copy, "a test")
    hold_images(filled, range(1), size=7000)
    _, seen = plan_place(filled, SyncSource(filled, "default"), "branch", SyncMode.MERGE)
    assert seen is not None
    assert all(seen.is_taken(one.path.upper()) for one in held(filled, "branch"))
    assert not seen.is_taken("Custom/free/free-1.iso")


def test_no_product_is_read_for_images_of_none(filled: Library) -> None:
    assert mirror(filled) == []
    hold_images(filled, range(IMAGES, IMAGES + 1))
    assert [one.outcome for one in mirror(filled)] == [OutcomeKind.PUBLISHED]
    assert "products" not in filled.catalogue.__dict__, "a sync of custom images reads no product"
