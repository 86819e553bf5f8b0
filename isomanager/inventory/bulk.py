"""Adding many copies at once: importing a library, or rebuilding the database from what the repositories say of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, insert, select

from isomanager.inventory.receipts import write_receipts
from isomanager.inventory.rows import copy_columns
from isomanager.inventory.tables import COPIES
from isomanager.inventory.transactions import Transactions
from isomanager.model import Copy, Receipt

BATCH = 1000
"""Rows a transaction: others wait for milliseconds, not for the whole import."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Imported:
    """What an import added, and what it left out, each with its reason."""

    added: int
    skipped: tuple[tuple[Copy, str], ...] = ()


class BulkRecords(Transactions):
    """Imports; they can be broken off and repeated."""

    def import_receipts(self, receipts: Iterable[Receipt]) -> int:
        """Add receipts with their images, unless they are there; how many were given."""
        given = 0
        for batch in _batches(receipts):
            with self._writing() as connection:
                write_receipts(connection, batch)
            given += len(batch)
        return given

    def import_copies(self, copies: Iterable[Copy]) -> Imported:
        """Add copies in whatever state they are given, for what proved itself elsewhere.

        A copy whose id or path is there already is left out and named; the repositories must exist.
        """
        added, skipped = 0, []
        for batch in _batches(copies):
            rows, left_out = self._import_batch(batch)
            added += rows
            skipped += left_out
        return Imported(added, tuple(skipped))

    def _import_batch(self, batch: Sequence[Copy]) -> tuple[int, list[tuple[Copy, str]]]:
        with self._writing() as connection:
            rows = [(copy, copy_columns(copy)) for copy in batch]
            ids = _known(connection, COPIES.c.id, [copy.id for copy in batch])
            claims = _claims(connection, [row["claimed_path"] for _, row in rows if row["claimed_path"] is not None])
            fresh, skipped = [], []
            for copy, row in rows:
                claim = (copy.repository, row["claimed_path"])
                if copy.id in ids:
                    skipped.append((copy, "a copy of that id is there already"))
                elif row["claimed_path"] is not None and claim in claims:
                    skipped.append((copy, "its path is taken by another copy"))
                else:
                    ids.add(copy.id)
                    claims.add(claim)
                    fresh.append(row)
            if fresh:
                connection.execute(insert(COPIES), fresh)
        return len(fresh), skipped


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _known(connection: Connection, column: Column[Any], values: list[str]) -> set[str]:
    return set(connection.execute(select(column).where(column.in_(values))).scalars())


def _claims(connection: Connection, paths: list[str]) -> set[tuple[str, str | None]]:
    query = select(COPIES.c.repository, COPIES.c.claimed_path).where(COPIES.c.claimed_path.in_(paths))
    return {(row.repository, row.claimed_path) for row in connection.execute(query)}
