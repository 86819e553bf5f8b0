"""A copy's life: which state may follow which, decided before anything is written.

reserved ─▶ received ─▶ publishing ─▶ held ⇄ suspect
                                      held ─▶ retiring ─▶ trashed ─▶ restoring ─▶ held
and from every state to gone, with a reason
"""

from __future__ import annotations

from collections.abc import Collection

from isomanager.errors import InventoryError
from isomanager.model import Copy, CopyState

RESERVED, RECEIVED, PUBLISHING = CopyState.RESERVED, CopyState.RECEIVED, CopyState.PUBLISHING
HELD, SUSPECT, RETIRING = CopyState.HELD, CopyState.SUSPECT, CopyState.RETIRING
TRASHED, RESTORING, GONE = CopyState.TRASHED, CopyState.RESTORING, CopyState.GONE

FOLLOWS: dict[CopyState, frozenset[CopyState]] = {
    RESERVED: frozenset({RECEIVED, GONE}),
    RECEIVED: frozenset({PUBLISHING, GONE}),
    # back to received when the name turned out to be taken; suspect when what was adopted after a crash fails its proof
    PUBLISHING: frozenset({HELD, RECEIVED, SUSPECT, GONE}),
    HELD: frozenset({SUSPECT, RETIRING, GONE}),
    SUSPECT: frozenset({HELD, GONE}),
    RETIRING: frozenset({TRASHED, HELD, GONE}),
    TRASHED: frozenset({RESTORING, GONE}),
    # back to the trash when its place was taken meanwhile; suspect when the bytes that came back fail their proof
    RESTORING: frozenset({HELD, TRASHED, SUSPECT, GONE}),
    GONE: frozenset(),
}
"""Where a copy may go from each state. Staying in a state, to note something, is allowed in all but the last."""

UNFINISHED = frozenset({RESERVED, RECEIVED, PUBLISHING})
"""The states in which nothing stands under the final name that anyone may rely upon; only here may the path still change."""

LIVE = frozenset(CopyState) - {TRASHED, GONE}
"""The states in which a copy claims its path."""

RESTING = frozenset({HELD, SUSPECT, TRASHED, GONE})
"""The states in which nobody is working on a copy."""


def check_step(copy: Copy, to: CopyState, expected: Collection[CopyState], *, proved: bool) -> None:
    """Refuse a step that the copy's life does not have, or that was decided from another state than the copy is in now.

    `proved` says that a receipt is written in the same transaction: the only way into held for a new copy. Raises
    InventoryError with code `state-changed` or `illegal-transition`.
    """
    if copy.state not in expected:
        raise InventoryError(
            f"{_named(copy)} is {copy.state} now, no longer {' or '.join(sorted(expected))}.",
            code="state-changed",
            hint="Look again and decide again.",
            copy_id=copy.id,
            state=copy.state.value,
        )
    if to == copy.state and to != GONE:
        return
    if to not in FOLLOWS[copy.state]:
        raise InventoryError(
            f"{_named(copy)} is {copy.state} and cannot become {to}.",
            code="illegal-transition",
            hint=f"From {copy.state} it can become {' or '.join(sorted(FOLLOWS[copy.state])) or 'nothing'}.",
            copy_id=copy.id,
            state=copy.state.value,
        )
    if copy.state == PUBLISHING and to == HELD and not proved:
        raise InventoryError(
            f"{_named(copy)} cannot become held without a receipt.",
            code="illegal-transition",
            hint="Use record_published.",
            copy_id=copy.id,
        )


def check_result(before: Copy, after: Copy) -> None:
    """Refuse what no state allows: other bytes under a path, another path for a finished copy, going without a reason.

    Raises InventoryError with code `illegal-transition`.
    """
    wrong = ""
    if before.sha256 and after.sha256 != before.sha256:
        wrong = "would be other bytes than before"
    elif after.path != before.path and after.state not in UNFINISHED:
        wrong = "cannot change its path once it is published"
    elif after.state == GONE and not after.reason:
        wrong = "cannot go without a reason"
    elif after.state not in (RESERVED, GONE) and (after.sha256 is None or after.size is None):
        wrong = f"cannot be {after.state} without a SHA-256 and a size"
    if wrong:
        raise InventoryError(f"{_named(before)} {wrong}.", code="illegal-transition", copy_id=before.id)


def _named(copy: Copy) -> str:
    return f"The copy {copy.path} in repository {copy.repository} ({copy.title})"
