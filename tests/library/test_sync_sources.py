"""What a source can give, and what it should have and cannot: damage and loss there never cost another place its copy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from domain_update import update
from isomanager.errors import StoreError, UsageError
from isomanager.library.checking import check_copy
from isomanager.library.indexing import refresh_indexes
from isomanager.library.opening import Library
from isomanager.library.relocating import move_copy, plan_layout
from isomanager.library.repositories import add_repository
from isomanager.library.subscribing import subscribe
from isomanager.library.sync_groups import bring
from isomanager.library.sync_planning import destinations, loads, plan_place, survey
from isomanager.library.sync_sources import SyncSource
from isomanager.library.syncing import settled
from isomanager.model import Assurance, Copy, CopyState, Outcome, OutcomeKind, Selector
from isomanager.planning.syncing import SyncKind, SyncMode, SyncStep
from isomanager.storage.receipts import RECEIPTS


@pytest.fixture
def filled(library: Library, tmp_path: Path) -> Library:
    """Two images in the default repository, and two empty repositories more."""
    for text in ("sample-orchard/server@lts", "sample-beacon"):
        subscribe(library, Selector.parse(text), floor=Assurance.MIRROR)
    update(library)
    for name in ("branch", "lab"):
        add_repository(library, name, str(tmp_path / name))
    return library


def planned(library: Library, to: str, mode: SyncMode = SyncMode.UPDATE, source: str = "default") -> list[SyncStep]:
    return list(plan_place(library, SyncSource(library, source), to, mode)[0])


def synced(library: Library, to: str, source: str = "default", *, link: bool = False) -> list[Outcome]:
    steps, seen = planned(library, to, source=source), survey(library, to)
    origin = SyncSource(library, source)
    return [
        one
        for load in loads(steps, {to: seen}, link=link)
        for one in bring(library, origin, load, {to: seen}, link=link)
    ]


def held(library: Library, repository: str = "default") -> list[Copy]:
    return list(library.inventory.copies(repository, states={CopyState.HELD}))


def test_never_lets_go_of_the_good_copy_of_what_is_damaged_in_the_source(filled: Library, repository: Path) -> None:
    synced(filled, "branch")
    damaged = next(one for one in held(filled) if one.title.product == "sample-beacon")
    file = repository / damaged.path
    file.write_bytes(b"x" + file.read_bytes()[1:])
    assert check_copy(filled, damaged).outcome is OutcomeKind.FAILED
    for mode in SyncMode:
        assert {one.kind for one in planned(filled, "branch", mode)} == {SyncKind.SAME}
        told = settled(next(one for one in planned(filled, "lab", mode) if one.title == damaged.title))
        assert (told.outcome, told.code) == (OutcomeKind.FAILED, "source-lacks")
        assert "failed a proof" in told.reason


def test_what_the_source_has_lost_is_told_where_it_is_needed_and_kept_where_it_is(
    filled: Library, repository: Path
) -> None:
    synced(filled, "branch")
    lost = held(filled)[0]
    (repository / lost.path).unlink()
    for mode in SyncMode:
        assert {one.kind for one in planned(filled, "branch", mode)} == {SyncKind.SAME}
        steps = planned(filled, "lab", mode)
        assert {one.title: one.kind for one in steps}[lost.title] is SyncKind.FAIL
        assert {one.kind for one in steps if one.title != lost.title} == {SyncKind.COPY}


def test_a_source_that_has_nothing_to_give_is_refused(filled: Library, repository: Path) -> None:
    for copy in held(filled):
        (repository / copy.path).unlink()
    for mode in SyncMode:
        with pytest.raises(StoreError, match="2 images should be there, and none") as told:
            planned(filled, "branch", mode)
        assert told.value.code == "empty-source"
        with pytest.raises(StoreError, match="it holds no image"):
            planned(filled, "branch", mode, source="lab")


def foreign(library: Library, repository: Path, place: Path) -> Path:
    """A copy of the default repository that this library does not know, as it describes itself."""
    refresh_indexes(library)
    shutil.copytree(repository, place, symlinks=True)
    return place


def test_an_image_that_nothing_proves_stays_in_its_foreign_place(
    filled: Library, repository: Path, tmp_path: Path
) -> None:
    stick = foreign(filled, repository, tmp_path / "stick")
    for file in (stick / RECEIPTS).glob("*.json"):
        receipt = json.loads(file.read_text())
        if receipt["assurance"] == "signed":
            file.write_text(json.dumps({**receipt, "evidence": [], "signer": None}))
    (refused,) = [one for one in planned(filled, "branch", source=str(stick)) if one.kind is SyncKind.FAIL]
    assert refused.title.product == "sample-orchard"
    assert "proves nothing here" in refused.reason
    assert [one.outcome for one in synced(filled, "branch", str(stick))] == [OutcomeKind.PUBLISHED]
    with Library(filled.settings.model_copy(update={"always_verify": False})) as lax:
        assert [(one.outcome, one.assurance) for one in synced(lax, "branch", str(stick))] == [
            (OutcomeKind.PUBLISHED, Assurance.NONE)
        ]


def test_what_a_foreign_place_lists_and_does_not_have_or_prove_is_told(
    filled: Library, repository: Path, tmp_path: Path
) -> None:
    stick = foreign(filled, repository, tmp_path / "stick")
    gone, unproved = held(filled)
    (stick / gone.path).unlink()
    (stick / RECEIPTS / f"{unproved.sha256}.json").write_text("no receipt")
    with pytest.raises(StoreError, match="2 images should be there"):
        planned(filled, "lab", source=str(stick))
    told = SyncSource(filled, str(stick))._theirs()
    assert {one.path: getattr(one, "reason", "") for one in told}[gone.path] == "its file is not there"


def test_a_lost_file_comes_again_under_its_own_name(filled: Library, tmp_path: Path) -> None:
    synced(filled, "branch")
    before = {one.path for one in held(filled, "branch")}
    for path in before:
        (tmp_path / "branch" / path).unlink()
    assert [one.outcome for one in synced(filled, "branch")] == [OutcomeKind.PUBLISHED] * 2
    assert {one.path for one in held(filled, "branch")} == before
    assert filled.inventory.copies("branch", states={CopyState.SUSPECT}) == ()


def test_the_address_of_a_repository_means_that_repository(filled: Library, repository: Path) -> None:
    for address in (str(repository), f"{repository}/"):
        source = SyncSource(filled, address)
        assert (source.name, source.is_ours) == ("default", True)
        with pytest.raises(UsageError, match="the source itself"):
            destinations(filled, ["default"], address)


def test_what_people_noted_of_an_image_goes_with_it(filled: Library, repository: Path, tmp_path: Path) -> None:
    add_repository(filled, "dr", str(tmp_path / "dr"))
    for copy in held(filled):
        noted = {"Purpose": "Lab Deployment", "BaseISO": str(copy.title)}
        filled.inventory.transition(copy.id, CopyState.HELD, expected=CopyState.HELD, metadata=noted)
    synced(filled, "branch")
    synced(filled, "lab", link=True)
    synced(filled, "dr", str(foreign(filled, repository, tmp_path / "stick")))
    for name in ("branch", "lab", "dr"):
        assert [one.metadata for one in held(filled, name)] == [
            {"Purpose": "Lab Deployment", "BaseISO": str(one.title)} for one in held(filled, name)
        ]
        assert len(held(filled, name)) == 2


def test_a_share_that_keeps_the_case_of_its_folders_gives_everything_it_holds(filled: Library, on_smb: str) -> None:
    add_repository(filled, "nas", on_smb)
    synced(filled, "nas")
    for move in plan_layout(filled, "nas", "{family}/{name}-{version}.iso"):
        assert move_copy(filled, "nas", move).outcome is OutcomeKind.PUBLISHED
    assert [one.outcome for one in synced(filled, "branch", "nas")] == [OutcomeKind.PUBLISHED] * 2
