"""Which versions the policy keeps, and in which words: a golden table, and what holds whatever the versions are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomanager.model import Keep
from isomanager.planning.keeping import kept_versions, policy_told
from isomanager.version import Version

HISTORY = ["22.04.1", "22.04.5", "23.10", "24.04", "24.4.2", "24.04.3", "24.10", "26.04", "26.04.1"]

GOLDEN = {
    "last 1": (Keep(), {"26.04.1": ("the newest",)}),
    "last 3": (
        Keep(last=3),
        {
            "26.04.1": ("among the newest 3",),
            "26.04": ("among the newest 3",),
            "24.10": ("among the newest 3",),
        },
    ),
    "two majors": (
        Keep(per_major=2),
        {
            "26.04.1": ("the newest", "the newest of 26 (kept for each of 2 major versions)"),
            "24.10": ("the newest of 24 (kept for each of 2 major versions)",),
        },
    ),
    "three minors": (
        Keep(per_minor=3),
        {
            "26.04.1": ("the newest", "the newest of 26.04 (kept for each of 3 minor versions)"),
            "24.10": ("the newest of 24.10 (kept for each of 3 minor versions)",),
            "24.04.3": ("the newest of 24.04 (kept for each of 3 minor versions)",),
        },
    ),
    "all rules": (
        Keep(last=2, per_major=1, per_minor=2),
        {
            "26.04.1": (
                "among the newest 2",
                "the newest of 26 (kept for each of 1 major versions)",
                "the newest of 26.04 (kept for each of 2 minor versions)",
            ),
            "26.04": ("among the newest 2",),
            "24.10": ("the newest of 24.10 (kept for each of 2 minor versions)",),
        },
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_what_the_policy_keeps_and_why(name: str) -> None:
    keep, expected = GOLDEN[name]
    kept = kept_versions([Version(one) for one in HISTORY], keep)
    assert {str(version): rules for version, rules in kept.items()} == expected


def test_the_policy_is_told_in_words() -> None:
    assert policy_told(Keep()) == "1"
    assert policy_told(Keep(last=2, days=30, per_major=3)) == "2, 30 days, one for each of 3 major versions"


keeps = st.builds(Keep, last=st.integers(1, 4), per_major=st.integers(0, 4), per_minor=st.integers(0, 4))
some_versions = st.lists(
    st.tuples(st.integers(1, 5), st.integers(0, 3), st.integers(0, 3)).map(
        lambda one: Version(".".join(map(str, one)))
    ),
    min_size=1,
    max_size=12,
    unique=True,
)


@given(some_versions, keeps)
def test_the_newest_always_stays_and_more_rules_never_keep_less(versions: list[Version], keep: Keep) -> None:
    kept = kept_versions(versions, keep)
    assert max(versions) in kept
    assert len(kept) >= min(keep.last, len(versions))
    assert kept.keys() <= set(versions)
    assert kept.keys() >= kept_versions(versions, Keep(last=keep.last)).keys()
    assert all(kept.values()), "whatever stays has a reason"


@given(some_versions, keeps)
def test_what_is_let_go_now_is_let_go_again_when_the_rest_is_gone(versions: list[Version], keep: Keep) -> None:
    kept = kept_versions(versions, keep)
    assert kept_versions(list(kept), keep).keys() == kept.keys()
