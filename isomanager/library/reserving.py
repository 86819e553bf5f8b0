"""Reserve: a row in the inventory and a lease, before the first byte. The path is fixed here."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event

from isomanager.errors import InventoryError
from isomanager.inventory.leases import HeldLease, Lease
from isomanager.library.opening import Library
from isomanager.model import Action, Copy, CopyState, Expectation, Title
from isomanager.storage.layout import TakenPaths, plan_path, stored_filename

UNFINISHED = (CopyState.RESERVED, CopyState.RECEIVED, CopyState.PUBLISHING)
_PATH_TRIES = 20


@dataclass(frozen=True)
class Reservation:
    """A copy to be made, and the right to make it."""

    copy: Copy
    expectation: Expectation
    lease: Lease
    ends: tuple[Event, ...] = ()

    def is_set(self) -> bool:
        """Whether the work must end: the lease was lost, or the library told everything to stop."""
        return any(one.is_set() for one in self.ends)


def lease_key(copy_id: str) -> str:
    """The lease under which a copy is worked on."""
    return f"copy:{copy_id}"


@contextmanager
def reserved(library: Library, action: Action) -> Iterator[Reservation]:
    """The row and the lease for a planned download; an unfinished one of the same bytes is taken up again.

    A writer that cannot renew its lease stops itself. LeaseLost when another process is at the same copy.
    """
    expectation = action.expectation
    if expectation is None:
        raise InventoryError(f"The action for {action.title} carries no expectation; only downloads are carried out.")
    copy = _unfinished(library, action, expectation) or _new_copy(library, action, expectation)
    lost = Event()
    with HeldLease(library.inventory, lease_key(copy.id), library.owner, lost=lost) as lease:
        now_there = library.inventory.transition(copy.id, copy.state, expected=copy.state, lease=lease)
        yield Reservation(now_there, expectation, lease, (lost, library.stop))


def _unfinished(library: Library, action: Action, expectation: Expectation) -> Copy | None:
    copies = library.inventory.copies(
        repository=action.repository, states=UNFINISHED, product=expectation.offer.title.product
    )
    return next(
        (
            one
            for one in copies
            if one.title == expectation.offer.title and one.fingerprint == expectation.offer.fingerprint
        ),
        None,
    )


def _new_copy(library: Library, action: Action, expectation: Expectation) -> Copy:
    """A fresh row; a path that somebody else takes in the meantime is chosen anew."""
    now, offer, identity = library.now(), expectation.offer, secrets.token_hex(8)
    for _ in range(_PATH_TRIES):
        copy = Copy(
            id=identity,
            repository=action.repository,
            path=free_path(
                library,
                action.repository,
                offer.title,
                offer.save_as or stored_filename(offer),
                expectation.digests.get("sha256"),
                offer.channel,
            ),
            title=offer.title,
            state=CopyState.RESERVED,
            fingerprint=offer.fingerprint,
            filename=offer.filename,
            partial=identity,
            source=action.source or "download",
            reason=action.reason,
            created_at=now,
            changed_at=now,
        )
        try:
            return library.inventory.reserve(copy)
        except InventoryError as taken:
            if taken.code != "name-taken":
                raise
    raise InventoryError(f"No free path for {expectation.offer.title} in {action.repository}.", code="name-taken")


def free_path(
    library: Library, repository: str, title: Title, filename: str, sha256: str | None, channel: str = "stable"
) -> str:
    """Where the repository's layout puts an image, taken neither in the store nor in the inventory."""
    there = TakenPaths(entry.path for entry in library.store(repository).list())
    product = library.product_of(title)
    return plan_path(
        title,
        filename,
        library.inventory.repository(repository).layout,
        taken=lambda path: there(path) or library.inventory.copy_at(repository, path) is not None,
        product_name=product.name if product else title.product,
        now=library.now(),
        sha256=sha256,
        channel=channel,
    )
