"""Searching copies, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomanager.inventory.inventory import Inventory
from isomanager.inventory.passing import copy_json
from isomanager.inventory.searching import CopySearch, Order
from isomanager.model import Assurance, Copy, CopyState, Family, RepositoryRecord, Title
from isomanager.version import Version

Made = Callable[..., Copy]
VERSIONS = ("9.9", "9.10", "10.0-rc1", "10.0", "24.04", "24.04.3", "24.10", "2024.1", "45 Beta", "45")


@pytest.fixture
def shelf(inventory: Inventory, make_copy: Made) -> Inventory:
    """Copies of every kind, none of them in the order of its version."""
    start = make_copy().created_at
    inventory.add_repository(RepositoryRecord(name="nas", url="file:///nas", created_at=start))

    def title(version: str, **changes: object) -> Title:
        words = {"family": Family.LINUX, "product": "ubuntu", "flavor": "server", "version": Version(version)}
        return Title.model_validate({**words, **changes})

    def copy(place: int, held: Title, **changes: object) -> Copy:
        days = timedelta(days=place)
        return make_copy(
            path=f"{held.product}/{held.version}/{place}.iso", title=held, state=CopyState.HELD, size=(place + 1) * 100,
            sha256=f"{place:064x}", assurance=Assurance.PUBLISHED, created_at=start + days, proved_at=start + days,
            **changes,
        )  # fmt: skip

    copies = [copy(place, title(version)) for place, version in enumerate(reversed(VERSIONS))]
    copies += [
        copy(20, title("42.3", product="opensuse").model_copy(update={"version": Version("42.3", -1)})),
        copy(21, title("15.6", product="opensuse")),
        copy(22, title("11", family="windows", product="windows", language="de-DE"), filename="100%_german.iso"),
        copy(23, title("13.1", product="debian", architecture="aarch64"), repository="nas"),
        make_copy(path="never/proved.iso", title=title("1"), state=CopyState.SUSPECT, created_at=start),
        make_copy(path="gone.iso", title=title("2"), state=CopyState.GONE, created_at=start),
    ]
    assert inventory.import_copies(copies).added == len(copies)
    return inventory


def versions(inventory: Inventory, **asked: object) -> list[str]:
    return [str(one.title.version) for one in inventory.search(CopySearch.model_validate(asked))]


def test_versions_sort_as_versions_and_not_as_text(shelf: Inventory) -> None:
    found = versions(shelf, products=("ubuntu",), states=("held",), order="version")
    assert found == [one.text for one in sorted(map(Version, VERSIONS))]
    assert versions(shelf, products=("ubuntu",), states=("held",), order="version", descending=True) == found[::-1]
    assert versions(shelf, products=("opensuse",), order="version") == ["42.3", "15.6"]


@pytest.mark.parametrize(
    ("clauses", "wanted"),
    [
        ("24.04", {"24.04", "24.04.3"}),
        (">=24.04,<2024", {"24.04", "24.04.3", "24.10", "45 Beta", "45"}),
        ("<10.0", {"1", "9.9", "9.10", "10.0-rc1"}),
        (">24.04", {"24.04.3", "24.10", "45 Beta", "45", "2024.1"}),
        ("<=24.04", {"1", "9.9", "9.10", "10.0-rc1", "10.0", "24.04", "24.04.3"}),
    ],
)
def test_version_clauses_mean_what_they_mean_in_a_product_file(
    shelf: Inventory, clauses: str, wanted: set[str]
) -> None:
    assert set(versions(shelf, products=("ubuntu",), version=clauses)) == wanted


def test_an_epoch_is_found_by_its_number_and_compared_as_older(shelf: Inventory) -> None:
    assert versions(shelf, products=("opensuse",), version="42") == ["42.3"]
    assert versions(shelf, products=("opensuse",), version=">=15") == ["15.6"]
    assert versions(shelf, products=("opensuse",), version="<15") == ["42.3"]


def test_filters_narrow_and_alternatives_widen(shelf: Inventory) -> None:
    assert versions(shelf, families=("windows",)) == ["11"]
    assert set(versions(shelf, products=("windows", "debian"))) == {"11", "13.1"}
    assert versions(shelf, architectures=("aarch64",), repositories=("nas",)) == ["13.1"]
    assert versions(shelf, languages=("de-DE",)) == ["11"]
    assert versions(shelf, repositories=("nas",), families=("windows",)) == []
    assert versions(shelf, assurance="signed") == []
    assert versions(shelf, states=("gone",)) == ["2"]


def test_sizes_and_times_bound_what_is_found(shelf: Inventory) -> None:
    start = next(iter(shelf.search(CopySearch(products=("debian",))))).created_at - timedelta(days=23)
    assert versions(shelf, min_size=2200, max_size=2300) == ["15.6", "11"]
    assert set(versions(shelf, added_after=start + timedelta(days=22))) == {"11", "13.1"}
    assert "1" in versions(shelf, proved_before=start + timedelta(days=1)), (
        "what was never proved is older than any proof"
    )


def test_text_takes_every_word_literally(shelf: Inventory) -> None:
    assert versions(shelf, text="100%_GERMAN windows") == ["11"]
    assert versions(shelf, text="100__german") == []
    assert versions(shelf, text="\\") == []


@pytest.mark.parametrize("order", ["path", "name", "version", "size", "added", "proved", "assurance", "repository"])
def test_pages_cover_everything_once_in_the_order_of_the_whole(shelf: Inventory, order: Order) -> None:
    for descending in (False, True):
        asked = CopySearch(order=order, descending=descending)
        whole = [one.id for one in shelf.search(asked)]
        pages = [
            one.id
            for offset in range(0, len(whole) + 4, 4)
            for one in shelf.search(asked.model_copy(update={"offset": offset, "limit": 4}))
        ]
        assert pages == whole
        assert len(whole) == len(VERSIONS) + 5
        beyond = asked.model_copy(update={"offset": 3})
        assert [one.id for one in shelf.search(beyond)] == whole[3:]


def test_a_list_for_machines_tells_what_the_copies_tell(shelf: Inventory) -> None:
    wanted = CopySearch(order="version", limit=9)
    assert list(shelf.listed(wanted)) == [copy_json(one) for one in shelf.search(wanted)]


def test_statistics_tell_of_everything_that_fits(shelf: Inventory) -> None:
    told = shelf.statistics(CopySearch(products=("opensuse",), limit=1))
    assert (told.count, told.total, told.average, told.largest, told.smallest) == (2, 4300, 2150, 2200, 2100)
    nothing = shelf.statistics(CopySearch(products=("none",)))
    assert (nothing.count, nothing.total, nothing.average, nothing.largest) == (0, 0, 0, 0)


def test_shares_tell_who_takes_the_room(shelf: Inventory) -> None:
    told = {one.value: (one.count, one.total) for one in shelf.shares(CopySearch(), "product")}
    assert told["opensuse"] == (2, 4300)
    assert [one.value for one in shelf.shares(CopySearch(), "repository")] == ["main", "nas"]


TEXTS = st.from_regex(r"[0-9]{1,4}([.-](rc|beta|b)?[0-9]{1,15}){0,4}[a-z]?", fullmatch=True)


@given(TEXTS, TEXTS)
def test_the_sort_text_sorts_as_versions_do(one: str, other: str) -> None:
    first, second = Version(one), Version(other)
    assert (first < second) == (first.sort_text < second.sort_text)
    assert (first == second) == (first.sort_text == second.sort_text)
    begin, end = second.series_span
    assert first.starts_with(second) == (begin <= first.sort_text < end)


def test_a_library_from_before_can_be_searched_after_migrating(tmp_path: Path, make_copy: Made) -> None:
    import sqlite3

    from isomanager.inventory.migration import HISTORY, History, migrate

    place = str(tmp_path / "old.sqlite")
    migrate(place, history=History(HISTORY.folder, HISTORY.revisions[:1]))
    copy = make_copy(path="old.iso", state=CopyState.HELD)
    with sqlite3.connect(place) as database:
        database.execute(
            "INSERT INTO repositories VALUES ('main', 'file:///srv', 'default', '', '2026-01-01T00:00:00.000000+00:00')"
        )
        database.execute(
            "INSERT INTO copies (family, product, flavor, version_text, version_epoch, architecture, language, edition, id,"
            " repository, path, claimed_path, state, assurance, digests, fingerprint, filename, source, partial, trash_path,"
            " reason, created_at, changed_at, lease_token) VALUES ('linux', 'ubuntu', 'server', '24.04.3', 0, 'x86_64', '',"
            " '', ?, 'main', 'old.iso', 'old.iso', 'held', 'signed', '{}', '', '', '', '', '', '',"
            " '2026-01-01T00:00:00.000000+00:00', '2026-01-01T00:00:00.000000+00:00', '')",
            (copy.id,),
        )
    with Inventory.open(place) as inventory:
        assert versions(inventory, version="24.04") == ["24.04.3"]


def test_counts_and_bytes_are_added_up_by_the_database(shelf: Inventory) -> None:
    held = list(shelf.search(CopySearch(states=(CopyState.HELD,))))
    here = [one for one in held if one.repository == "main"]
    assert shelf.held_counts() == {"main": len(here), "nas": len(held) - len(here)}
    assert shelf.bytes_in("main", {CopyState.HELD}) == sum(one.size or 0 for one in here)
    assert shelf.bytes_in("main", {CopyState.TRASHED}) == 0
    newest: dict[tuple[str, str], Copy] = {}
    for one in sorted(here, key=lambda one: one.title.version):
        newest[one.title.product, one.title.language] = one
    replaced = sum(one.size or 0 for one in here) - sum(one.size or 0 for one in newest.values())
    assert shelf.replaced_bytes("main") == replaced > 0
