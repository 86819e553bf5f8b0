"""What two repositories have in common, by digest: no row of the database becomes a whole copy for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, or_, select

from isomanager.inventory.life import LIVE
from isomanager.inventory.rows import COPY_COLUMNS, COPY_ORDER, TITLE_COLUMNS, collector_resting, copy_of, title_of
from isomanager.inventory.tables import COPIES
from isomanager.inventory.transactions import Transactions
from isomanager.model import Assurance, Copy, CopyState, Title

_HELD = CopyState.HELD.value
_ASSURANCES = {one.value: one for one in Assurance}


class Twin(NamedTuple):
    """An image that both hold: how the one calls it and where it has it, and what the other's copy is. `size` in bytes."""

    sha256: str
    title: Title
    assurance: Assurance
    source_path: str
    copy_id: str
    path: str
    size: int
    other_title: Title


@dataclass(frozen=True)
class Extra:
    """An image that the other alone holds."""

    copy_id: str
    path: str


@dataclass(frozen=True)
class Pairing:
    """The images that both hold, by the one's path; the ids of the one's copies that the other lacks; what the other alone holds.
    `held`: how many copies the other holds, of which two may be of one image."""

    twins: tuple[Twin, ...]
    missing: tuple[str, ...]
    extra: tuple[Extra, ...]
    held: int

    @property
    def is_plain(self) -> bool:
        """Whether the other holds each image once."""
        return self.held == len(self.twins) + len(self.extra)


class PairRecords(Transactions):
    """Comparing repositories by digest."""

    def pairing(self, repository: str, other: str) -> Pairing:
        """What both hold, and what one of them alone does."""
        told = ("sha256", "assurance", "id", "path", "size", *TITLE_COLUMNS)
        held = select(*(COPIES.c[name] for name in told)).where(COPIES.c.state == _HELD)
        with self._reading() as connection, collector_resting():
            ours = connection.execute(held.where(COPIES.c.repository == repository).order_by(COPIES.c.path)).all()
            theirs = connection.execute(held.where(COPIES.c.repository == other)).all()
            there = {row[0]: row for row in theirs}
            return Pairing(
                twins=tuple(_twins(ours, there)),
                missing=tuple(row[2] for row in ours if row[0] not in there),
                extra=tuple(_extra(theirs, {row[0] for row in ours})),
                held=len(theirs),
            )

    def near(self, repository: str, products: Collection[str], ids: Collection[str]) -> tuple[Copy, ...]:
        """Of the live copies of a repository those of some products, those of some ids, and whatever is not held."""
        near = or_(COPIES.c.state != _HELD, COPIES.c.product.in_(products), COPIES.c.id.in_(ids))
        live = COPIES.c.state.in_([one.value for one in LIVE])
        with self._reading() as connection:
            rows = connection.execute(select(*COPY_COLUMNS).where(COPIES.c.repository == repository, live, near)).all()
        return tuple(copy_of(row) for row in sorted(rows, key=COPY_ORDER))

    def claimed(self, repository: str) -> tuple[str, ...]:
        """The paths of the live copies of a repository."""
        query = select(COPIES.c.path).where(COPIES.c.repository == repository, COPIES.c.claimed_path.is_not(None))
        with self._reading() as connection:
            return tuple(connection.execute(query).scalars())


def _twins(ours: Sequence[Row[Any]], theirs: Mapping[str, Row[Any]]) -> Iterator[Twin]:
    seen: set[str] = set()
    for one in ours:
        sha256, assurance, _, path, _ = one[:5]
        there = theirs.get(sha256)
        if there is not None and sha256 not in seen:
            seen.add(sha256)
            title, other = one[5:], there[5:]
            called = title_of(*title)
            told = (there[2], there[3], there[4] or 0, called if title == other else title_of(*other))
            yield Twin(sha256, called, _ASSURANCES[assurance], path, *told)


def _extra(theirs: Sequence[Row[Any]], known: set[str]) -> Iterator[Extra]:
    return (Extra(row[2], row[3]) for row in theirs if row[0] not in known)
