from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from isomanager.errors import UsageError
from isomanager.inventory.filter_words import moment, parse_filters, search_for
from isomanager.inventory.searching import CopySearch
from isomanager.model import Assurance, CopyState, Family

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def test_the_names_of_the_powershell_module_are_filters_too() -> None:
    asked = parse_filters(["Type=Windows", "Architecture=x64", "Version=2025", "Name=WindowsServer2025"])
    wanted = search_for(asked)
    assert (wanted.families, wanted.architectures, wanted.version) == ((Family.WINDOWS,), ("x86_64",), "2025")
    assert wanted.products == ("windowsserver2025",)
    assert search_for(parse_filters(["Type=Windows-Custom"])).families == (Family.CUSTOM,)


def test_a_name_given_again_is_an_alternative_and_values_may_hold_equals_signs() -> None:
    wanted = search_for(parse_filters(["product=debian", "product=ubuntu", "version=>=12,<14", "state=HELD"]))
    assert (wanted.products, wanted.version, wanted.states) == (("debian", "ubuntu"), ">=12,<14", (CopyState.HELD,))


def test_what_is_left_empty_asks_for_nothing() -> None:
    assert search_for({"version": "", "families": (), "min_size": None}) == CopySearch()


def test_sizes_have_units() -> None:
    wanted = search_for({"min_size": "1.5GiB", "max_size": "4700 MB", "assurance": "signed"})
    assert (wanted.min_size, wanted.max_size, wanted.assurance) == (3 << 29, 4_700_000_000, Assurance.SIGNED)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"families": ("lunix",)}, "linux, windows"),
        ({"assurance": "sure"}, "none, mirror"),
        ({"order": "colour"}, "path, name"),
        ({"min_size": "large"}, "is not a size"),
        ({"version": ","}, "no version filter"),
        ({"states": ("lost",)}, "held"),
    ],
)
def test_a_wrong_value_is_told_with_what_would_be_right(asked: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError) as wrong:
        search_for(asked)
    assert told in str(wrong.value)


@pytest.mark.parametrize("word", ["Type", "colour=red", "=linux"])
def test_a_word_that_is_no_filter_is_refused_with_the_names_there_are(word: str) -> None:
    with pytest.raises(UsageError, match="architecture"):
        parse_filters([word])


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("30d", NOW - timedelta(days=30)),
        ("12h", NOW - timedelta(hours=12)),
        ("2W", NOW - timedelta(weeks=2)),
        ("7", NOW - timedelta(days=7)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T06:00:00+02:00", datetime(2026, 11, 1, 4, tzinfo=UTC)),
    ],
)
def test_an_age_or_a_date_is_a_moment(text: str, then: datetime) -> None:
    assert moment(text, NOW) == then


@pytest.mark.parametrize("text", ["yesterday", "", "99999999999y", "-3d"])
def test_what_is_neither_age_nor_date_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        moment(text, NOW)
