"""Counts and bytes of what repositories hold, added up by the database: no copy is read for them."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select

from isomanager.inventory.tables import COPIES
from isomanager.inventory.transactions import Transactions
from isomanager.model import CopyState

_SCOPE = ("product", "flavor", "architecture", "language", "edition")


class SumRecords(Transactions):
    """Asking how many and how much."""

    def held_counts(self) -> dict[str, int]:
        """How many copies each repository holds; repositories that hold none are left out."""
        column = COPIES.c.repository
        query = select(column, func.count()).where(COPIES.c.state == CopyState.HELD.value).group_by(column)
        with self._reading() as connection:
            return {str(name): int(count) for name, count in connection.execute(query)}

    def bytes_in(self, repository: str, states: Collection[CopyState]) -> int:
        """The bytes of a repository's copies in these states."""
        wanted = (COPIES.c.repository == repository, COPIES.c.state.in_([one.value for one in states]))
        with self._reading() as connection:
            return int(
                connection.execute(select(func.coalesce(func.sum(COPIES.c.size), 0)).where(*wanted)).scalar_one()
            )

    def replaced_bytes(self, repository: str) -> int:
        """The bytes of held copies beside which a newer version is held of everything else their title says."""
        columns = COPIES.c
        newest_first = (columns.version_epoch.desc(), columns.version_key.desc())
        rank = func.rank().over(partition_by=[columns[name] for name in _SCOPE], order_by=newest_first)
        held = (columns.repository == repository, columns.state == CopyState.HELD.value)
        ranked = select(columns.size, rank.label("place")).where(*held).subquery()
        query = select(func.coalesce(func.sum(ranked.c.size), 0)).where(ranked.c.place > 1)
        with self._reading() as connection:
            return int(connection.execute(query).scalar_one())
