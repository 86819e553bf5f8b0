"""Relocate: another layout for a repository is a plan of moves inside its store, never a download."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from itertools import chain

from isomanager.errors import IsoManagerError, StoreError
from isomanager.inventory.leases import Lease
from isomanager.library.adopting import brought_in
from isomanager.library.filing import filed_at, name_by_receipt, name_kept
from isomanager.library.leasing import leased_copy
from isomanager.library.opening import Library
from isomanager.library.outcomes import RunReport
from isomanager.model import Copy, CopyState, Outcome, OutcomeKind
from isomanager.planning.relocating import Move, plan_moves
from isomanager.storage.layout import names_upstream
from isomanager.storage.layout_checking import check_layout
from isomanager.storage.paths import fold


def plan_layout(library: Library, repository: str, layout: str) -> tuple[Move, ...]:
    """What would move if `repository` had this layout. ConfigurationError for a layout that cannot be followed."""
    check_layout(layout)
    there = chain(library.inventory.paths(repository), (entry.path for entry in library.store(repository).list()))
    upstream = names_upstream(layout)

    def path_for(copy: Copy, taken: Callable[[str], bool]) -> str:
        name = name_by_receipt(library, copy) if upstream else name_kept(copy.filename, copy.path)
        return filed_at(library, layout, copy.title, name, taken=taken, now=copy.created_at, sha256=copy.sha256)

    return plan_moves(library.inventory.oldest_first(repository), there, path_for, fold=fold, layout=layout)


def set_layout(library: Library, repository: str, layout: str) -> None:
    """From now on new images of the repository go where `layout` wants them."""
    check_layout(layout)
    record = library.inventory.repository(repository)
    library.inventory.update_repository(record.model_copy(update={"layout": layout}))


def move_copy(library: Library, repository: str, move: Move) -> Outcome:
    """One move, each step noted before it is done: after a crash the next run finds the image in one place or the other."""
    told = {"repository": repository, "path": move.wanted}
    try:
        with leased_copy(library, move.copy_id) as lease:
            copy = library.inventory.copy(move.copy_id)
            if (copy.state, copy.path) != (CopyState.HELD, move.path):
                return Outcome(
                    outcome=OutcomeKind.SKIPPED, title=copy.title, reason="it has changed since the plan", **told
                )
            moved = _moved(library, copy, move.wanted, lease)
    except IsoManagerError as wrong:
        return Outcome(outcome=OutcomeKind.FAILED, selector=move.image, reason=str(wrong), code=wrong.code, **told)
    return Outcome(
        outcome=OutcomeKind.PUBLISHED, title=moved.title, reason=f"moved from {move.path}: {move.reason}",
        assurance=moved.assurance, **told,
    )  # fmt: skip


def _moved(library: Library, copy: Copy, wanted: str, lease: Lease) -> Copy:
    """A row for the new place, which takes over what the old one was; recovery knows both by their states."""
    inventory, store = library.inventory, library.store(copy.repository)
    receipts = inventory.receipts(copy.sha256 or "")
    if not receipts:
        raise StoreError(
            f"{copy.path} has no receipt, and is not moved.", code="missing", hint="`isomanager verify` it first."
        )
    now = library.now()
    fresh = copy.model_copy(
        update={
            "id": secrets.token_hex(8), "path": wanted, "state": CopyState.RESERVED, "sha256": None, "size": None,
            "digests": {}, "partial": "", "trash_path": "", "reason": f"moves from {copy.path}", "changed_at": now,
        }
    )  # fmt: skip
    inventory.reserve(fresh)
    own = next((one for one in reversed(receipts) if one.title == copy.title), receipts[-1])
    receipt = own.model_copy(update={"proved_at": copy.proved_at or now})
    with leased_copy(library, fresh.id) as fresh_lease:

        def move() -> None:
            inventory.transition(
                copy.id, CopyState.RETIRING, expected=CopyState.HELD, lease=lease, reason=f"moves to {wanted}"
            )
            store.move(copy.path, wanted)

        held = brought_in(library, store, fresh, receipt, fresh_lease, move)
    inventory.transition(copy.id, CopyState.GONE, expected=CopyState.RETIRING, lease=lease, reason=f"moved to {wanted}")
    return held


def moves_report(moves: tuple[Move, ...], repository: str) -> RunReport:
    """A dry run's report: nothing was moved."""
    return RunReport(
        outcomes=tuple(
            Outcome(
                outcome=OutcomeKind.SKIPPED, selector=one.image, repository=repository, path=one.wanted,
                reason=f"would move from {one.path}: {one.reason}",
            )
            for one in moves
        )
    )  # fmt: skip
