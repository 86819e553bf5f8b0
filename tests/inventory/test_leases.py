from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from isomanager.errors import LeaseLost
from isomanager.inventory.inventory import Inventory
from isomanager.inventory.leases import HeldLeases

TTL = timedelta(seconds=30)


def test_a_key_has_one_holder_at_a_time(inventory: Inventory) -> None:
    lease = inventory.acquire("k", "first", TTL)
    assert lease is not None
    assert inventory.acquire("k", "second", TTL) is None
    assert inventory.has_lease("k")
    assert inventory.holder("k") == "first"
    inventory.release(lease)
    assert not inventory.has_lease("k")
    assert inventory.acquire("k", "second", TTL) is not None


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_finds_out(inventory: Inventory, clock: Any) -> None:
    first = inventory.acquire("k", "first", TTL)
    assert first is not None
    clock.pass_(seconds=30)
    assert inventory.holder("k") is None
    second = inventory.acquire("k", "second", TTL)
    assert second is not None
    assert second.token != first.token
    with pytest.raises(LeaseLost, match="no longer first's"):
        inventory.renew_all((first,))
    inventory.release(first)
    assert inventory.holder("k") == "second"


def test_a_renewed_lease_lives_on(inventory: Inventory, clock: Any) -> None:
    lease = inventory.acquire("k", "first", TTL)
    assert lease is not None
    for _ in range(3):
        clock.pass_(seconds=29)
        (lease,) = inventory.renew_all((lease,))
        assert inventory.acquire("k", "second", TTL) is None


def test_a_lease_that_ran_out_is_not_renewed_even_if_nobody_took_it(inventory: Inventory, clock: Any) -> None:
    lease = inventory.acquire("k", "first", TTL)
    assert lease is not None
    clock.pass_(seconds=30)
    with pytest.raises(LeaseLost):
        inventory.renew_all((lease,))


def test_of_many_threads_one_gets_the_lease(inventory: Inventory) -> None:
    with ThreadPoolExecutor(8) as pool:
        leases = list(pool.map(lambda owner: inventory.acquire("k", str(owner), TTL), range(16)))
    assert len([lease for lease in leases if lease is not None]) == 1


def test_a_held_lease_is_renewed_until_its_block_ends(inventory: Inventory) -> None:
    renewed = threading.Event()

    class Watched(Inventory):
        def renew_all(self, leases: Any) -> Any:
            later = super().renew_all(leases)
            renewed.set()
            return later

    watched = Watched(inventory._engine, inventory._clock)
    with HeldLeases(watched, ["k"], "first", ttl=timedelta(milliseconds=60)) as (lease,):
        assert renewed.wait(10)
        assert inventory.holder("k") == "first"
        assert lease.key == "k"
    assert not inventory.has_lease("k")


def test_a_held_lease_that_was_taken_over_stops_the_work(inventory: Inventory, clock: Any) -> None:
    stop = threading.Event()
    with HeldLeases(inventory, ["k"], "first", ttl=timedelta(milliseconds=60), lost=stop):
        clock.pass_(hours=1)
        assert stop.wait(10)
        assert inventory.acquire("k", "second", TTL) is not None
    assert inventory.holder("k") == "second"


def test_a_held_lease_is_refused_while_another_holds_the_key(inventory: Inventory) -> None:
    with HeldLeases(inventory, ["k"], "first"):
        with pytest.raises(LeaseLost, match="worked on by first"), HeldLeases(inventory, ["k"], "second"):
            pytest.fail("two holders")
        assert inventory.holder("k") == "first"
