"""Versions have one total order, and the version rule is valid only from right to left."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomanager.errors import UsageError
from isomanager.version import Version, VersionRule

ASCENDING = [
    ["24.04", "24.04.3", "24.04.5", "24.04.5.1", "24.10", "26.04"],
    ["13", "13.5.0", "13.10.0"],
    ["9.0-1", "9.0-2", "9.2", "9.2-1", "9.10"],
    ["23H2", "24H2", "25H2"],
    ["2025.12.01", "2026.01.01", "2026.07.01"],
    ["14.0-BETA1", "14.0-BETA2", "14.0-RC1", "14.0-RC4", "14.0-RELEASE", "14.1"],
    ["44", "45 Beta", "45"],
    ["10.2", "10.3-beta", "10.3-beta-1", "10.3", "10.3.1"],
    ["3.24.1", "3.25.0_rc1", "3.25.0"],
    ["2026.2", "2026.2a", "2026.3"],
    ["13.3", "13.3-U1", "13.3-U1.2", "13.3-U2"],
    ["20260101T170000Z", "20261101T170000Z"],
    ["6.00", "7.0b1", "7.0", "7.20"],
]


@pytest.mark.parametrize("texts", ASCENDING, ids=lambda texts: texts[0])
def test_versions_rise_as_their_upstream_means_them(texts: list[str]) -> None:
    versions = [Version(text) for text in texts]
    for (place, one), (later, other) in itertools.combinations(enumerate(versions), 2):
        assert one < other, (place, later)
        assert other > one


@pytest.mark.parametrize(("one", "other"), [("04.10", "4.10"), ("14.0", "14.0-RELEASE"), ("v3.20", "3.20")])
def test_spelling_does_not_decide(one: str, other: str) -> None:
    assert Version(one) == Version(other)
    assert hash(Version(one)) == hash(Version(other))


def test_two_digit_minors_are_not_decimals() -> None:
    assert Version("24.10") != Version("24.1")
    assert Version("9.9") < Version("9.10")


def test_an_epoch_sorts_before_everything() -> None:
    assert Version("42.3", epoch=-1) < Version("15.0")


def test_major_minor_and_patch_are_the_first_three_parts() -> None:
    version = Version("24.04.3")
    assert (version.major, version.minor, version.patch) == (24, 4, 3)
    assert (Version("44").major, Version("44").minor, Version("44").patch) == (44, None, None)
    assert Version("24H2").major == "24H2"
    assert str(version) == "24.04.3"


def test_a_text_without_number_or_word_is_no_version() -> None:
    with pytest.raises(UsageError, match="not a version"):
        Version(" . ")


texts = st.from_regex(r"\A(v?[0-9]{1,4})([.\-_ ]([0-9]{1,4}|rc[0-9]?|beta|BETA[0-9]|[a-z]|U[0-9]|H[0-9])){0,4}\Z")


@given(texts, texts, texts)
def test_the_order_is_total(a: str, b: str, c: str) -> None:
    x, y, z = Version(a), Version(b), Version(c)
    assert (x < y) + (x == y) + (x > y) == 1
    assert x == Version(a)
    if x <= y and y <= z:
        assert x <= z


@given(texts)
def test_a_version_lies_in_its_own_series(text: str) -> None:
    assert Version(text).starts_with(Version(text))


@given(texts, st.integers(0, 99))
def test_a_point_release_follows_its_release(text: str, number: int) -> None:
    assert Version(text) < Version(f"{text}.{number}")


@pytest.mark.parametrize(
    ("rule", "accepted", "refused"),
    [
        ("latest", ["24.04", "1"], []),
        ("24", ["24.04", "24.10.1", "24"], ["26.04", "2"]),
        ("24.latest", ["24.04", "24.10"], ["26.04"]),
        ("24.x", ["24.04", "24.10"], ["26.04"]),
        ("24.04.*", ["24.04", "24.04.3"], ["24.10"]),
        ("24.04 LTS", ["24.04", "24.04.3"], ["24.10"]),
        ("24.04-lts", ["24.04", "24.04.3"], ["24.10"]),
        ("v24.04", ["24.04", "24.04.3"], ["24.10"]),
        ("24.04", ["24.04", "24.04.5.1"], ["24.10", "26.04"]),
        ("24.04.latest", ["24.04", "24.04.3"], ["24.10"]),
        ("24.04.3", ["24.04.3"], ["24.04.31", "24.04"]),
        ("=20", ["20"], ["20.3"]),
        ("14.0-RC4", ["14.0-RC4"], ["14.0", "14.0-RC1"]),
        ("2026.07.01", ["2026.07.01"], ["2026.08.01"]),
    ],
)
def test_a_rule_accepts_its_series_and_nothing_else(rule: str, accepted: list[str], refused: list[str]) -> None:
    parsed = VersionRule.parse(rule)
    assert [text for text in accepted if not parsed.accepts(Version(text))] == []
    assert [text for text in refused if parsed.accepts(Version(text))] == []


@pytest.mark.parametrize("rule", ["latest", "24", "24.04", "24.04.3", "=20", "14.0-RC4"])
def test_a_rule_reads_back_what_it_prints(rule: str) -> None:
    assert VersionRule.parse(str(VersionRule.parse(rule))) == VersionRule.parse(rule)


@pytest.mark.parametrize("rule", ["latest.04", "latest.latest.3", "24.latest.3", "latest.04.3"])
def test_latest_is_valid_only_from_right_to_left(rule: str) -> None:
    with pytest.raises(UsageError, match="forbids an exact"):
        VersionRule.parse(rule)


@pytest.mark.parametrize(
    "rule", [">=22", "<24.04", "22.04,24.04", "24.04@x", "~24", "^24", "22.04|24.04", "!24.04", "24==04"]
)
def test_a_range_or_list_is_refused_and_never_read_as_a_version_in_it(rule: str) -> None:
    with pytest.raises(UsageError, match="is no version rule"):
        VersionRule.parse(rule)


def test_the_refusal_says_why_and_what_to_do() -> None:
    with pytest.raises(UsageError) as refused:
        VersionRule.from_parts("latest", "04", "2")
    assert str(refused.value) == (
        "latest major forbids an exact minor '04' and patch '2': once a part is latest, every part right of it must be latest "
        "too. Give an exact major, or leave minor latest."
    )


def test_three_exact_parts_from_a_form_leave_no_room() -> None:
    rule = VersionRule.from_parts("20", "04", "2")
    assert rule == VersionRule("20.04.2", whole=True)
    assert VersionRule.from_parts("20", "04") == VersionRule("20.04")
    assert VersionRule.from_parts() == VersionRule()
