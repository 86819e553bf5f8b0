"""Sync: bring images from one place into others, and let go of what is extra there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import groupby

from isomanager.errors import IsoManagerError, Refused, StoreError
from isomanager.library.checking import check_copy
from isomanager.library.opening import Library
from isomanager.library.pruning import retire_all
from isomanager.library.rebuilding import expected_of
from isomanager.library.registering import register, verify_received
from isomanager.library.reserving import Reservation, reserved
from isomanager.library.sync_sources import Origin
from isomanager.model import (
    Action,
    ActionKind,
    Assurance,
    Copy,
    CopyState,
    Expectation,
    Offer,
    Outcome,
    OutcomeKind,
    Receipt,
    Received,
)
from isomanager.planning.syncing import Shared, SyncKind, SyncStep, code_of
from isomanager.transfer.download import Request
from isomanager.transfer.fanning_out import Branch, fan_out
from isomanager.transfer.limits import Limits
from isomanager.transfer.progress import Progress, silent
from isomanager.trust.receipt import needed_algorithms


def sync_image(
    library: Library,
    source: Origin,
    steps: Sequence[SyncStep],
    *,
    verify: bool = False,
    link: bool = False,
    progress: Progress = silent,
) -> tuple[Outcome, ...]:
    """Bring one image into every destination of `steps`, by one read; an outcome each, and one that fails costs the others nothing.

    `verify` also takes the digests of the source's receipt that are no SHA-256. `link` gives the source's file a second name where
    both are folders on one filesystem; it is read and hashed all the same.
    """
    shared = steps[0].shared
    assert shared is not None  # noqa: S101 - copies name what they copy
    failed: dict[str, IsoManagerError] = {}
    branches: dict[str, Branch] = {}
    try:
        with ExitStack() as stack:
            expectation = expectation_of(library, source, shared, verify=verify)
            going = _reserved(library, stack, steps, expectation, failed)
            branches = _branches(library, going, shared, failed, link=link)
            _fetch(library, source, branches, shared, progress)
            failed |= {name: one.error for name, one in branches.items() if one.error is not None}
            received = {name: one.received for name, one in branches.items() if one.received is not None}
            copies = _published(library, source, going, received, shared, failed)
    except IsoManagerError as wrong:
        return tuple(outcome_of(one, None, failed.get(one.destination, wrong)) for one in steps)
    places = [(one, one.destination) for one in steps]
    return tuple(outcome_of(one, copies.get(to), failed.get(to), branches.get(to)) for one, to in places)


def expectation_of(library: Library, source: Origin, shared: Shared, *, verify: bool) -> Expectation:
    """What the bytes must be: those that are recorded, and where a foreign receipt has a signature over the image, signed."""
    digests = {**(shared.digests if verify else {}), "sha256": shared.sha256}
    if not source.is_ours and shared.assurance is Assurance.NONE:
        proof = _proof(source.receipts(shared), shared)
        signed = expected_of(library, proof) if proof else None
        if signed is not None:
            return signed.model_copy(update={"digests": {**signed.digests, **digests}, "size": shared.size})
    filename = shared.filename or shared.path.rpartition("/")[2]
    offer = Offer(title=shared.title, filename=filename, urls=(), size=shared.size, save_as=shared.kept_as)
    return Expectation(offer=offer, digests=digests, size=shared.size, assurance=shared.assurance)


def _proof(receipts: Sequence[Receipt], shared: Shared) -> Receipt | None:
    return next((one for one in reversed(receipts) if one.title == shared.title), None)


def _reserved(
    library: Library,
    stack: ExitStack,
    steps: Sequence[SyncStep],
    expectation: Expectation,
    failed: dict[str, IsoManagerError],
) -> dict[str, Reservation]:
    going: dict[str, Reservation] = {}
    for step in steps:
        action = Action(
            kind=ActionKind.DOWNLOAD, repository=step.destination, title=step.title, reason=step.reason,
            expectation=expectation, cost=expectation.size, source="sync",
        )  # fmt: skip
        try:
            _doubt_lost(library, step)
            reads = step.shared.copy_id if step.shared else ""
            notes = step.shared.metadata if step.shared else {}
            going[step.destination] = stack.enter_context(reserved(library, action, reads=reads, notes=notes))
        except IsoManagerError as wrong:
            failed[step.destination] = wrong
    return going


def _doubt_lost(library: Library, step: SyncStep) -> None:
    """A copy of the very image whose file is gone is no longer held: its name is the one that comes in its place."""
    sha256 = step.shared.sha256 if step.shared else ""
    for copy in library.inventory.copies(step.destination, states={CopyState.HELD}, sha256=sha256):
        if copy.title == step.title and library.store(step.destination).stat(copy.path) is None:
            check_copy(library, copy)


def _branches(
    library: Library,
    going: dict[str, Reservation],
    shared: Shared,
    failed: dict[str, IsoManagerError],
    *,
    link: bool,
) -> dict[str, Branch]:
    """Where the bytes go; a place without room for them is left out and told."""
    branches: dict[str, Branch] = {}
    for name, reservation in going.items():
        request = Request(
            urls=(), final=reservation.copy.path, key=reservation.copy.id, size=shared.size,
            algorithms=needed_algorithms(reservation.expectation), expected=reservation.expectation.digests,
        )  # fmt: skip
        store = library.store(name)
        free = store.space().free
        if free is not None and free < shared.size and not link:
            told = f"{reservation.copy.path} needs {shared.size} bytes and {store.url} has {free} free."
            failed[name] = StoreError(told, code="no-space", needed=shared.size, free=free)
        else:
            branches[name] = Branch(request, store, reservation, link=link)
    return branches


def _fetch(library: Library, source: Origin, branches: dict[str, Branch], shared: Shared, progress: Progress) -> None:
    if not branches:
        return
    algorithms = next(iter(branches.values())).request.algorithms
    limits, file = Limits.of(library.settings), source.file(shared)
    fan_out(
        file, [*branches.values()], algorithms, limits=limits, bandwidth=library.bandwidth, progress=progress
    )  # fmt: skip


def _published(
    library: Library,
    source: Origin,
    going: dict[str, Reservation],
    received: dict[str, Received],
    shared: Shared,
    failed: dict[str, IsoManagerError],
) -> dict[str, Copy]:
    copies: dict[str, Copy] = {}
    receipts = source.receipts(shared) if received else ()
    for name, came in received.items():
        reservation = going[name]
        try:
            fresh = _verified(library, source, reservation, came)
            copies[name] = register(
                library, reservation, came, receipt_of_copy(library, source, shared, receipts, fresh)
            )
        except IsoManagerError as wrong:
            failed[name] = wrong
    return copies


def _verified(library: Library, source: Origin, reservation: Reservation, came: Received) -> Receipt:
    try:
        return verify_received(library, reservation, came)
    except Refused as wrong:
        hint = "Nothing of it was taken over, and what was held before stays. Look at the source: isomanager verify."
        raise Refused(f"From {source.name}: {wrong.message}", code=wrong.code, hint=hint, **wrong.data) from wrong


def receipt_of_copy(
    library: Library, source: Origin, shared: Shared, receipts: Sequence[Receipt], fresh: Receipt
) -> Receipt:
    """The image's own proof goes with it: the bytes that came are those it speaks of. A foreign one counts for what it shows."""
    proof = _proof(receipts, shared)
    if proof is None:
        told = (f"Copied from {source.name}, which has no receipt of it.",)
        return fresh.model_copy(update={"assurance": Assurance.NONE, "reasons": (*fresh.reasons, *told)})
    if source.is_ours:
        return proof.model_copy(update={"proved_at": library.now()})
    assurance = fresh.assurance if fresh.signer else shared.assurance  # a signature over the image was checked just now
    return proof.model_copy(
        update={
            "proved_at": library.now(),
            "assurance": assurance,
            "reasons": (
                *proof.reasons,
                f"Copied from {source.name}; its receipt was judged again: {assurance}.",
            ),
        }
    )


def retire_extra(library: Library, steps: Sequence[SyncStep]) -> tuple[Outcome, ...]:
    """Let go of what the source does not have, into the trash of each destination, unless somebody reads it just now."""
    outcomes: list[Outcome] = []
    for _, here in groupby(sorted(steps, key=lambda one: one.destination), key=lambda one: one.destination):
        outcomes += _retired_here(library, [*here])
    return tuple(outcomes)


def _retired_here(library: Library, steps: Sequence[SyncStep]) -> list[Outcome]:
    told: dict[str, Outcome] = {}
    going: list[tuple[Copy, str]] = []
    try:
        for step in steps:
            copy = library.inventory.copy(step.copy_id)
            if copy.state is CopyState.HELD:
                going.append((copy, f"a sync: {step.reason}"))
            else:
                told[copy.id] = _retirement(step, OutcomeKind.SKIPPED, "it is no longer held")
        wrong = retire_all(library, going) if going else {}
    except IsoManagerError as refused:
        wrong = {step.copy_id: refused for step in steps}
    for step in steps:
        failed = wrong.get(step.copy_id)
        if failed is not None:
            told[step.copy_id] = _retirement(step, OutcomeKind.FAILED, str(failed), failed.code)
    return [told.get(step.copy_id) or _retirement(step, OutcomeKind.RETIRED, step.reason) for step in steps]


def _retirement(step: SyncStep, outcome: OutcomeKind, reason: str, code: str = "") -> Outcome:
    told = {"title": step.title, "repository": step.destination, "path": step.path}
    return Outcome(outcome=outcome, reason=reason, code=code, **told)


_SETTLED = {SyncKind.SAME: OutcomeKind.CURRENT, SyncKind.FAIL: OutcomeKind.FAILED}


def settled(step: SyncStep) -> Outcome:
    """The outcome of a step that needs no work, or that a dry run leaves undone."""
    kind = _SETTLED.get(step.kind, OutcomeKind.SKIPPED)
    return Outcome(
        outcome=kind, title=step.title, repository=step.destination, path=step.path, reason=step.reason,
        code=code_of(step) or step.kind.value,
        assurance=step.assurance,
    )  # fmt: skip


def outcome_of(
    step: SyncStep, copy: Copy | None, wrong: IsoManagerError | None, branch: Branch | None = None
) -> Outcome:
    """What became of the step; `bytes` are those that were copied in this run."""
    told = {"title": step.title, "repository": step.destination}
    if copy is None or wrong is not None:
        reason, code = (str(wrong), wrong.code) if wrong else ("it was not copied", "")
        return Outcome(outcome=OutcomeKind.FAILED, reason=reason, code=code, path=step.path, **told)
    return Outcome(
        outcome=OutcomeKind.PUBLISHED, path=copy.path, code="conflict" if step.conflict else "",
        reason=f"{step.reason}; {branch.way}" if branch and branch.way else step.reason,
        bytes=(copy.size or 0) - (branch.front if branch else 0), assurance=copy.assurance, **told,
    )  # fmt: skip


def unreachable(destination: str, wrong: IsoManagerError) -> Outcome:
    """The outcome of a destination that does not answer: the others go on."""
    return Outcome(
        outcome=OutcomeKind.FAILED, repository=destination, selector=destination, reason=str(wrong), code=wrong.code
    )
