"""Download: bytes into a closed, durable partial of the repository. A retry resumes; nothing is visible yet."""

from __future__ import annotations

import logging
from dataclasses import replace

from isomanager.errors import FetchRefused, Refused, StoreError
from isomanager.library.linking import day_link_of
from isomanager.library.opening import Library
from isomanager.library.patching import receive_by_patch
from isomanager.library.registering import quarantine
from isomanager.library.reserving import Reservation, note_received
from isomanager.library.second_look import broken_size, look_again
from isomanager.library.sourcing import Places, discard, places_of, receive_proved
from isomanager.model import CopyState, Received, Refusal
from isomanager.storage.contract import Store
from isomanager.transfer.download import Request
from isomanager.transfer.progress import Progress, silent
from isomanager.trust.receipt import needed_algorithms

_log = logging.getLogger(__name__)


def download_reserved(library: Library, reservation: Reservation, progress: Progress = silent) -> Received:
    """Fetch what was reserved and note that it is received. Raises as `isomanager.transfer.download.download` does."""
    copy, expectation = reservation.copy, reservation.expectation
    offer = expectation.offer
    store = library.store(copy.repository)
    size = expectation.size or offer.size
    with library.space.reserved(store, copy.id, copy.path, size, library.now()):
        received = _fetched(library, reservation, store, progress)
    _log.info("%s: %d bytes from %s in %.1f s", copy.path, received.size, received.url, received.seconds)
    if copy.sha256 not in (None, received.sha256):
        raise _other_bytes(library, reservation, received)
    if copy.state is not CopyState.PUBLISHING:
        note_received(library, reservation, received)
    return received


def _fetched(library: Library, reservation: Reservation, store: Store, progress: Progress) -> Received:
    """What came, looked at once more where it is not what was announced. Refusals are remembered."""
    copy, expectation = reservation.copy, reservation.expectation
    places = places_of(library, expectation)
    request = Request(
        urls=places.urls,
        final=copy.path,
        key=copy.id,
        size=expectation.size,
        algorithms=needed_algorithms(expectation),
        expected=expectation.digests,
        policy=library.policy(library.product_of(copy.title), expectation.offer.urls),
        policies=places.policies,
    )
    upstream = replace(request, urls=tuple(url for url in places.urls if url not in places.policies))
    return look_again(
        expectation,
        upstream,
        _once(library, reservation, store, request, places, progress),
        lambda asked: _once(library, reservation, store, asked, places, progress),
        lambda: discard(store, request.key),
    )


def _once(
    library: Library, reservation: Reservation, store: Store, request: Request, places: Places, progress: Progress
) -> Received:
    """What came; what cannot be unpacked, or has another size everywhere than upstream says, is refused and remembered."""
    expectation = reservation.expectation
    upstream = replace(request, urls=tuple(url for url in request.urls if url not in places.policies))
    try:
        with day_link_of(library, expectation.offer):
            patched = receive_by_patch(library, expectation, store, upstream, progress, reservation)
            return patched or receive_proved(library, expectation, store, request, places, progress, reservation)
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


def _other_bytes(library: Library, reservation: Reservation, received: Received) -> StoreError:
    """Bytes that an earlier run received are gone, and upstream sends others now: the row about them cannot be true again."""
    copy = reservation.copy
    discard(library.store(copy.repository), received.partial)
    reason = "other bytes came than an earlier run had received"
    library.inventory.transition(copy.id, CopyState.GONE, expected=copy.state, lease=reservation.lease, reason=reason)
    return StoreError(f"{copy.path}: {reason}.", code="changed", hint="Run the update again: it fetches them anew.")
