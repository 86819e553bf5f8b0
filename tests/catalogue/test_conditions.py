"""When an entry of a product file applies."""

from __future__ import annotations

import pytest

from isomanager.catalogue.conditions import When
from isomanager.version import Version, VersionRule


@pytest.mark.parametrize(
    ("clauses", "rule", "fits"),
    [
        ("", "latest", True),
        (">=42", "latest", True),
        ("<42", "latest", False),
        (">=42", "42", True),
        (">=42", "41", False),
        (">=9.5", "9", True),
        (">=9.5,<10", "9.4", False),
        ("<20.04", "18.04.6", True),
        ("==14.0", "14.0", True),
        ("==14.0", "15.1", False),
    ],
)
def test_an_entry_is_considered_unless_the_rule_rules_it_out(clauses: str, rule: str, fits: bool) -> None:
    when = When(version=clauses)
    assert when.fits(rule=VersionRule.parse(rule), channel="stable", flavor="a", architecture="x86_64") is fits


def test_an_exclamation_mark_means_every_other_one() -> None:
    when = When(flavor=("!iot",))
    told = [
        when.fits(rule=VersionRule(), channel="stable", flavor=flavor, architecture="any") for flavor in ("iot", "kde")
    ]
    assert told == [False, True]


def test_a_version_that_was_found_must_fulfil_every_clause() -> None:
    when = When(version=">=20.04,<24.10")
    assert [when.accepts(Version(text)) for text in ("18.04.6", "20.04", "24.04.5.1", "24.10")] == [
        False,
        True,
        True,
        False,
    ]
