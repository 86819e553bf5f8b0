"""Repair: a copy that failed its proof is made whole from its good parts, before it is fetched anew.

The repaired file is put together beside the damaged one, proved as a whole by the receipt, and only then takes its place: the
damaged one moves among the repository's internals, the new one gets the name, and what was damaged goes. A crash in between leaves
a copy that is still suspect, and a repair that is asked for again goes on from there.
"""

from __future__ import annotations

import logging
from threading import Event
from time import monotonic

from isomanager.errors import Cancelled, IsoManagerError, LeaseLost, PermanentError, StoreUnavailable
from isomanager.inventory.leases import Lease
from isomanager.library.damaged import Case
from isomanager.library.leasing import leased_copy
from isomanager.library.mending import WAYS, Mended
from isomanager.library.opening import Library
from isomanager.library.recovering import receipt_of
from isomanager.library.setting_aside import aside
from isomanager.model import Action, Copy, CopyState, Outcome, OutcomeKind, Receipt
from isomanager.planning.wanting import same_bytes
from isomanager.storage.contract import Store
from isomanager.storage.receipts import keep_receipt
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.progress import Progress, silent
from isomanager.transfer.reading import partial_pieces
from isomanager.transfer.resuming import partial_named

_log = logging.getLogger(__name__)


def repair_copy(library: Library, copy: Copy, *, progress: Progress = silent) -> Outcome:
    """Current (code `repaired`, `bytes` fetched) when the suspect copy is what its receipt says again; failed, with the reason,
    when nothing could bring that about: then it stays suspect."""
    started, lost = monotonic(), Event()
    try:
        with leased_copy(library, copy.id, lost=lost) as lease:
            copy = library.inventory.copy(copy.id)
            if copy.state is not CopyState.SUSPECT:
                return _outcome(copy, OutcomeKind.CURRENT, f"it is {copy.state}, not suspect", "", 0, started)
            mended = _repaired(library, copy, lease, (lost, library.stop), progress)
    except IsoManagerError as wrong:
        return _outcome(copy, OutcomeKind.FAILED, str(wrong), wrong.code, 0, started)
    told = f"repaired: {mended.fetched} of {copy.size} bytes were fetched, {mended.how}"
    return _outcome(copy, OutcomeKind.CURRENT, told, "repaired", mended.fetched, started)


def repaired_instead(library: Library, action: Action, *, progress: Progress = silent) -> Outcome | None:
    """What became of repairing the suspect copy that the download would replace; None when there is none, or it cannot be."""
    expectation = action.expectation
    if expectation is None:
        return None
    suspects = library.inventory.copies(
        action.repository, states={CopyState.SUSPECT}, product=expectation.offer.title.product
    )
    same = (one for one in suspects if one.title == expectation.offer.title and same_bytes(one, expectation))
    outcomes = (repair_copy(library, one, progress=progress) for one in same)
    mended = next((one for one in outcomes if one.outcome is OutcomeKind.CURRENT), None)
    return mended and mended.model_copy(update={"selector": action.selector})


def _outcome(copy: Copy, kind: OutcomeKind, reason: str, code: str, fetched: int, started: float) -> Outcome:
    return Outcome(
        outcome=kind,
        title=copy.title,
        repository=copy.repository,
        path=copy.path,
        reason=reason,
        code=code,
        bytes=fetched,
        seconds=monotonic() - started,
        assurance=copy.assurance,
    )


def _repaired(library: Library, copy: Copy, lease: Lease, ends: tuple[Event, ...], progress: Progress) -> Mended:
    store = library.store(copy.repository)
    receipt = receipt_of(library, store, copy)
    if receipt is None:
        raise PermanentError(f"{copy.path} has no receipt that says what it should be.", code="unrepairable")
    damaged = next((path for path in (copy.path, aside(copy)) if store.stat(path) is not None), None)
    case = Case(library, copy, receipt, store, damaged, f"repair-{copy.id}", ends, progress)
    mended = _finished_earlier(case) or _mended(case)
    _put_in_place(library, store, copy, receipt, case.key, lease, mended)
    _log.info("%s: %s: %d bytes fetched, %s", copy.repository, copy.path, mended.fetched, mended.how)
    return mended


def _finished_earlier(case: Case) -> Mended | None:
    """What an earlier repair had whole when it was interrupted."""
    found = partial_named(case.store, case.key)
    if found is None or found.front != case.receipt.size or not case.store.traits.readable_partial:
        return None
    partial = case.store.reopen(found)
    same = digests_of(partial_pieces(partial, found.front), ["sha256"])["sha256"] == case.receipt.sha256
    partial.close()
    return Mended(0, "an earlier repair had it ready") if same else None


def _mended(case: Case) -> Mended:
    """By the first way that makes it whole. Raises what the last one said."""
    last: IsoManagerError | None = None
    for way in WAYS:
        try:
            mended = way(case)
        except (Cancelled, LeaseLost, StoreUnavailable):
            raise
        except IsoManagerError as wrong:
            _log.info("%s: %s", case.copy.path, wrong)
            last = wrong
        else:
            if mended is not None:
                return mended
    raise last or PermanentError(
        f"{case.copy.path} cannot be repaired: there is nowhere to take its bytes from.",
        code="unrepairable",
        hint="`isomanager update` fetches it again if a subscription selects it.",
    )


def _put_in_place(
    library: Library, store: Store, copy: Copy, receipt: Receipt, key: str, lease: Lease, mended: Mended
) -> None:
    keep_receipt(store, receipt)
    found = partial_named(store, key)
    assert found is not None  # noqa: S101 - it was just written, under a lease
    partial = store.reopen(found)
    if store.stat(copy.path) is not None:
        store.delete(aside(copy))
        store.move(copy.path, aside(copy))
    partial.publish(receipt.size)
    library.inventory.transition(
        copy.id,
        CopyState.HELD,
        expected=CopyState.SUSPECT,
        lease=lease,
        proved_at=library.now(),
        reason=f"repaired, {mended.how}",
    )
    partial.discard()
    store.delete(aside(copy))
