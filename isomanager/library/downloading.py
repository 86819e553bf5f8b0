"""Download: bytes into a closed, durable partial of the repository. A retry resumes; nothing is visible yet."""

from __future__ import annotations

import logging

from isomanager.errors import FetchRefused, Refused, StoreError
from isomanager.library.linking import addresses, day_link_of
from isomanager.library.opening import Library
from isomanager.library.patching import receive_by_patch
from isomanager.library.receiving import receive
from isomanager.library.registering import quarantine
from isomanager.library.reserving import Reservation
from isomanager.library.second_look import broken_size, differs, look_again
from isomanager.model import CopyState, Received, Refusal
from isomanager.storage.contract import Store
from isomanager.transfer.download import Request
from isomanager.transfer.progress import Progress, silent
from isomanager.transfer.resuming import partial_named
from isomanager.trust.receipt import needed_algorithms

_log = logging.getLogger(__name__)


def download_reserved(library: Library, reservation: Reservation, progress: Progress = silent) -> Received:
    """Fetch what was reserved and note that it is received. Raises as `isomanager.transfer.download.download` does."""
    copy, expectation = reservation.copy, reservation.expectation
    offer = expectation.offer
    store = library.store(copy.repository)
    _require_space(store, copy.path, expectation.size or offer.size)
    request = Request(
        urls=addresses(library, offer),
        final=copy.path,
        key=copy.id,
        size=expectation.size,
        algorithms=needed_algorithms(expectation),
        expected=expectation.digests,
        policy=library.policy(library.product_of(copy.title), offer.urls),
    )
    received = _fetched(library, reservation, request, progress)
    if received.resumed_at and differs(expectation, received):
        # what is wrong may be the part that lay here since an earlier run: upstream is judged by what it sends in one piece
        _log.warning("%s: what an earlier run left and what came now do not fit; it is fetched anew", copy.path)
        _discard(store, received.partial)
        received = _fetched(library, reservation, request, progress)
    received = look_again(
        expectation,
        request,
        received,
        lambda asked: _fetched(library, reservation, asked, progress),
        lambda: _discard(store, request.key),
    )
    _log.info("%s: %d bytes from %s in %.1f s", copy.path, received.size, received.url, received.seconds)
    if copy.sha256 not in (None, received.sha256):
        raise _other_bytes(library, reservation, received)
    if copy.state is not CopyState.PUBLISHING:
        library.inventory.transition(
            copy.id,
            CopyState.RECEIVED,
            expected={CopyState.RESERVED, CopyState.RECEIVED},
            lease=reservation.lease,
            sha256=received.sha256,
            size=received.size,
            digests=received.digests,
            partial=received.partial,
        )
    return received


def _fetched(library: Library, reservation: Reservation, request: Request, progress: Progress) -> Received:
    """What came; what cannot be unpacked, or has another size everywhere than upstream says, is refused and remembered."""
    expectation, store = reservation.expectation, library.store(reservation.copy.repository)
    try:
        with day_link_of(library, expectation.offer):
            patched = receive_by_patch(library, expectation, store, request, progress, reservation)
            return patched or receive(library, expectation, store, request, progress, reservation)
    except FetchRefused as wrong:
        broken = broken_size(expectation, wrong)
        if broken is None:
            raise
        _remember(library, reservation, broken)
        raise broken from wrong
    except Refused as wrong:
        _remember(library, reservation, wrong)
        raise


def _remember(library: Library, reservation: Reservation, wrong: Refused) -> None:
    offer = reservation.expectation.offer
    quarantine(library, reservation, Refusal(offer=offer, code=wrong.code, reason=wrong.message))


def _discard(store: Store, key: str) -> None:
    found = partial_named(store, key)
    if found is not None:
        store.reopen(found).discard()


def _other_bytes(library: Library, reservation: Reservation, received: Received) -> StoreError:
    """Bytes that an earlier run received are gone, and upstream sends others now: the row about them cannot be true again."""
    copy = reservation.copy
    _discard(library.store(copy.repository), received.partial)
    reason = "other bytes came than an earlier run had received"
    library.inventory.transition(copy.id, CopyState.GONE, expected=copy.state, lease=reservation.lease, reason=reason)
    return StoreError(f"{copy.path}: {reason}.", code="changed", hint="Run the update again: it fetches them anew.")


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
