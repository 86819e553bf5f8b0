"""Real repositories kept in step: several at a time, one of them down, one foreign; nothing believed, nothing lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from domain_update import update
from isomanager.errors import InventoryError, LeaseLost, UsageError
from isomanager.inventory.searching import CopySearch
from isomanager.library.indexing import refresh_indexes
from isomanager.library.leasing import reading
from isomanager.library.opening import Library
from isomanager.library.pruning import retire
from isomanager.library.repositories import add_repository
from isomanager.library.sites import add_site
from isomanager.library.subscribing import subscribe
from isomanager.library.sync_groups import bring
from isomanager.library.sync_planning import destinations, loads, plan_destination, survey
from isomanager.library.sync_sources import SyncSource
from isomanager.library.syncing import retire_extra
from isomanager.model import Assurance, Copy, CopyState, Outcome, OutcomeKind, Selector
from isomanager.planning.syncing import SyncKind, SyncMode, SyncStep
from isomanager.storage.receipts import RECEIPTS


@pytest.fixture
def filled(library: Library, tmp_path: Path) -> Library:
    """A library with two images in its default repository, and three more repositories."""
    for text in ("sample-orchard/server@lts", "sample-beacon"):
        subscribe(library, Selector.parse(text), floor=Assurance.MIRROR)
    update(library)
    for name in ("branch", "lab", "dr"):
        add_repository(library, name, str(tmp_path / name))
    return library


def steps_for(
    library: Library, names: tuple[str, ...], mode: SyncMode = SyncMode.UPDATE, source: str = "default"
) -> list[SyncStep]:
    shared = SyncSource(library, source).shared()
    return [step for name in names for step in plan_destination(library, shared, name, mode)]


def copied(library: Library, steps: list[SyncStep], source: str = "default", **told: Any) -> list[Outcome]:
    origin = SyncSource(library, source)
    surveys = {name: survey(library, name) for name in {step.destination for step in steps}}
    going = loads(steps, surveys)
    return [outcome for load in going for outcome in bring(library, origin, load, surveys, **told)]


def held(library: Library, repository: str) -> dict[str, Copy]:
    return {str(one.title): one for one in library.inventory.search(CopySearch(repositories=(repository,)))}


def test_one_read_brings_an_image_to_every_place_with_its_proof(filled: Library, tmp_path: Path) -> None:
    names = ("branch", "lab", "dr")
    reads: list[str] = []
    store = filled.store("default")
    reading_it = store.read
    store.read = lambda path, *rest, **more: (reads.append(path), reading_it(path, *rest, **more))[1]  # type: ignore[method-assign]
    told = copied(filled, steps_for(filled, names), verify=True)
    assert {one.outcome for one in told} == {OutcomeKind.PUBLISHED}
    assert len(told) == 6
    assert all(reads.count(path) <= 2 for path in set(reads)), (
        "small images are read in one or two pieces, not once a place"
    )
    origin = held(filled, "default")
    for name in names:
        there = held(filled, name)
        assert {key: (one.sha256, one.assurance, one.source) for key, one in there.items()} == {
            key: (one.sha256, one.assurance, "sync") for key, one in origin.items()
        }
        signed = next(one for one in there.values() if one.assurance is Assurance.SIGNED)
        assert (tmp_path / name / RECEIPTS / f"{signed.sha256}.json").is_file()
        assert (tmp_path / name / signed.path).stat().st_size == signed.size
    again = steps_for(filled, names)
    assert {one.kind for one in again} == {SyncKind.SAME}


def test_a_place_that_fails_costs_the_others_nothing(
    filled: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = steps_for(filled, ("branch", "lab"))
    from isomanager.errors import StoreUnavailable

    def broken(*_given: Any, **_told: Any) -> Any:
        raise StoreUnavailable("the share is gone")

    monkeypatch.setattr(filled.store("lab"), "put_all", broken)
    told = copied(filled, steps)
    assert {(one.repository, one.outcome) for one in told} == {
        ("branch", OutcomeKind.PUBLISHED), ("lab", OutcomeKind.FAILED),
    }  # fmt: skip
    assert len(held(filled, "branch")) == 2
    assert held(filled, "lab") == {}
    monkeypatch.undo()
    assert {one.outcome for one in copied(filled, steps_for(filled, ("lab",)))} == {OutcomeKind.PUBLISHED}


def test_a_damaged_source_file_never_reaches_another_place(filled: Library, repository: Path) -> None:
    steps = steps_for(filled, ("branch",))
    for copy in held(filled, "default").values():
        file = repository / copy.path
        file.write_bytes(b"x" + file.read_bytes()[1:])
    told = copied(filled, steps)
    assert {(one.outcome, one.code) for one in told} == {(OutcomeKind.FAILED, "wrong-digest")}
    assert not any("upstream" in one.reason for one in told), "nobody asked upstream"
    assert held(filled, "branch") == {}


def test_what_is_no_source_says_so(filled: Library, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a repository nor a place"):
        SyncSource(filled, "bramch").require()
    (tmp_path / "stick").mkdir()
    with pytest.raises(UsageError, match="does not describe itself"):
        SyncSource(filled, str(tmp_path / "stick")).require()


def test_a_mirror_retires_into_the_trash_and_spares_what_is_subscribed_to(filled: Library, tmp_path: Path) -> None:
    copied(filled, steps_for(filled, ("branch", "lab")))
    for copy in held(filled, "default").values():
        if copy.title.product == "sample-beacon":
            retire(filled, copy, "a test")
    subscribe(filled, Selector.parse("sample-beacon"), repositories=("lab",), floor=Assurance.MIRROR)
    steps = steps_for(filled, ("branch", "lab"), SyncMode.MIRROR)
    going = [one for one in steps if one.kind is SyncKind.RETIRE]
    assert [(one.destination, one.title.product) for one in going] == [("branch", "sample-beacon")]
    assert retire_extra(filled, going)[0].outcome is OutcomeKind.RETIRED
    trashed = filled.inventory.copies("branch", states={CopyState.TRASHED})
    assert (tmp_path / "branch" / trashed[0].trash_path).is_file()
    assert retire_extra(filled, going)[0].outcome is OutcomeKind.SKIPPED


def test_what_a_sync_reads_cannot_be_taken_away(filled: Library) -> None:
    (copy, *_) = held(filled, "default").values()
    with reading(filled, copy.id), reading(filled, copy.id), pytest.raises(LeaseLost, match="being read"):
        retire(filled, copy, "a test")
    assert retire(filled, copy, "a test").state is CopyState.TRASHED


def test_a_foreign_place_is_judged_again_and_not_believed(filled: Library, repository: Path, tmp_path: Path) -> None:
    refresh_indexes(filled)
    foreign = tmp_path / "foreign"
    shutil.copytree(repository, foreign)
    told = copied(filled, steps_for(filled, ("branch",), source=str(foreign)), source=str(foreign))
    assert {one.outcome for one in told} == {OutcomeKind.PUBLISHED}
    there = held(filled, "branch")
    assert {one.assurance for one in there.values()} == {Assurance.SIGNED, Assurance.MIRROR}
    # a receipt that claims more than it shows
    file = next((foreign / RECEIPTS).glob("*.json"))
    for one in (foreign / RECEIPTS).glob("*.json"):
        if '"mirror"' in one.read_text():
            file = one
    file.write_text(file.read_text().replace('"assurance": "mirror"', '"assurance": "signed"'))
    claims = {str(one.title): one.assurance for one in SyncSource(filled, str(foreign)).shared()}
    assert Assurance.SIGNED in claims.values()
    assert Assurance.NONE in claims.values()


def test_sites_stand_for_their_repositories(filled: Library) -> None:
    add_site(filled, "europe", ("branch", "lab", "branch"))
    assert destinations(filled, ["europe", "dr"], "default") == ("branch", "lab", "dr")
    assert destinations(filled, ["europe"], "lab") == ("branch",)
    with pytest.raises(UsageError, match="neither"):
        destinations(filled, ["nowhere"], "default")
    with pytest.raises(UsageError, match="the source itself"):
        destinations(filled, ["default"], "default")
    for name, repositories in (("branch", ("lab",)), ("europe", ("lab",)), ("asia", ("nowhere",)), ("empty", ())):
        with pytest.raises(InventoryError):
            add_site(filled, name, repositories)
    with pytest.raises(UsageError):
        add_site(filled, "No Name", ("lab",))
    filled.inventory.remove_site("europe")
    assert filled.inventory.sites() == ()
