"""Sources are remembered with their order and with how they did."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from isomanager.errors import InventoryError
from isomanager.inventory.inventory import Inventory
from isomanager.model import SourceRecord

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def source(name: str, base: str = "https://mirror.example/", priority: int = 100) -> SourceRecord:
    return SourceRecord(name=name, base=base, priority=priority, created_at=NOW)


def test_sources_come_in_their_order_and_go(inventory: Inventory) -> None:
    inventory.add_source(source("late"))
    inventory.add_source(source("early", priority=1))
    assert [one.name for one in inventory.sources()] == ["early", "late"]
    inventory.order_sources((inventory.source("late"), source("vendor", base="")))
    assert [one.name for one in inventory.sources()] == ["late", "vendor", "early"]
    inventory.remove_source("late")
    assert [one.name for one in inventory.sources()] == ["vendor", "early"]
    with pytest.raises(InventoryError, match="There is: early") as unknown:
        inventory.remove_source("late")
    assert unknown.value.code == "unknown-source"


def test_speed_and_health_are_remembered_until_the_address_is_another(inventory: Inventory) -> None:
    inventory.add_source(source("internal"))
    inventory.remember_source("internal", speed=100.0, told="")
    inventory.remember_source("internal", speed=200.0, told="")
    known = inventory.source("internal")
    assert known.speed == pytest.approx(130.0)
    inventory.remember_source("internal", speed=None, told="it was gone")
    inventory.remember_source("internal", speed=None, told="it was gone")
    known = inventory.source("internal")
    assert (known.speed, known.failures, known.told) == (pytest.approx(130.0), 2, "it was gone")
    assert known.seen_at is not None
    assert inventory.add_source(source("internal", priority=5)).failures == 2
    inventory.remember_source("internal", speed=None, told="")
    assert inventory.source("internal").failures == 0
    fresh = inventory.add_source(source("internal", base="https://other.example/"))
    assert (fresh.speed, fresh.seen_at) == (None, None)


def test_what_is_seen_of_a_source_that_is_gone_is_let_go(inventory: Inventory) -> None:
    inventory.remember_source("nobody", speed=1.0, told="")
    assert inventory.sources() == ()
