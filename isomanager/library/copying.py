"""Copy: the bytes of a file in one store into an unfinished file of another, hashed as they pass."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic

from isomanager.errors import StoreError
from isomanager.library.opening import Library
from isomanager.library.reserving import Reservation
from isomanager.model import CopyState, Received
from isomanager.storage.contract import Partial, Store, Validators
from isomanager.transfer.digesting import Digester
from isomanager.transfer.flushing import Flusher
from isomanager.transfer.limits import Limits
from isomanager.transfer.progress import Progress, silent
from isomanager.transfer.stopping import cancelled
from isomanager.trust.receipt import needed_algorithms

_PIECE = 4 << 20


def copy_reserved(
    library: Library, reservation: Reservation, source: Store, path: str, progress: Progress = silent
) -> Received:
    """What came of `path` in `source`, received into the reserved copy's repository; noted with the copy.

    Raises StoreError when the source's file is missing or changes while it is read, and whatever the stores raise.
    """
    started, copy = monotonic(), reservation.copy
    store, entry = library.store(copy.repository), source.stat(path)
    if entry is None:
        raise StoreError(f"'{path}' is not in {source.url}.", code="missing", path=path)
    free = store.space().free
    if free is not None and entry.size > free:
        raise StoreError(f"{copy.path} needs {entry.size} bytes and {store.url} has {free} free.", code="no-space")
    partial = store.begin(copy.path, entry.size, Validators(etag=entry.etag, size=entry.size), key=copy.id)
    digester = Digester(needed_algorithms(reservation.expectation), library.settings.transfer_window)
    try:
        pieces = _pieces(source, path, entry.size, entry.etag, store.traits.granule)
        _keep(library, reservation, partial, digester, pieces, entry.size, progress)
        digests = digester.finish()
    finally:
        digester.abandon()
        partial.close()
    received = Received(
        partial=copy.id, size=entry.size, digests=digests, url=source.url, seconds=monotonic() - started
    )
    library.inventory.transition(
        copy.id,
        CopyState.RECEIVED,
        expected={CopyState.RESERVED, CopyState.RECEIVED},
        lease=reservation.lease,
        sha256=received.sha256,
        size=received.size,
        digests=digests,
        partial=copy.id,
    )
    return received


def _pieces(source: Store, path: str, size: int, etag: str, granule: int) -> Iterator[bytes]:
    """The file in pieces that the other store can take: whole granules but for the last."""
    length = max(granule, _PIECE // granule * granule)
    for offset in range(0, size, length):
        wanted = min(length, size - offset)
        piece = source.read(path, offset, wanted, if_match=etag)
        while len(piece) < wanted:
            more = source.read(path, offset + len(piece), wanted - len(piece), if_match=etag)
            if not more:
                raise StoreError(
                    f"'{path}' in {source.url} became shorter while it was read.", code="changed", path=path
                )
            piece += more
        yield piece


def _keep(
    library: Library,
    reservation: Reservation,
    partial: Partial,
    digester: Digester,
    pieces: Iterator[bytes],
    total: int,
    progress: Progress,
) -> None:
    flusher, offset = Flusher(partial, Limits.of(library.settings), monotonic), 0
    try:
        for piece in pieces:
            if reservation.is_set():
                raise cancelled(reservation.copy.path)
            partial.write(offset, piece)
            digester.update(piece)
            offset += len(piece)
            flusher.wrote(len(piece))
            progress(offset, total)
    finally:
        flusher.settle()
