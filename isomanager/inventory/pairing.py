"""What two repositories have in common, by digest: no row of the database becomes a whole copy for it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from isomanager.inventory.rows import TITLE_COLUMNS, title_of
from isomanager.inventory.tables import COPIES
from isomanager.inventory.transactions import Transactions
from isomanager.model import Assurance, CopyState, Title

_HELD = CopyState.HELD.value


@dataclass(frozen=True)
class Twin:
    """An image that both hold: how the one calls it, and what the other's copy is. `size` in bytes."""

    title: Title
    assurance: Assurance
    copy_id: str
    path: str
    size: int
    other_title: Title


@dataclass(frozen=True)
class Pairing:
    """The images that both hold, by the one's path; `more` says that the other holds some that the one does not."""

    twins: tuple[Twin, ...]
    more: bool


class PairRecords(Transactions):
    """Comparing repositories by digest."""

    def pairing(self, repository: str, other: str) -> Pairing | None:
        """What both hold; None when `repository` holds an image that `other` does not."""
        told = ("sha256", "assurance", "id", "path", "size", *TITLE_COLUMNS)
        held = select(*(COPIES.c[name] for name in told)).where(COPIES.c.state == _HELD)
        with self._reading() as connection:
            ours = connection.execute(held.where(COPIES.c.repository == repository).order_by(COPIES.c.path)).all()
            theirs = {row[0]: row for row in connection.execute(held.where(COPIES.c.repository == other))}
        twins: dict[str, Twin] = {}
        for sha256, assurance, _, _, _, *title in ours:
            there = theirs.get(sha256)
            if there is None:
                return None
            told_there = (there[2], there[3], there[4] or 0, title_of(*there[5:]))
            twins.setdefault(sha256, Twin(title_of(*title), Assurance(assurance), *told_there))
        return Pairing(tuple(twins.values()), len(theirs) > len(twins))
