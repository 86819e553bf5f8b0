"""Recover: after a crash, bring inventory and repositories together again. Decided purely, carried out here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from isomanager.errors import IsoManagerError, StoreError
from isomanager.inventory.leases import Lease
from isomanager.library.filing import name_kept
from isomanager.library.leasing import leased_copy
from isomanager.library.opening import Library
from isomanager.library.reserving import free_path
from isomanager.library.setting_aside import set_aside
from isomanager.model import Copy, CopyState, Plan, Receipt
from isomanager.planning.recovery import (
    OrphanPartial,
    RecoveryAction,
    RecoveryKind,
    Seen,
    decide_abandoned,
    decide_orphans,
    decide_recovery,
)
from isomanager.planning.wanting import Want
from isomanager.storage.contract import Partial, PartialRef, Store, Validators
from isomanager.storage.receipts import keep_receipt, receipt_path, receipts_of
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.reading import partial_pieces, stored_pieces
from isomanager.transfer.resuming import partial_named

INTERRUPTED = frozenset(
    {CopyState.RESERVED, CopyState.RECEIVED, CopyState.PUBLISHING, CopyState.RETIRING, CopyState.RESTORING}
)
"""The states in which only a crash leaves a copy without a live lease."""

_QUIET = {RecoveryKind.LEAVE}


def recover(library: Library) -> tuple[str, ...]:
    """Settle everything an interrupted run left behind; a sentence for each thing that was done or found.

    What cannot be settled now (a repository that does not answer) is said and left to the next run.
    """
    _release_the_dead(library)
    return tuple(
        told for record in library.inventory.repositories() for told in _settle_repository(library, record.name)
    )


def _release_the_dead(library: Library) -> None:
    """What processes of this machine held that are known to be dead, above all copies that they read, which keep a prune away."""
    for owner in dict.fromkeys(one.owner for one in library.inventory.leases() if one.live):
        if library.owner.is_dead(owner):
            library.inventory.release_owner(owner)


def _settle_repository(library: Library, repository: str) -> Iterator[str]:
    for copy in library.inventory.copies(repository, states=INTERRUPTED):
        yield from _settle(library, copy)
    for copy in library.inventory.copies(repository, states={CopyState.SUSPECT}):
        yield from _set_aside(library, copy)
    yield from _discard_orphans(library, repository)


def _set_aside(library: Library, copy: Copy) -> Iterator[str]:
    """A damaged file that still has its name, because whoever found it died before it was set aside."""
    try:
        with leased_copy(library, copy.id):
            if library.inventory.copy(copy.id).state is CopyState.SUSPECT:
                told = set_aside(library.store(copy.repository), copy)
                yield from [f"{copy.repository}: {copy.path} is damaged{told}"] if told else []
    except IsoManagerError as wrong:
        if wrong.code != "lease-lost":
            yield f"{copy.repository}: {copy.path} could not be set aside: {wrong}"


def _settle(library: Library, copy: Copy) -> Iterator[str]:
    try:
        with leased_copy(library, copy.id) as lease:
            copy = library.inventory.copy(copy.id)
            action = decide_recovery(copy, see(library, copy), lease_live=False)
            if action.kind not in _QUIET:
                _ACTS[action.kind](library, copy, action, lease)
                yield f"{copy.repository}: {copy.path}: {action.reason}"
    except IsoManagerError as wrong:
        if wrong.code != "lease-lost":  # somebody is working on it: then it is not interrupted
            yield f"{copy.repository}: {copy.path} could not be recovered: {wrong}"


def let_go_of_abandoned(library: Library, plan: Plan, wants: Sequence[Want]) -> tuple[str, ...]:
    """Let go of unfinished copies that neither `plan` nor anybody else will finish; a sentence for each.

    `wants` are the answers the plan was made from, beside every other subscription.
    """
    unfinished = library.inventory.copies(states={CopyState.RESERVED, CopyState.RECEIVED})
    if not unfinished:
        return ()
    decided = decide_abandoned(unfinished, plan, wants, selects=library.selects, now=library.now())
    copies = {copy.id: copy for copy in unfinished}
    return tuple(told for action in decided for told in _let_go(library, copies[action.copy_id], action))


def _let_go(library: Library, copy: Copy, action: RecoveryAction) -> Iterator[str]:
    try:
        with leased_copy(library, copy.id) as lease:
            _forget(library, copy, action, lease)
            yield f"{copy.repository}: {copy.path}: {action.reason}"
    except IsoManagerError as wrong:
        if wrong.code not in ("lease-lost", "state-changed"):  # then somebody works on it after all
            yield f"{copy.repository}: {copy.path} could not be let go: {wrong}"


def _discard_orphans(library: Library, repository: str) -> Iterator[str]:
    """Remove the unfinished files that no copy names. Listed before the copies are: a copy is there before its file."""
    try:
        store = library.store(repository)
        found = {ref.key: ref for ref in store.partials()}
        if not found:
            return
        copies = library.inventory.copies(repository, states=INTERRUPTED)
        orphans = [OrphanPartial(ref.key, ref.changed_at) for ref in found.values()]
        for action in decide_orphans(orphans, copies, library.now()):
            if action.kind is RecoveryKind.DISCARD_PARTIAL:
                ref = found[action.partial]
                store.reopen(replace(ref, final=ref.final or ref.key)).discard()
            yield f"{repository}: unfinished file {action.partial}: {action.reason}"
    except IsoManagerError as wrong:
        yield f"{repository}: its unfinished files could not be looked through: {wrong}"


def see(library: Library, copy: Copy) -> Seen:
    """What the store shows of a copy."""
    try:
        store = library.store(copy.repository)
        partial = partial_named(store, copy.partial or copy.id)
        final = store.stat(copy.path)
        trash = store.stat(copy.trash_path) if copy.trash_path else None
        receipt = copy.sha256 is not None and store.stat(receipt_path(copy.sha256)) is not None
    except IsoManagerError:
        return Seen(reachable=False)
    return Seen(
        partial=partial.front if partial else None,
        final=final.size if final else None,
        receipt=receipt,
        trash=trash.size if trash else None,
    )


def _nothing(_library: Library, _copy: Copy, _action: RecoveryAction, _lease: Lease) -> None:
    """Kept for the transfer that continues it, or only told."""


def _rename(library: Library, copy: Copy, _action: RecoveryAction, lease: Lease) -> None:
    back_to = CopyState.RECEIVED if copy.state is CopyState.PUBLISHING else copy.state
    path = free_path(library, copy.repository, copy.title, name_kept(copy.filename, copy.path), copy.sha256)
    library.inventory.transition(copy.id, back_to, expected=copy.state, lease=lease, path=path)


def _publish(library: Library, copy: Copy, action: RecoveryAction, lease: Lease) -> None:
    """Publish what is whole and has its receipt; what has none yet waits for an update, which judges it again."""
    store = library.store(copy.repository)
    found = partial_named(store, copy.partial or copy.id)
    receipt = receipt_of(library, store, copy)
    if copy.state is not CopyState.PUBLISHING or found is None or receipt is None:
        return
    partial = store.reopen(found)
    if not _is_proved(store, partial, receipt):
        partial.discard()
        _forget(library, copy, action, lease, "its bytes are no longer those of its receipt")
        return
    try:
        partial.publish(receipt.size)
    except StoreError as wrong:
        if wrong.code != "name-taken":
            raise
        partial.close()
        _rename(library, copy, action, lease)  # other bytes of the same size have its name
        return
    library.inventory.record_published(copy.id, receipt, lease)
    partial.discard()  # what the store kept to recognise its own bytes after a crash; the image stays


def _is_proved(store: Store, partial: Partial, receipt: Receipt) -> bool:
    """Whether the unfinished bytes are those of the receipt: read again, or, where a store cannot give them back, by what it says
    it has: a front counts only what it confirms as it was sent and hashed."""
    if partial.front() != receipt.size or not store.traits.readable_partial:
        return partial.front() == receipt.size
    return digests_of(partial_pieces(partial, receipt.size), ["sha256"])["sha256"] == receipt.sha256


def _adopt(library: Library, copy: Copy, action: RecoveryAction, lease: Lease) -> None:
    """Hold what is under the final name, if reading it again proves it; otherwise it becomes suspect."""
    store = library.store(copy.repository)
    receipt = receipt_of(library, store, copy)
    if receipt is not None and _stored_sha256(store, copy) == receipt.sha256:
        if copy.state is CopyState.PUBLISHING:
            library.inventory.record_published(copy.id, receipt, lease)
        else:
            library.inventory.transition(copy.id, CopyState.HELD, expected=copy.state, lease=lease)
        _discard_partial(library, copy, action, lease)
        return
    reason = "after a crash its bytes were found not to be those of its receipt"
    library.inventory.transition(copy.id, CopyState.SUSPECT, expected=copy.state, lease=lease, reason=reason)


def _restore(library: Library, copy: Copy, action: RecoveryAction, lease: Lease) -> None:
    library.store(copy.repository).move(copy.trash_path, copy.path)
    _adopt(library, copy, action, lease)


def _put_receipt(library: Library, copy: Copy, _action: RecoveryAction, _lease: Lease) -> None:
    for receipt in library.inventory.receipts(copy.sha256 or ""):
        keep_receipt(library.store(copy.repository), receipt)


def _discard_partial(library: Library, copy: Copy, _action: RecoveryAction, _lease: Lease) -> None:
    """Remove what is left of it, also what the store kept to recognise its own bytes after publishing them."""
    store, key = library.store(copy.repository), copy.partial or copy.id
    left = partial_named(store, key) or PartialRef(key, copy.path, copy.size, Validators())
    try:
        store.reopen(left).discard()
    except StoreError as wrong:
        if wrong.code != "missing":
            raise


def _forget(library: Library, copy: Copy, action: RecoveryAction, lease: Lease, reason: str = "") -> None:
    library.inventory.transition(
        copy.id, CopyState.GONE, expected=copy.state, lease=lease, reason=reason or action.reason
    )
    _discard_partial(library, copy, action, lease)


def _trash(library: Library, copy: Copy, action: RecoveryAction, lease: Lease) -> None:
    """Note what has been done; why it was retired stays the copy's reason."""
    reason = copy.reason or action.reason
    library.inventory.transition(copy.id, CopyState.TRASHED, expected=copy.state, lease=lease, reason=reason)


def _to(state: CopyState) -> Callable[[Library, Copy, RecoveryAction, Lease], None]:
    def act(library: Library, copy: Copy, action: RecoveryAction, lease: Lease) -> None:
        library.inventory.transition(copy.id, state, expected=copy.state, lease=lease, reason=action.reason)

    return act


_ACTS: dict[RecoveryKind, Callable[[Library, Copy, RecoveryAction, Lease], None]] = {
    RecoveryKind.RESUME: _nothing,
    RecoveryKind.REPORT: _nothing,
    RecoveryKind.RENAME: _rename,
    RecoveryKind.PUBLISH: _publish,
    RecoveryKind.ADOPT: _adopt,
    RecoveryKind.HOLD: _to(CopyState.HELD),
    RecoveryKind.DOUBT: _to(CopyState.SUSPECT),
    RecoveryKind.TRASH: _trash,
    RecoveryKind.RESTORE: _restore,
    RecoveryKind.PUT_RECEIPT: _put_receipt,
    RecoveryKind.DISCARD_PARTIAL: _discard_partial,
    RecoveryKind.FORGET: _forget,
}


def receipt_of(library: Library, store: Store, copy: Copy) -> Receipt | None:
    """The copy's receipt: the one in the store, which is the truth about trust, for this very title."""
    if copy.sha256 is None:
        return None
    kept = (*receipts_of(store, copy.sha256), *library.inventory.receipts(copy.sha256))
    return next((one for one in kept if one.title == copy.title), None)


def _stored_sha256(store: Store, copy: Copy) -> str:
    return digests_of(stored_pieces(store, copy.path), ["sha256"])["sha256"]
