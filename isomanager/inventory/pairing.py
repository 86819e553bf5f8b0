"""What two repositories have in common, told by the database in one question: no row of it becomes a whole copy."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, exists, select

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


class PairRecords(Transactions):
    """Comparing repositories by digest."""

    def twins(self, repository: str, other: str) -> tuple[Twin, ...] | None:
        """For every image held in `repository`, its copy held in `other`, by path; None when one of them has none there."""
        ours, theirs = COPIES.alias("ours"), COPIES.alias("theirs")
        same = and_(theirs.c.repository == other, theirs.c.sha256 == ours.c.sha256, theirs.c.state == _HELD)
        told = (theirs.c.id, theirs.c.path, theirs.c.size, ours.c.sha256, ours.c.assurance)
        titles = (table.c[name] for table in (ours, theirs) for name in TITLE_COLUMNS)
        query = (
            select(*told, *titles)
            .select_from(ours.outerjoin(theirs, same))
            .where(ours.c.repository == repository, ours.c.state == _HELD)
            .order_by(ours.c.path)
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        found: dict[str, Twin] = {}
        for copy_id, path, size, sha256, assurance, *words in rows:
            if copy_id is None:
                return None
            half = len(TITLE_COLUMNS)
            title, other_title = title_of(*words[:half]), title_of(*words[half:])
            found.setdefault(sha256, Twin(title, Assurance(assurance), copy_id, path, size or 0, other_title))
        return tuple(found.values())

    def has_more(self, repository: str, other: str) -> bool:
        """Whether `other` holds an image that `repository` does not hold."""
        ours, theirs = COPIES.alias("ours"), COPIES.alias("theirs")
        held = and_(ours.c.repository == repository, ours.c.sha256 == theirs.c.sha256, ours.c.state == _HELD)
        query = select(theirs.c.id).where(
            theirs.c.repository == other, theirs.c.state == _HELD, ~exists().where(held).correlate(theirs)
        )
        with self._reading() as connection:
            return connection.execute(query.limit(1)).first() is not None
