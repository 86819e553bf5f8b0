"""Gated images can be subscribed to: the run says what is out, and stays green."""

from __future__ import annotations

import pytest

from domain_update import update
from fake_microsoft import Microsoft
from isomanager.errors import ResolveError
from isomanager.library.opening import Library
from isomanager.library.resolving import resolve_selector
from isomanager.library.subscribing import subscribe
from isomanager.model import OutcomeKind, Selector

LISTED = [
    {"cycle": "11-25h2-w", "latest": "10.0.26200", "eol": False},
    {"cycle": "11-24h2-w", "latest": "10.0.26100", "eol": False},
    {"cycle": "10-22h2", "latest": "10.0.19045", "eol": "2025-10-14"},
    {"cycle": "8.1", "latest": "6.3.9600", "eol": "2023-01-10"},
]


@pytest.mark.parametrize(
    ("selector", "newest"), [("windows/business", "11.25H2.26200"), ("windows/business@10", "10.22H2.19045")]
)
def test_a_gated_image_is_reported_with_the_newest_release_and_how_to_get_it(
    library: Library, microsoft: Microsoft, selector: str, newest: str
) -> None:
    microsoft.lists["/elsewhere/api/windows.json"] = LISTED
    subscribe(library, Selector.parse(selector))
    (outcome,) = update(library)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.SKIPPED, "manual")
    assert outcome.reason.startswith(f"{newest} is the newest release, and none is held")
    assert "sign in" in outcome.reason
    assert not outcome.is_bad


@pytest.mark.parametrize("selector", ["windows/insider", "windows@preview", "Windows81", "WindowsServer2012R2"])
def test_where_nobody_lists_releases_the_way_to_get_it_is_told(library: Library, selector: str) -> None:
    subscribe(library, Selector.parse(selector))
    (outcome,) = update(library)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.SKIPPED, "manual")
    assert outcome.reason.startswith("not held; to be fetched by hand")


def test_whoever_asks_for_a_gated_image_is_told_the_newest_release(library: Library, microsoft: Microsoft) -> None:
    microsoft.lists["/elsewhere/api/windows-server.json"] = [
        {"cycle": "2025", "latest": "10.0.26100"},
        {"cycle": "23h2-ac", "latest": "10.0.25398"},
        {"cycle": "2022", "latest": "10.0.20348"},
    ]
    with pytest.raises(ResolveError) as wrong:
        resolve_selector(library, library.canonical(Selector.parse("windows-server/volume")))
    assert (wrong.value.code, wrong.value.data["newest"]) == ("manual", "2025.24H2.26100")
    assert "sign in" in wrong.value.hint
