"""Lease: the right to work on one copy, or on one repository's indexes, for as long as a block lasts."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
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
    from isomanager.inventory.leases import HeldLeases

    holder = library.inventory.holder(key)
    if holder is not None and library.owner.is_dead(holder):
        library.inventory.release_owner(holder)
    with HeldLeases(library.inventory, (key,), library.owner.name, lost=lost) as (lease,):
        yield lease


@contextmanager
def leased_all(library: Library, keys: Sequence[str], *, lost: Event | None = None) -> Iterator[tuple[Lease, ...]]:
    """The leases on keys that are new, so that no dead process can have them, by one commit for all."""
    from isomanager.inventory.leases import HeldLeases

    with HeldLeases(library.inventory, keys, library.owner.name, lost=lost) as leases:
        yield leases


def copy_key(copy_id: str) -> str:
    """What the lease to work on a copy is called."""
    return f"copy:{copy_id}"


@contextmanager
def leased_copy(library: Library, copy_id: str, *, lost: Event | None = None) -> Iterator[Lease]:
    """The lease on a copy; as `leased`."""
    with leased(library, copy_key(copy_id), lost=lost) as lease:
        yield lease


def reading_key(copy_id: str) -> str:
    """How the leases of those who read a copy begin; unlike the lease to work on it, many may have one at the same time."""
    return f"reading:{copy_id}:"


def reader_key(library: Library, copy_id: str) -> str:
    """What this reader's own lease is called."""
    return f"{reading_key(copy_id)}{library.owner.name}:{secrets.token_hex(4)}"


@contextmanager
def reading(library: Library, copy_id: str) -> Iterator[None]:
    """While the block lasts, no prune takes the copy away."""
    with leased(library, reader_key(library, copy_id)):
        yield
