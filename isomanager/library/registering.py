"""Verify and register: a receipt by comparison, then receipt into the store, publish, record. Each step can be repeated."""

from __future__ import annotations

from isomanager.errors import Refused, StoreError
from isomanager.library.checking import check_copy
from isomanager.library.opening import Library
from isomanager.library.proving_files import file_signature
from isomanager.library.reserving import UNFINISHED, Reservation
from isomanager.library.second_look import differs
from isomanager.model import Copy, CopyState, Outcome, OutcomeKind, Quarantined, Receipt, Received, Refusal
from isomanager.storage.contract import Partial, Store
from isomanager.storage.receipts import keep_receipt
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.reading import stored_pieces
from isomanager.transfer.resuming import partial_named
from isomanager.trust.receipt import prove


def verify_received(library: Library, reservation: Reservation, received: Received) -> Receipt:
    """The receipt, or Refused: then the bytes are gone, the refusal is remembered, and whatever was held before still is."""
    now = library.now()
    store = library.store(reservation.copy.repository)
    wrong = differs(reservation.expectation, received)  # then nobody needs the signature, and the bytes may be gone
    signature = None if wrong else file_signature(library, store, reservation.expectation, received)
    judged = prove(reservation.expectation, received, now=now, file_signature=signature)
    if isinstance(judged, Receipt):
        return judged
    quarantine(library, reservation, judged)
    raise Refused(
        judged.reason,
        code=judged.code,
        hint="The old version stays. It is tried again as soon as upstream's evidence changes, or with --force.",
        image=str(reservation.copy.title),
    )


def quarantine(library: Library, reservation: Reservation, refusal: Refusal) -> None:
    """Remember what was refused and why, let the row go, and remove the unfinished bytes."""
    copy = reservation.copy
    library.inventory.quarantine(
        Quarantined(
            fingerprint=reservation.expectation.fingerprint,
            title=copy.title,
            code=refusal.code,
            reason=refusal.reason,
            at=library.now(),
        )
    )
    _discard(library.store(copy.repository), copy)
    library.inventory.transition(
        copy.id, CopyState.GONE, expected=UNFINISHED, lease=reservation.lease, reason=refusal.reason
    )


def _discard(store: Store, copy: Copy) -> None:
    found = partial_named(store, copy.partial or copy.id)
    if found is not None:
        store.reopen(found).discard()


def register(library: Library, reservation: Reservation, received: Received, receipt: Receipt) -> Copy:
    """Publish the proved bytes under their final name and record them as held.

    The very bytes that are held already, fetched again by force, are not published twice: that copy is given back, if reading
    it proves it, and has one receipt more.
    """
    copy, store = reservation.copy, library.store(reservation.copy.repository)
    keep_receipt(store, receipt)
    twin = _proved_twin(library, copy, receipt)
    if twin is not None:
        return _folded_into(library, twin, reservation, receipt)
    partial = _unpublished(store, copy, received, receipt)
    library.inventory.transition(
        copy.id,
        CopyState.PUBLISHING,
        expected={CopyState.RESERVED, CopyState.RECEIVED, CopyState.PUBLISHING},
        through=CopyState.RECEIVED,
        lease=reservation.lease,
        partial=received.partial,
        sha256=receipt.sha256,
        size=receipt.size,
        digests=receipt.digests,
        assurance=receipt.assurance,
        source=copy.source,
    )
    if partial is not None:
        partial.publish(receipt.size)
    held = library.inventory.record_published(copy.id, receipt, reservation.lease)
    if partial is not None:
        partial.discard()  # what the store kept to recognise its own bytes after a crash; the image stays
    library.proved(copy.id)
    if library.inventory.is_quarantined(receipt.fingerprint, receipt.title):  # an earlier refusal is refuted
        library.inventory.release_quarantined(receipt.fingerprint, receipt.title)
    return held


def _unpublished(store: Store, copy: Copy, received: Received, receipt: Receipt) -> Partial | None:
    """The bytes to publish; None when an earlier try published them, which reading the file again proves."""
    found = partial_named(store, received.partial)
    if found is not None:
        return store.reopen(found)
    there = store.stat(copy.path) is not None
    if there and digests_of(stored_pieces(store, copy.path), ["sha256"])["sha256"] == receipt.sha256:
        return None
    raise StoreError(
        f"The bytes of {copy.title} that were received are no longer in {store.url}.",
        code="missing",
        hint="Run the update again: it fetches them anew.",
    )


def _proved_twin(library: Library, copy: Copy, receipt: Receipt) -> Copy | None:
    """A held copy of the same bytes under the same title in the same repository; one that fails its proof is none."""
    held = library.inventory.copies(copy.repository, states={CopyState.HELD}, sha256=receipt.sha256)
    same = next((one for one in held if one.title == copy.title and one.id != copy.id), None)
    if same is None:
        return None
    checked: Outcome = check_copy(library, same)
    return library.inventory.copy(same.id) if checked.outcome is OutcomeKind.CURRENT else None


def _folded_into(library: Library, twin: Copy, reservation: Reservation, receipt: Receipt) -> Copy:
    copy = reservation.copy
    library.inventory.record_receipt(receipt)
    _discard(library.store(copy.repository), copy)
    reason = f"the same bytes are held at {twin.path}"
    library.inventory.transition(copy.id, CopyState.GONE, expected=UNFINISHED, lease=reservation.lease, reason=reason)
    return twin
