"""What is remembered of an answer, and how its age is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from isomanager.library.knowing import age_told, known_before, remember
from isomanager.library.opening import Library
from isomanager.library.resolving import resolve_wants
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Selector

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def test_a_signed_link_is_never_remembered(library: Library) -> None:
    subscription = subscribe(library, Selector.parse("sample-beacon"), floor=Assurance.MIRROR)
    (want,) = resolve_wants(library, [subscription])
    expectation = want.resolutions[0].expectation
    assert expectation is not None
    signed = expectation.offer.model_copy(update={"urls": ("https://u:pass@vendor.example/x.iso?sig=SECRET",)})
    remember(library, subscription, [expectation.model_copy(update={"offer": signed})])
    last = library.inventory.last_good(subscription.selector)
    assert last is not None
    assert last.offers[0].urls == ("https://vendor.example/x.iso",)
    assert b"SECRET" not in (library.settings.data_folder / "isomanager.db").read_bytes()


def test_the_last_good_answer_is_known_in_its_own_scope_only(library: Library) -> None:
    server, desktop = (subscribe(library, Selector.parse(f"sample-orchard/{one}@lts")) for one in ("server", "desktop"))
    (want,) = resolve_wants(library, [server])
    title = want.resolutions[0].title
    assert title is not None
    assert [one.version for one in known_before(library, server, title)] == [title.version]
    assert known_before(library, desktop, title.model_copy(update={"flavor": "desktop"})) == ()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (7200, "2 hours ago"),
        (86400 * 3, "3 days ago"),
        (-5, "just now"),
    ],
)
def test_an_age_is_told_in_the_unit_that_says_enough(seconds: int, told: str) -> None:
    assert age_told(NOW - timedelta(seconds=seconds), NOW) == told
