"""Repositories, subscriptions, receipts, quarantine, offers and runs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from isomanager.errors import InventoryError
from isomanager.inventory.inventory import Inventory
from isomanager.inventory.runs import Run
from isomanager.model import (
    Document,
    Keep,
    Offer,
    Outcome,
    OutcomeKind,
    Quarantined,
    Receipt,
    RepositoryRecord,
    Selector,
    Subscription,
    Title,
)

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_a_repository_is_named_once(inventory: Inventory) -> None:
    site = RepositoryRecord(name="site", url="s3://isos/site", description="Zürich", created_at=START)
    inventory.add_repository(site)
    assert inventory.add_repository(site) == site
    with pytest.raises(InventoryError, match="already there, at s3://isos/site"):
        inventory.add_repository(site.model_copy(update={"url": "/elsewhere"}))
    assert [record.name for record in inventory.repositories()] == ["main", "site"]
    moved = inventory.update_repository(site.model_copy(update={"url": "/elsewhere"}))
    assert inventory.repository("site") == moved
    assert moved.url == "/elsewhere"
    with pytest.raises(InventoryError, match="There is: main, site") as wrong:
        inventory.repository("nowhere")
    assert wrong.value.code == "unknown-repository"


def subscription(selector: Selector, name: str, **changes: Any) -> Subscription:
    return Subscription(id=name, selector=selector, created_at=START, **changes)


def test_the_same_selector_again_is_changed_not_doubled(inventory: Inventory) -> None:
    first = subscription(Selector.parse("ubuntu/server@24.04", architectures=("amd64", "arm64")), "s1")
    again = subscription(Selector.parse("ubuntu/server@24.04", architectures=("arm64", "x64")), "s2", keep=Keep(last=3))
    inventory.add_subscription(first)
    kept = inventory.add_subscription(again)
    assert (kept.id, kept.keep.last) == ("s1", 3)
    inventory.add_subscription(subscription(Selector.parse("ubuntu/server@24.04"), "s3"))
    assert [one.id for one in inventory.subscriptions()] == ["s1", "s3"]
    assert inventory.subscriptions()[0] == kept


def test_a_selector_added_by_many_at_once_is_there_once(inventory: Inventory) -> None:
    selector = Selector.parse("debian/netinst")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: inventory.add_subscription(subscription(selector, f"s{number}")), range(8)))
    assert len(inventory.subscriptions()) == 1


def test_a_subscription_is_removed_once(inventory: Inventory) -> None:
    kept = inventory.add_subscription(subscription(Selector.parse("debian"), "s1"))
    assert inventory.remove_subscription("s1") == kept
    with pytest.raises(InventoryError) as wrong:
        inventory.remove_subscription("s1")
    assert wrong.value.code == "unknown-subscription"


def test_receipts_are_kept_verbatim_and_only_added(inventory: Inventory, make_receipt: Callable[..., Receipt]) -> None:
    signed = Document(url="https://x/SHA256SUMS", content=b"\x00\xff binary, verbatim")
    first = make_receipt(evidence=(signed,), reasons=("signed by the release key",))
    later = make_receipt(proved_at=START + timedelta(days=1))
    for receipt in (later, first, first):
        inventory.record_receipt(receipt)
    assert inventory.receipts(first.sha256) == (first, later)
    with pytest.raises(InventoryError) as wrong:
        inventory.record_receipt(make_receipt(size=999))
    assert wrong.value.code == "image-differs"


def test_a_receipt_recorded_by_many_at_once_is_there_once(
    inventory: Inventory, make_receipt: Callable[..., Receipt]
) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(inventory.record_receipt, [make_receipt()] * 8))
    assert len(inventory.receipts(make_receipt().sha256)) == 1


def test_what_was_refused_is_remembered_until_its_evidence_changes(
    inventory: Inventory, make_title: Callable[..., Title]
) -> None:
    refused = Quarantined(fingerprint="sha256:1", title=make_title(), code="wrong-digest", reason="No.", at=START)
    inventory.quarantine(refused)
    newer = refused.model_copy(update={"reason": "Still no.", "at": START + timedelta(days=1)})
    inventory.quarantine(newer)
    assert inventory.is_quarantined("sha256:1", make_title()) == newer
    assert inventory.is_quarantined("sha256:2", make_title()) is None
    assert inventory.is_quarantined("sha256:1", make_title("24.04.4")) is None
    assert inventory.quarantined() == (newer,)
    assert inventory.release_quarantined("sha256:1", make_title())
    assert not inventory.release_quarantined("sha256:1", make_title())
    assert inventory.quarantined() == ()


def test_the_last_good_answer_stays(inventory: Inventory, make_title: Callable[..., Title], clock: Any) -> None:
    selector = Selector.parse("ubuntu/server@24.04")
    offer = Offer(title=make_title(), filename="u.iso", urls=("https://x/u.iso",), size=5, digests={"sha256": "aa"})
    assert inventory.last_good(selector) is None
    inventory.remember_offers(selector, [offer])
    clock.pass_(hours=1)
    inventory.remember_offers(selector, [])
    remembered = inventory.last_good(selector)
    assert remembered is not None
    assert (remembered.offers, remembered.at) == ((offer,), START)


def test_a_run_tells_what_it_did_in_its_order(inventory: Inventory) -> None:
    outcomes = tuple(Outcome(outcome=kind, path=f"{kind}.iso", reason="Because.") for kind in OutcomeKind)
    begun = Run(id="r1", name="update", started_at=START)
    inventory.record_run(begun)
    assert inventory.runs() == (begun,)
    ended = begun.model_copy(update={"finished_at": START + timedelta(minutes=1), "outcomes": outcomes})
    inventory.record_run(ended)
    later = Run(id="r2", name="prune", started_at=START + timedelta(hours=1))
    inventory.record_run(later)
    assert inventory.runs() == (later, ended)
    assert inventory.runs(limit=1) == (later,)


def test_a_time_without_a_zone_is_refused(inventory: Inventory, make_title: Callable[..., Title]) -> None:
    nobody_knows = datetime(2026, 1, 1)  # noqa: DTZ001
    refused = Quarantined(fingerprint="f", title=make_title(), code="c", reason="r", at=nobody_knows)
    with pytest.raises(InventoryError, match="no time zone"):
        inventory.quarantine(refused)
