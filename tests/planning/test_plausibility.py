"""Which answers surprise, and whose word makes them believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from isomanager.catalogue.loader import read_product
from isomanager.model import Family, Offer, Title
from isomanager.planning.plausibility import (
    Asked,
    Known,
    Opinion,
    Surprise,
    date_of,
    objections,
    surprises,
    why_held_back,
)
from isomanager.version import Version

NOW = datetime(2026, 11, 27, tzinfo=UTC)
MIB = 1 << 20
ANYTHING_NEW = Asked()


def product(series: int = 1):  # type: ignore[no-untyped-def]
    text = f"""
id = "tiny"
name = "Tiny"
family = "linux"
version = {{ series = {series}, pre = '.*-edge' }}
[[offers]]
strategy = "fixed"
url = "https://tiny.example/tiny.iso"
"""
    return read_product(text, "tiny.toml")


def offer(version: str, size: int | None = None, name: str = "tiny.iso") -> Offer:
    title = Title(family=Family.LINUX, product="tiny", version=Version(version))
    return Offer(title=title, filename=name, urls=("https://tiny.example/tiny.iso",), size=size)


def known(version: str, *, days: int = 0, size: int | None = None) -> Known:
    return Known(Version(version), NOW - timedelta(days=days), "held", size)


def kinds(one: Offer, *before: Known, asked: Asked = ANYTHING_NEW, series: int = 1) -> list[str]:
    return [found.kind for found in surprises(one, before, product(series), asked, now=NOW)]


@pytest.mark.parametrize(
    ("before", "after", "series"),
    [
        ("12", "13", 1), ("12.11", "13.0", 1), ("12.1", "12.99", 1), ("3.22", "3.23", 2), ("3.22", "4.0", 2),
        ("24.04.3", "26.04", 2), ("20260101", "20260901", 1), ("2026.01.01", "2026.11.01", 1), ("24H2", "25H2", 1), ("2022", "2025", 1), ("44", "44", 1),
        ("r7", "r99", 1),
    ],
)  # fmt: skip
def test_the_next_release_surprises_nobody(before: str, after: str, series: int) -> None:
    assert kinds(offer(after), known(before), series=series) == []


@pytest.mark.parametrize(
    ("before", "after", "series", "kind"),
    [
        ("15.1", "51.0", 1, "jump"), ("12", "14", 1, "jump"), ("3.22", "3.32", 2, "jump"), ("9.2-1", "92.0-1", 1, "jump"),
        ("15.1", "15.0", 1, "older"), ("24.04.3", "24.04.2", 2, "older"), ("24.04.3", "62.04", 2, "future"),
        ("20260901", "20990101", 1, "future"),
    ],
)  # fmt: skip
def test_a_leap_or_a_step_back_surprises(before: str, after: str, series: int, kind: str) -> None:
    assert kinds(offer(after), known(before), series=series) == [kind]


def test_who_has_not_looked_for_long_expects_more() -> None:
    assert kinds(offer("15"), known("12", days=119)) == ["jump"]
    assert kinds(offer("15"), known("12", days=120)) == []


def test_the_newest_of_what_is_known_counts() -> None:
    assert kinds(offer("14"), known("12"), known("13")) == []
    assert kinds(offer("12"), known("12"), known("13")) == ["older"]


def test_who_asks_for_an_older_or_coming_version_is_not_surprised_by_it() -> None:
    assert kinds(offer("12"), known("15"), asked=Asked(older=True)) == []
    assert kinds(offer("27.04-beta"), asked=Asked(pre_release=True)) == []


@pytest.mark.parametrize("version", ["45 Beta", "14.0-RC4", "3.25-edge"])
def test_a_pre_release_surprises_who_asked_for_a_release(version: str) -> None:
    assert kinds(offer(version)) == ["pre-release"]


def test_another_size_surprises() -> None:
    before = known("12", size=1000 * MIB)
    assert kinds(offer("12.1", 4000 * MIB), before) == []
    assert kinds(offer("12.1", 4001 * MIB), before) == ["size"]
    assert kinds(offer("12.1", 249 * MIB), before) == ["size"]
    assert kinds(offer("12.1"), before) == []


def test_an_impossible_size_is_borne_out_by_nobody() -> None:
    found = surprises(offer("12", 300), (), product(), Asked(), now=NOW)
    assert [(one.kind, one.impossible) for one in found] == [("size", True)]
    assert objections(found, [Opinion("the mirror", True, "it has it", newest=True)]) == found
    assert kinds(offer("12", 300, name="tiny.img")) == []


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("24.04", "2024-04"),
        ("2026.09.01", "2026-09"),
        ("20260901", "2026-09"),
        ("26.10-beta", "2026-10"),
        ("2024-05", "2024-05"),
    ],
)
def test_a_version_may_be_a_date(text: str, month: str) -> None:
    found = date_of(Version(text))
    assert found is not None
    assert f"{found:%Y-%m}" == month


@pytest.mark.parametrize("text", ["15.1", "9.2-1", "12", "1234.5", "24.13", "99999999", "24H2"])
def test_other_versions_are_no_dates(text: str) -> None:
    assert date_of(Version(text)) is None


AGREES, DISAGREES = Opinion("one", True, "yes", newest=True), Opinion("two", False, "no", newest=False)
SILENT, HAS_NEWER = Opinion("three", None, "no answer"), Opinion("four", True, "yes, and newer", newest=False)
JUMP, OLDER = Surprise("jump", "91 is far"), Surprise("older", "12 is old")


@pytest.mark.parametrize(
    ("surprise", "opinions", "is_believed"),
    [
        (JUMP, [AGREES], True), (JUMP, [AGREES, SILENT], True), (JUMP, [HAS_NEWER], True),
        (JUMP, [], False), (JUMP, [SILENT], False), (JUMP, [AGREES, DISAGREES], False),
        (OLDER, [AGREES], True), (OLDER, [HAS_NEWER], False), (OLDER, [Opinion("the signature", True, "signed")], False),
    ],
)  # fmt: skip
def test_witnesses_must_be_there_and_agree(surprise: Surprise, opinions: list[Opinion], is_believed: bool) -> None:
    assert (objections([surprise], opinions) == ()) is is_believed


def test_who_is_held_back_is_told_everything() -> None:
    told = why_held_back([JUMP], [DISAGREES, SILENT], "tiny")
    for part in (
        "91 is far",
        "two disagrees (no)",
        "three cannot tell",
        "nothing retired",
        "isomanager update tiny --accept",
    ):
        assert part in told
