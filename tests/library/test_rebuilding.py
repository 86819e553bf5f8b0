"""A lost database made again from a real repository, and what it could not prove."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain_update import update
from isomanager.inventory.exchange.reading import parse_listing
from isomanager.inventory.searching import CopySearch
from isomanager.library.exporting import export_pieces
from isomanager.library.importing import import_step, plan_listing
from isomanager.library.indexing import refresh_indexes
from isomanager.library.opening import Library
from isomanager.library.rebuilding import gather_evidence, missing_files, rebuild_file, unknown_files
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Copy, CopyState, Outcome, OutcomeKind, Selector
from isomanager.storage.receipts import RECEIPTS


@pytest.fixture
def filled(library: Library) -> Library:
    """A library that holds a signed image and one that only a mirror vouches for."""
    for text in ("sample-orchard/server@lts", "sample-beacon"):
        subscribe(library, Selector.parse(text), floor=Assurance.MIRROR)
    update(library)
    refresh_indexes(library)
    return library


@pytest.fixture
def emptied(filled: Library, tmp_path: Path) -> Iterator[Library]:
    """The same repository, with a database that knows nothing."""
    settings = filled.settings.model_copy(update={"data_folder": tmp_path / "new-data", "database_url": None})
    with Library(settings, clock=filled.now) as opened:
        opened.keyring = filled.keyring
        assert opened.inventory.statistics(CopySearch()).count == 0
        yield opened


def rebuilt(library: Library) -> dict[str, Outcome]:
    store = library.store("default")
    evidence = gather_evidence(store)
    told = [rebuild_file(library, "default", one, evidence) for one in unknown_files(library, "default")]
    told += missing_files(evidence, store, "default")
    return {one.path: one for one in told} | {fault: Outcome(outcome=OutcomeKind.FAILED) for fault in evidence.faults}


def held(library: Library) -> dict[str, Copy]:
    return {one.path: one for one in library.inventory.search(CopySearch())}


def test_everything_is_known_again_with_what_can_be_shown_today(filled: Library, emptied: Library) -> None:
    before = held(filled)
    told = rebuilt(emptied)
    assert {one.outcome for one in told.values()} == {OutcomeKind.PUBLISHED}
    after = held(emptied)
    assert {path: (one.title, one.sha256, one.size) for path, one in after.items()} == {
        path: (one.title, one.sha256, one.size) for path, one in before.items()
    }
    signed = next(one for one in after.values() if one.title.product == "sample-orchard")
    assert signed.assurance is Assurance.SIGNED
    assert all(emptied.inventory.receipts(one.sha256 or "") for one in after.values())
    assert unknown_files(emptied, "default") == ()


def test_a_file_that_nothing_speaks_of_is_left_for_a_scan(emptied: Library, repository: Path) -> None:
    (repository / "stranger.iso").write_bytes(b"stranger")
    told = rebuilt(emptied)["stranger.iso"]
    assert (told.outcome, "scan" in told.reason) == (OutcomeKind.SKIPPED, True)
    assert "stranger.iso" not in held(emptied)


def test_a_damaged_file_is_suspect_and_a_missing_one_is_told(
    filled: Library, emptied: Library, repository: Path
) -> None:
    damaged, missing = sorted(held(filled))
    whole = (repository / damaged).read_bytes()
    (repository / damaged).write_bytes(b"x" + whole[1:])
    (repository / missing).unlink()
    told = rebuilt(emptied)
    assert (told[damaged].outcome, told[damaged].code) == (OutcomeKind.FAILED, "wrong-digest")
    assert told[missing].outcome is OutcomeKind.FAILED
    assert held(emptied)[damaged].state is CopyState.SUSPECT
    assert missing not in held(emptied)


def test_never_believes_a_receipt_that_somebody_changed(filled: Library, emptied: Library, repository: Path) -> None:
    signed = next(one for one in held(filled).values() if one.title.product == "sample-orchard")
    file = repository / RECEIPTS / f"{signed.sha256}.json"
    file.write_text(file.read_text().replace(signed.digests["sha256"], "0" * 64, 1))
    told = rebuilt(emptied)
    copy = held(emptied)[signed.path]
    assert copy.assurance is Assurance.NONE, "the inventory still names it, and nothing proves it"
    assert any(RECEIPTS in one for one in told)


def test_without_receipts_and_inventory_nothing_is_made_up(emptied: Library, repository: Path) -> None:
    for file in (repository / RECEIPTS).iterdir():
        file.unlink()
    (repository / "inventory.json").unlink()
    assert {one.outcome for one in rebuilt(emptied).values()} == {OutcomeKind.SKIPPED}
    assert held(emptied) == {}


def test_what_people_noted_of_an_image_is_known_again(filled: Library, emptied: Library) -> None:
    signed = next(one for one in held(filled).values() if one.title.product == "sample-orchard")
    notes = {"purpose": "Lab", "owner": "me"}
    filled.inventory.transition(signed.id, CopyState.HELD, expected=CopyState.HELD, metadata=notes)
    refresh_indexes(filled)
    rebuilt(emptied)
    again = held(emptied)[signed.path]
    assert (again.metadata, again.source) == (notes, signed.source)
    assert abs(again.created_at - signed.created_at) < timedelta(seconds=1)


def imported(library: Library, document: str) -> dict[str, Outcome]:
    steps = plan_listing(library, parse_listing(document.encode(), "own.json"), repository="default")
    told = [import_step(library, one, repository="default", place="own.json") for one in steps]
    return {one.path: one for one in told}


def test_an_export_of_everything_brings_back_how_far_it_is_proved(filled: Library, emptied: Library) -> None:
    signed = next(one for one in held(filled).values() if one.title.product == "sample-orchard")
    document = "".join(export_pieces(filled, CopySearch(), "isomanager"))
    assert {one.outcome for one in imported(emptied, document).values()} == {OutcomeKind.PUBLISHED}
    again = held(emptied)
    assert again[signed.path].assurance is Assurance.SIGNED
    assert {one.assurance for path, one in again.items() if path != signed.path} == {Assurance.PINNED}
    (receipt,) = emptied.inventory.receipts(signed.sha256 or "")
    assert receipt.evidence == filled.inventory.receipts(signed.sha256 or "")[-1].evidence != ()


def test_never_believes_an_export_whose_receipt_is_of_another_title(filled: Library, emptied: Library) -> None:
    signed = next(one for one in held(filled).values() if one.title.product == "sample-orchard")
    document = json.loads("".join(export_pieces(filled, CopySearch(), "isomanager")))
    for copy in document["copies"]:
        copy["title"]["version"]["text"] = "99.9"
    imported(emptied, json.dumps(document))
    assert held(emptied)[signed.path].assurance is Assurance.PINNED
