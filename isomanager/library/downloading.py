"""Download: bytes into a closed, durable partial of the repository. A retry resumes; nothing is visible yet."""

from __future__ import annotations

from isomanager.errors import StoreError
from isomanager.library.opening import Library
from isomanager.library.reserving import Reservation
from isomanager.model import CopyState, Received
from isomanager.storage.contract import Store
from isomanager.transfer.download import Limits, Progress, Request, download, silent
from isomanager.trust.receipt import needed_algorithms


def download_reserved(library: Library, reservation: Reservation, progress: Progress = silent) -> Received:
    """Fetch what was reserved and note that it is received. Raises as `isomanager.transfer.download.download` does."""
    copy, expectation = reservation.copy, reservation.expectation
    offer = expectation.offer
    store = library.store(copy.repository)
    _require_space(store, copy.path, expectation.size or offer.size)
    request = Request(
        urls=offer.urls,
        final=copy.path,
        key=copy.id,
        size=expectation.size,
        algorithms=needed_algorithms(expectation),
        expected=expectation.digests,
        policy=library.policy(library.product_of(copy.title)),
    )
    received = download(
        request, store, library.client, limits=Limits.of(library.settings), progress=progress, stop=reservation
    )
    if copy.state is CopyState.RESERVED:
        library.inventory.transition(
            copy.id,
            CopyState.RECEIVED,
            expected=CopyState.RESERVED,
            lease=reservation.lease,
            sha256=received.sha256,
            size=received.size,
            digests=received.digests,
            partial=received.partial,
        )
    return received


def _require_space(store: Store, path: str, size: int | None) -> None:
    """Refuse before the first byte what cannot fit. What an earlier run already wrote is counted twice: that errs safely."""
    free = store.space().free
    if size is not None and free is not None and size > free:
        raise StoreError(
            f"{path} needs {size} bytes and {store.url} has {free} free.",
            code="no-space",
            hint="Free some space, or retire what is no longer wanted with `isomanager prune`.",
            needed=size,
            free=free,
        )
