"""Copy: the bytes of a file in one store into an unfinished file of another, hashed as they pass."""

from __future__ import annotations

from isomanager.errors import StoreError
from isomanager.library.opening import Library
from isomanager.library.reserving import Reservation, note_received
from isomanager.model import Received
from isomanager.storage.contract import Store
from isomanager.storage.sources import look_up
from isomanager.transfer.between import receive_stored
from isomanager.transfer.download import Request
from isomanager.transfer.limits import Limits
from isomanager.transfer.progress import Progress, silent
from isomanager.trust.receipt import needed_algorithms


def copy_reserved(
    library: Library, reservation: Reservation, source: Store, path: str, progress: Progress = silent
) -> Received:
    """What came of `path` in `source`, received into the reserved copy's repository; noted with the copy.

    Raises StoreError when the source's file is missing or changes while it is read, and whatever the stores raise.
    """
    copy, file = reservation.copy, look_up(source, path)
    store = library.store(copy.repository)
    free = store.space().free
    if free is not None and file.size > free:
        raise StoreError(f"{copy.path} needs {file.size} bytes and {store.url} has {free} free.", code="no-space")
    request = Request(
        urls=(),
        final=copy.path,
        key=copy.id,
        algorithms=needed_algorithms(reservation.expectation),
        expected=reservation.expectation.digests,
    )
    limits = Limits.of(library.settings)
    received = receive_stored(file, request, store, limits=limits, progress=progress, stop=reservation)
    note_received(library, reservation, received)
    return received
