"""Everything passes by as it would be listed, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import random

import pytest

from inventory.test_shelf import GUARDS, NOW, START, copies, selects, wants
from isomanager.inventory.inventory import Inventory
from isomanager.inventory.life import LIVE
from isomanager.inventory.report.figures import build_figures
from isomanager.inventory.searching import CopySearch
from isomanager.model import CopyState, RepositoryRecord
from isomanager.planning.deciding import Rules
from isomanager.planning.judging import judge_retention
from isomanager.planning.shelf import CopiesOnHand


@pytest.fixture
def filled(inventory: Inventory) -> Inventory:
    inventory.add_repository(RepositoryRecord(name="nas", url="file:///srv/nas", created_at=START))
    inventory.import_copies(copies(random.Random(7)))
    return inventory


def test_a_search_by_path_lists_a_repository_as_it_is_listed(filled: Inventory) -> None:
    there = filled.copies("nas", states={CopyState.HELD})
    assert there == tuple(filled.search(CopySearch(repositories=("nas",), states=(CopyState.HELD,))))
    assert len(there) > 50


def test_what_a_report_counts_is_what_the_copies_are(filled: Inventory) -> None:
    everything = CopySearch()
    assert build_figures(filled.counted(everything), now=NOW) == build_figures(filled.search(everything), now=NOW)
    assert build_figures(filled.counted(everything), now=NOW).suspect


def test_the_oldest_versions_pass_first_and_equal_ones_as_they_came(filled: Inventory) -> None:
    there = filled.copies("main", states={CopyState.HELD})
    expected = sorted(there, key=lambda one: (one.title.version, one.created_at, one.id))
    assert list(filled.oldest_first("main")) == expected


def test_the_paths_are_those_of_live_copies(filled: Inventory) -> None:
    assert sorted(filled.paths("nas")) == [one.path for one in filled.copies("nas", states=LIVE)]
    assert len(filled.copies("nas")) > len(filled.copies("nas", states=LIVE))


def test_doubles_are_images_that_a_repository_holds_more_than_once(filled: Inventory) -> None:
    held = filled.copies(states={CopyState.HELD})
    bytes_ = [(one.repository, one.sha256) for one in held]
    twice = [one for one in held if bytes_.count((one.repository, one.sha256)) > 1]
    assert 0 < len(twice) < len(held)
    assert list(filled.search(CopySearch(states=(CopyState.HELD,), doubles=True))) == twice


def test_copies_are_found_by_ids_and_by_their_very_title(filled: Inventory) -> None:
    held = filled.copies(states={CopyState.HELD})
    assert {one.id for one in filled.copies_of([held[3].id, held[5].id, "unknown"])} == {held[3].id, held[5].id}
    for one in held[:40]:
        assert filled.held(one.title) == tuple(other for other in held if other.title == one.title)
        here = tuple(other for other in held if (other.title, other.repository) == (one.title, "nas"))
        assert filled.held(one.title, "nas") == here


def test_a_copy_is_judged_in_the_database_as_among_all_copies(filled: Inventory) -> None:
    luck, there = random.Random(9), filled.copies()
    fates = set()
    for _ in range(30):
        asked, rules = wants(luck), Rules(selects, GUARDS)
        some = luck.sample(there, 5)
        judged = judge_retention(some, asked, filled, rules, now=NOW)
        assert judged == judge_retention(some, asked, CopiesOnHand(there), rules, now=NOW)
        fates |= {one.stays for one in judged.values()}
    assert fates == {True, False}
