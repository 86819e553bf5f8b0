"""A repository is forgotten only when nothing names it; its files stay, and can be made known again."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain_update import update
from isomanager.errors import InventoryError
from isomanager.library.forgetting import plan_removal, remove_repository
from isomanager.library.indexing import refresh_indexes
from isomanager.library.leasing import reading
from isomanager.library.opening import Library
from isomanager.library.pinning import pin
from isomanager.library.pruning import retire
from isomanager.library.rebuilding import gather_evidence, rebuild_file, unknown_files
from isomanager.library.repositories import add_repository
from isomanager.library.sites import add_site
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Copy, CopyState, Selector


@pytest.fixture
def filled(library: Library, tmp_path: Path) -> Library:
    """Two images in the repository `nas`."""
    add_repository(library, "nas", str(tmp_path / "nas"))
    for text in ("sample-orchard/server@lts", "sample-beacon"):
        subscribe(library, Selector.parse(text), floor=Assurance.MIRROR, repositories=("nas",))
    update(library)
    return library


def held(library: Library) -> tuple[Copy, ...]:
    return library.inventory.copies("nas", states={CopyState.HELD})


def files(place: Path) -> dict[str, bytes]:
    return {str(one.relative_to(place)): one.read_bytes() for one in place.rglob("*") if one.is_file()}


def unwanted(library: Library) -> None:
    for one in library.inventory.subscriptions():
        library.inventory.remove_subscription(one.id)


def test_everything_that_names_it_is_in_the_way(filled: Library) -> None:
    add_site(filled, "europe", ("nas", "default"))
    told = plan_removal(filled, "nas")
    assert told.copies == {"held": 2}
    assert told.bytes == sum(one.size or 0 for one in held(filled))
    said = " ".join(told.obstacles)
    assert all(word in said for word in ("sample-orchard", "sample-beacon", "the site europe", "2 images there"))
    with pytest.raises(InventoryError, match="the site europe names it") as refused:
        remove_repository(filled, "nas", forget_copies=True)
    assert refused.value.code == "repository-in-use"
    assert len(held(filled)) == 2
    assert plan_removal(filled, "default").obstacles[0].endswith("default_repository names")
    with pytest.raises(InventoryError, match="no repository named"):
        plan_removal(filled, "nowhere")


def test_copies_are_forgotten_only_if_told_and_their_files_stay(filled: Library, tmp_path: Path) -> None:
    unwanted(filled)
    refresh_indexes(filled)
    pin(filled, held(filled)[0].path, "pin")
    before, known = files(tmp_path / "nas"), {(one.path, one.sha256, one.assurance) for one in held(filled)}
    with pytest.raises(InventoryError, match="2 images there are known") as refused:
        remove_repository(filled, "nas")
    assert "--forget-copies" in (refused.value.hint or "")
    assert remove_repository(filled, "nas", forget_copies=True).pins == 1
    assert [one.name for one in filled.inventory.repositories()] == ["default"]
    assert filled.inventory.pins() == ()
    assert files(tmp_path / "nas") == before
    add_repository(filled, "nas", str(tmp_path / "nas"))
    evidence = gather_evidence(filled.store("nas"))
    for entry in unknown_files(filled, "nas"):
        rebuild_file(filled, "nas", entry, evidence)
    assert {(one.path, one.sha256, one.assurance) for one in held(filled)} == known


def test_what_only_was_there_keeps_nothing_from_being_forgotten(filled: Library) -> None:
    unwanted(filled)
    for copy in held(filled):
        retire(filled, copy, "a test")
    assert "2 of them wait in its trash" in plan_removal(filled, "nas").remains
    for copy in filled.inventory.copies("nas", states={CopyState.TRASHED}):
        filled.store("nas").delete(copy.trash_path)
        filled.inventory.transition(copy.id, CopyState.GONE, expected=CopyState.TRASHED)
    assert remove_repository(filled, "nas").copies == {}
    assert "nas" not in {one.name for one in filled.inventory.repositories()}


def test_never_forgets_what_somebody_works_on(filled: Library) -> None:
    unwanted(filled)
    with reading(filled, held(filled)[0].id), pytest.raises(InventoryError, match="is working there"):
        remove_repository(filled, "nas", forget_copies=True)
    assert remove_repository(filled, "nas", forget_copies=True).copies == {"held": 2}


def test_a_repository_never_takes_the_name_of_a_site(filled: Library, tmp_path: Path) -> None:
    add_site(filled, "europe", ("nas",))
    with pytest.raises(InventoryError, match="a site's name already"):
        add_repository(filled, "europe", str(tmp_path / "europe"))
