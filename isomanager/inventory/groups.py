"""Several copies in one transaction: a commit costs a flush, whether it is about one small image or about fifty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert

from isomanager.errors import InventoryError
from isomanager.inventory.copies import CopyRecords, changed
from isomanager.inventory.database import Clash
from isomanager.inventory.leases import Lease, require_live
from isomanager.inventory.life import check_result, check_step
from isomanager.inventory.rows import copy_columns
from isomanager.inventory.tables import COPIES
from isomanager.model import Copy, CopyState


@dataclass(frozen=True)
class Step:
    """A copy's way from one state to another, and what is noted with it where it is not None."""

    copy_id: str
    to: CopyState
    expected: CopyState
    lease: Lease
    trash_path: str | None = None
    reason: str | None = None


class GroupRecords(CopyRecords):
    """Copies whose bytes are in memory, announced and recorded together."""

    def announce_all(self, copies: Sequence[Copy], leases: Sequence[Lease]) -> None:
        """Claim the paths of copies that begin as publishing: their bytes are hashed and in memory, and nothing of them is in the
        repository. All or none. Raises as `reserve` does."""
        for copy in copies:
            _check_begins(copy)
        try:
            with self._writing() as connection:
                require_live(connection, leases, self._clock())
                rows = [copy_columns(copy, lease.token) for copy, lease in zip(copies, leases, strict=True)]
                connection.execute(insert(COPIES), rows)
        except Clash as clash:
            raise self._why_refused(copies[0]) from clash

    def transition_all(self, steps: Sequence[Step]) -> tuple[Copy, ...]:
        """Take every step, or none. Raises as `transition` does."""
        if not steps:
            return ()
        with self._writing() as connection:
            befores = self._locked(connection, [(one.copy_id, one.lease) for one in steps])
            now = self._clock()
            changes = [
                (before, _taken_by(before, one, now), one.lease) for before, one in zip(befores, steps, strict=True)
            ]
            return self._write(connection, changes)


def _taken_by(before: Copy, step: Step, now: datetime) -> Copy:
    check_step(before, step.to, {step.expected}, proved=False)
    noted = {"trash_path": step.trash_path, "reason": step.reason}
    changes = {name: value for name, value in noted.items() if value is not None}
    return changed(before, {**changes, "state": step.to, "changed_at": now})


def _check_begins(copy: Copy) -> None:
    """The steps before publishing are those of every copy; that nobody sees them changes nothing about what they demand."""
    if copy.state is not CopyState.PUBLISHING:
        raise InventoryError(f"{copy.path} is to begin as publishing, not as {copy.state}.", code="illegal-transition")
    before = copy.model_copy(update={"state": CopyState.RESERVED})
    check_step(before, CopyState.RECEIVED, {CopyState.RESERVED}, proved=False)
    received = copy.model_copy(update={"state": CopyState.RECEIVED})
    check_step(received, CopyState.PUBLISHING, {CopyState.RECEIVED}, proved=False)
    check_result(received, copy)
