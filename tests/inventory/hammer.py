"""Hammers one database from several threads of one process: `hammer.py PLACE PROCESS ROUNDS`. Prints what it did as JSON.

Every thread tries to reserve the same paths as every other; claims leases and counts under them; and adds to one copy's
reason with compare-and-set. Whatever is lost or doubled shows in the sums.
"""

from __future__ import annotations

import json
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from isomanager.errors import InventoryError, LeaseLost
from isomanager.inventory.inventory import Inventory
from isomanager.model import Copy, CopyState, Family, Title
from isomanager.version import Version

THREADS = 4


def reserve(inventory: Inventory, place: int) -> int:
    """1 when the path was ours, 0 when another had it."""
    now = datetime.now(UTC)
    title = Title(family=Family.LINUX, product="debian", version=Version("13"))
    copy = Copy(
        id=uuid.uuid4().hex,
        repository="main",
        path=f"Path-{place}.iso" if place % 2 else f"path-{place}.ISO",
        title=title,
        state=CopyState.RESERVED,
        created_at=now,
        changed_at=now,
    )
    try:
        inventory.reserve(copy)
    except InventoryError as error:
        if error.code != "name-taken":
            raise
        return 0
    return 1


def count_one(inventory: Inventory) -> None:
    """Add one to the number in the counter's reason: read, then compare-and-set under a lease, until it succeeds."""
    while True:
        lease = inventory.acquire("counter", "hammer", timedelta(seconds=30))
        if lease is None:
            continue
        try:
            number = int(inventory.copy("counter").reason) + 1
            step = {"expected": CopyState.RESERVED, "lease": lease, "reason": str(number)}
            inventory.transition("counter", CopyState.RESERVED, **step)
            return
        except LeaseLost:
            continue
        finally:
            inventory.release(lease)


def work(inventory: Inventory, rounds: int) -> dict[str, int]:
    mine = 0
    for place in range(rounds):
        mine += reserve(inventory, place)
        count_one(inventory)
        inventory.copies(states={CopyState.RESERVED})
    return {"reserved": mine, "counted": rounds}


def main(place: str, rounds: int) -> None:
    with Inventory.open(place) as inventory, ThreadPoolExecutor(THREADS) as pool:
        done = [one.result() for one in [pool.submit(work, inventory, rounds) for _ in range(THREADS)]]
    json.dump({name: sum(one[name] for one in done) for name in ("reserved", "counted")}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
