"""Lease: the right to work on one copy, or on one repository's indexes, for as long as a block lasts."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

from isomanager.library.opening import Library

if TYPE_CHECKING:
    from isomanager.inventory.leases import Lease


@contextmanager
def leased(library: Library, key: str, *, lost: Event | None = None) -> Iterator[Lease]:
    """The lease on `key`, renewed until the block ends; `lost` is set when it cannot be.

    That of a process of this machine that is known to be dead is taken over at once. LeaseLost when another one holds it.
    """
    from isomanager.inventory.leases import HeldLease

    holder = library.inventory.holder(key)
    if holder is not None and library.owner.is_dead(holder):
        library.inventory.release_owner(holder)
    with HeldLease(library.inventory, key, library.owner.name, lost=lost) as lease:
        yield lease


@contextmanager
def leased_copy(library: Library, copy_id: str, *, lost: Event | None = None) -> Iterator[Lease]:
    """The lease on a copy; as `leased`."""
    with leased(library, f"copy:{copy_id}", lost=lost) as lease:
        yield lease


def reading_key(copy_id: str) -> str:
    """How the leases of those who read a copy begin; unlike the lease to work on it, many may have one at the same time."""
    return f"reading:{copy_id}:"


@contextmanager
def reading(library: Library, copy_id: str) -> Iterator[None]:
    """While the block lasts, no prune takes the copy away."""
    with leased(library, f"{reading_key(copy_id)}{library.owner.name}:{secrets.token_hex(4)}"):
        yield
