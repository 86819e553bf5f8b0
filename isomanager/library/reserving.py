"""Reserve: a row in the inventory and a lease, before the first byte. The path is fixed here."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Event

from isomanager.errors import InventoryError
from isomanager.inventory.leases import Lease
from isomanager.library.filing import filed_at
from isomanager.library.leasing import copy_key, leased_all, leased_copy, reader_key
from isomanager.library.opening import Library
from isomanager.library.setting_aside import aside
from isomanager.model import Action, Copy, CopyState, Expectation, Received, Title
from isomanager.planning.wanting import same_bytes
from isomanager.storage.layout import stored_filename

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


@contextmanager
def reserved(
    library: Library,
    action: Action,
    planned_at: datetime | None = None,
    *,
    reads: str = "",
    notes: Mapping[str, str] | None = None,
) -> Iterator[Reservation]:
    """The row and the lease for a planned download; an unfinished one of the same bytes is taken up again. `reads` is the copy that
    is read for it: no prune takes that away meanwhile. `notes` are what people noted of the image, kept with a new row.

    A writer that cannot renew its lease stops itself. LeaseLost when another process is at the same copy,
    InventoryError(code="already-held") when another run brought it in since `planned_at`.
    """
    expectation = action.expectation
    if expectation is None:
        raise InventoryError(f"The action for {action.title} carries no expectation; only downloads are carried out.")
    readers, lost = [reader_key(library, reads)] if reads else [], Event()
    ends = (lost, library.stop)
    copy = _unfinished(library, action, expectation)
    if copy is None:
        _refuse_arrived(library, action, expectation, planned_at)
        identity = secrets.token_hex(8)
        with leased_all(library, [copy_key(identity), *readers], lost=lost) as (lease, *_):
            copy = _new_copy(library, action, expectation, identity, lease, notes or {})
            if copy.id == identity:
                yield Reservation(copy, expectation, lease, ends)
                return
    with leased_copy(library, copy.id, lost=lost) as lease, leased_all(library, readers, lost=lost):
        now_there = library.inventory.transition(copy.id, copy.state, expected=copy.state, lease=lease)
        yield Reservation(now_there, expectation, lease, ends)


def note_received(library: Library, reservation: Reservation, received: Received) -> None:
    """The reserved copy's bytes are durable: their digests, and the unfinished file that has them, are noted with it."""
    library.inventory.transition(
        reservation.copy.id,
        CopyState.RECEIVED,
        expected={CopyState.RESERVED, CopyState.RECEIVED},
        lease=reservation.lease,
        sha256=received.sha256,
        size=received.size,
        digests=received.digests,
        partial=received.partial,
    )


def _unfinished(library: Library, action: Action, expectation: Expectation) -> Copy | None:
    copies = library.inventory.copies(
        repository=action.repository, states=UNFINISHED, product=expectation.offer.title.product
    )
    return next(
        (one for one in copies if one.title == expectation.offer.title and one.fingerprint == expectation.fingerprint),
        None,
    )


def _refuse_arrived(library: Library, action: Action, expectation: Expectation, planned_at: datetime | None) -> None:
    """Asked after looking for an unfinished one: what another run had reserved by then is seen in one place or the other."""
    held = library.inventory.copies(action.repository, states={CopyState.HELD}, product=expectation.offer.title.product)
    for one in held:
        recent = planned_at is not None and one.proved_at is not None and one.proved_at > planned_at
        if recent and one.title == expectation.offer.title and same_bytes(one, expectation):
            raise InventoryError(f"Another run brought {one.title} in meanwhile.", code="already-held", path=one.path)


def _let_go_of_missing(library: Library, repository: str, title: Title) -> None:
    """A suspect copy whose file is missing or set aside keeps its name from the one that is to replace it: it goes."""
    store = library.store(repository)
    for one in library.inventory.copies(repository, states={CopyState.SUSPECT}, product=title.product):
        if one.title == title and store.stat(one.path) is None:
            with leased_copy(library, one.id) as lease:
                reason = "its file is missing, and it is fetched again"
                library.inventory.transition(
                    one.id, CopyState.GONE, expected=CopyState.SUSPECT, lease=lease, reason=reason
                )
                if library.inventory.frozen() is None:
                    store.delete(aside(one))  # damaged, and past repair: that was tried before anything is fetched


def _new_copy(
    library: Library, action: Action, expectation: Expectation, identity: str, lease: Lease, notes: Mapping[str, str]
) -> Copy:
    """A fresh row, or that of another process which was quicker; a path that somebody else takes meanwhile is chosen anew."""
    now, offer = library.now(), expectation.offer
    _let_go_of_missing(library, action.repository, offer.title)
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
            ),
            title=offer.title,
            state=CopyState.RESERVED,
            fingerprint=expectation.fingerprint,
            filename=offer.filename,
            partial=identity,
            source=action.source or "download",
            reason=action.reason,
            metadata=dict(notes),
            created_at=now,
            changed_at=now,
        )
        try:
            return library.inventory.reserve(copy, lease)
        except InventoryError as taken:
            if taken.code != "name-taken":
                raise
            same = _unfinished(library, action, expectation)
            if same is not None:  # another process reserved the very same in between
                return same
    raise InventoryError(f"No free path for {expectation.offer.title} in {action.repository}.", code="name-taken")


def free_path(
    library: Library,
    repository: str,
    title: Title,
    filename: str,
    sha256: str | None,
    *,
    but_for: str = "",
    taken: Callable[[str], bool] | None = None,
    layout: str = "",
) -> str:
    """Where the repository's layout puts an image, taken neither in the store nor in the inventory.

    `but_for` is a file of the store that is in nobody's way: the one that is to move there. `taken` is who knows already what is
    in both, `layout` that of the repository, where it is known.
    """

    def is_taken(path: str) -> bool:
        in_store = (one != but_for for one in library.store(repository).spellings(path))
        return any(in_store) or bool(library.inventory.copy_at(repository, path))

    layout = layout or library.inventory.repository(repository).layout
    return filed_at(library, layout, title, filename, taken=taken or is_taken, now=library.now(), sha256=sha256)
