"""When Microsoft may be asked, decided from plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from isomanager.catalogue.microsoft.day_links import (
    Asking,
    KnownLinks,
    RefusedUntil,
    after_refusal,
    may_not_ask,
    with_failure,
)
from isomanager.catalogue.microsoft.replies import blocked

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def links(asked_at: datetime, expires: datetime | None = None) -> KnownLinks:
    return KnownLinks(sku="1", language="German", product="Windows", files=(), asked_at=asked_at, expires=expires)


def test_what_was_never_asked_for_may_be() -> None:
    assert may_not_ask(Asking(), None, NOW) is None


def test_a_day_lies_between_two_links() -> None:
    asking = Asking(links=links(NOW - 23 * HOUR, NOW - HOUR))
    wrong = may_not_ask(asking, None, NOW)
    assert wrong is not None
    assert (wrong.code, wrong.data["until"]) == ("asked-today", (NOW + HOUR).isoformat())
    assert may_not_ask(asking, None, NOW + HOUR) is None


def test_three_requests_without_a_link_are_enough_for_a_day() -> None:
    asking = Asking()
    for _ in range(3):
        assert may_not_ask(asking, None, NOW) is None
        asking = with_failure(asking, NOW)
    assert may_not_ask(asking, None, NOW + 23 * HOUR) is not None
    assert may_not_ask(asking, None, NOW + 24 * HOUR) is None
    assert len(with_failure(asking, NOW + 25 * HOUR).failed) == 1


def test_a_refusal_rests_a_day_the_next_two_and_a_late_one_a_day_again() -> None:
    wrong = blocked("no", type=9)
    first = after_refusal(None, wrong, NOW)
    assert first.until == NOW + 24 * HOUR
    second = after_refusal(first, wrong, NOW + 25 * HOUR)
    assert (second.until - second.at, second.times) == (48 * HOUR, 2)
    later = after_refusal(second, wrong, second.until + 72 * HOUR)
    assert (later.until - later.at, later.times) == (24 * HOUR, 1)


def test_while_an_address_is_refused_nothing_is_asked_and_the_reason_is_told() -> None:
    refusal = after_refusal(None, blocked("Sentinel marked this request as rejected.", type=9), NOW)
    assert RefusedUntil.model_validate_json(refusal.model_dump_json()) == refusal
    wrong = may_not_ask(Asking(), refusal, NOW + HOUR)
    assert wrong is not None
    assert (wrong.code, wrong.data["type"], wrong.data["message_code"]) == ("blocked", 9, "715-123130")
    assert "Sentinel marked" in wrong.message
    assert may_not_ask(Asking(), refusal, NOW + 24 * HOUR) is None


def test_a_link_holds_until_shortly_before_its_end_or_a_day_when_nobody_said() -> None:
    assert links(NOW, NOW + HOUR).holds(NOW + HOUR / 2)
    assert not links(NOW, NOW + HOUR).holds(NOW + HOUR)
    assert links(NOW).holds(NOW + 23 * HOUR)
    assert not links(NOW).holds(NOW + 24 * HOUR)
