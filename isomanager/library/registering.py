"""Verify and register: a receipt by comparison, then receipt into the store, publish, record. Each step can be repeated."""

from __future__ import annotations

import tempfile
from pathlib import Path

from isomanager.errors import Refused, StoreError
from isomanager.library.opening import Library
from isomanager.library.reserving import UNFINISHED, Reservation
from isomanager.model import Copy, CopyState, Quarantined, Receipt, Received, Refusal
from isomanager.storage.receipts import keep_receipt
from isomanager.transfer.resuming import partial_named
from isomanager.trust.file_proof import prove_file
from isomanager.trust.receipt import prove
from isomanager.trust.signature import SignatureResult

_PIECE = 4 << 20


def verify_received(library: Library, reservation: Reservation, received: Received) -> Receipt:
    """The receipt, or Refused: then the bytes are gone, the refusal is remembered, and whatever was held before still is."""
    now = library.now()
    signature = None
    if reservation.expectation.file_signature is not None:
        signature = _file_signature(library, reservation, received)
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
            fingerprint=refusal.offer.fingerprint,
            title=copy.title,
            code=refusal.code,
            reason=refusal.reason,
            at=library.now(),
        )
    )
    store = library.store(copy.repository)
    found = partial_named(store, copy.id)
    if found is not None:
        store.reopen(found).discard()
    library.inventory.transition(
        copy.id, CopyState.GONE, expected=UNFINISHED, lease=reservation.lease, reason=refusal.reason
    )


def register(library: Library, reservation: Reservation, received: Received, receipt: Receipt) -> Copy:
    """Publish the proved bytes under their final name and record them as held."""
    copy, store = reservation.copy, library.store(reservation.copy.repository)
    keep_receipt(store, receipt)
    found = partial_named(store, received.partial)
    if found is None and store.stat(copy.path) is None:
        raise StoreError(
            f"The bytes of {copy.title} that were received are no longer in {store.url}.",
            code="missing",
            hint="Run the update again: it fetches them anew.",
        )
    library.inventory.transition(
        copy.id,
        CopyState.PUBLISHING,
        expected={CopyState.RECEIVED, CopyState.PUBLISHING},
        lease=reservation.lease,
        sha256=receipt.sha256,
        size=receipt.size,
        digests=receipt.digests,
        assurance=receipt.assurance,
        source=copy.source,
    )
    partial = None if found is None else store.reopen(found)
    if partial is not None:
        partial.publish(receipt.size)
    held = library.inventory.record_published(copy.id, receipt, reservation.lease)
    if partial is not None:
        partial.discard()  # what the store kept to recognise its own bytes after a crash; the image stays
    return held


def _file_signature(library: Library, reservation: Reservation, received: Received) -> SignatureResult:
    """Check the signature over the file itself, on a local copy of the unfinished bytes: the store may not be a disk."""
    store = library.store(reservation.copy.repository)
    found = partial_named(store, received.partial)
    if found is None:
        raise StoreError(f"The bytes of {reservation.copy.title} are no longer in {store.url}.", code="missing")
    partial = store.reopen(found)
    with tempfile.TemporaryDirectory(prefix="isomanager-") as folder:
        staged = Path(folder) / "image"
        with staged.open("wb") as file:
            for offset in range(0, received.size, _PIECE):
                file.write(partial.read(offset, min(_PIECE, received.size - offset)))
        partial.close()
        return prove_file(staged, reservation.expectation, library.keyring, now=library.now())
