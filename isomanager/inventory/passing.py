"""Everything that is held, passing by: no more of it is in memory than a page, and no more of a copy than is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import select

from isomanager.inventory.rows import COPY_COLUMNS, TITLE_COLUMNS, collector_resting, copy_of, title_of
from isomanager.inventory.searching import AT_ONCE, CopySearch, SearchRecords, byte_ordered
from isomanager.inventory.tables import COPIES
from isomanager.model import Assurance, Copy, CopyState, Title
from isomanager.version import Version


class Counted(NamedTuple):
    """What of a copy counts in a report."""

    state: CopyState
    size: int | None
    assurance: Assurance
    repository: str
    path: str
    reason: str
    created_at: datetime
    proved_at: datetime | None
    title: Title


class PassingRecords(SearchRecords):
    """Asking for all of something, whatever its length."""

    def listed(self, wanted: CopySearch) -> Iterator[dict[str, Any]]:
        """What `copy_json` tells of each copy that fits, straight from the columns, for lists of everything."""
        for rows in self._pages(_LISTED, wanted):
            yield from (_row_json(row) for row in rows)

    def counted(self, wanted: CopySearch) -> Iterator[Counted]:
        """Of the copies that fit, what a report counts, in the same order."""
        for rows in self._pages(_COUNTED, wanted):
            with collector_resting():
                found = [_counted(row) for row in rows]
            yield from found

    def oldest_first(self, repository: str) -> Iterator[Copy]:
        """The held copies of a repository, the oldest version first, of equal ones those that came first; they are read as they are
        asked for."""
        columns = COPIES.c
        order = (columns.version_epoch, columns.version_key, columns.created_at)
        with self._reading() as connection:
            held = select(*COPY_COLUMNS).where(columns.repository == repository, columns.state == CopyState.HELD.value)
            ordered = held.order_by(*order, byte_ordered(columns.id, connection))
            yield from map(copy_of, connection.execution_options(yield_per=AT_ONCE).execute(ordered))

    def paths(self, repository: str) -> Iterator[str]:
        """The paths that live copies of a repository claim."""
        live = select(COPIES.c.path).where(COPIES.c.repository == repository, COPIES.c.claimed_path.is_not(None))
        with self._reading() as connection:
            yield from connection.execution_options(yield_per=AT_ONCE).execute(live).scalars()

    def places(self, repository: str, states: Collection[CopyState]) -> Iterator[str]:
        """Where copies in these states may lie: under their paths, and in the trash."""
        columns = COPIES.c
        there = columns.repository == repository, columns.state.in_([one.value for one in states])
        query = select(columns.path, columns.trash_path).where(*there)
        with self._reading() as connection:
            for names in connection.execution_options(yield_per=AT_ONCE).execute(query):
                yield from filter(None, names)


_LISTED = tuple(
    COPIES.c[name]
    for name in (
        "family", "product", "flavor", "version_text", "architecture", "language", "edition", "repository", "path", "size",
        "sha256", "assurance", "proved_at", "state", "id", "source",
    )
)  # fmt: skip


_COUNTED = tuple(COPIES.c[name] for name in (*Counted._fields[:-1], *TITLE_COLUMNS))


def _counted(row: Sequence[Any]) -> Counted:
    state, size, assurance, repository, path, reason, created_at, proved_at, *title = row
    return Counted(
        CopyState(state), size, Assurance(assurance), repository, path, reason, created_at, proved_at, title_of(*title)
    )


_NAMES = tuple(column.name for column in _LISTED)


def _row_json(row: Sequence[Any]) -> dict[str, Any]:
    told = dict(zip(_NAMES, row, strict=True))
    told["version"] = _version_json(told.pop("version_text"))
    told["proved_at"] = told["proved_at"].isoformat() if told["proved_at"] else None
    return told


@lru_cache(maxsize=4096)  # a library has few versions, and many copies of each
def _version_json(text: str) -> dict[str, Any]:
    return version_json(Version(text))


def version_json(version: Version) -> dict[str, Any]:
    """A version in its parts and as it is spelled."""
    major, minor, patch = (*version.parts[:3], None, None, None)[:3]
    return {"major": major, "minor": minor, "patch": patch, "text": version.text}


def copy_json(copy: Copy, *, metadata: bool = False) -> dict[str, Any]:
    """A copy as `isomanager list --json` prints it: a contract for other programs. `metadata` adds whatever else is known of it."""
    title = copy.title
    told: dict[str, Any] = {
        "family": title.family.value,
        "product": title.product,
        "flavor": title.flavor,
        "version": version_json(title.version),
        "architecture": title.architecture,
        "language": title.language,
        "edition": title.edition,
        "repository": copy.repository,
        "path": copy.path,
        "size": copy.size,
        "sha256": copy.sha256,
        "assurance": copy.assurance.value,
        "proved_at": copy.proved_at.isoformat() if copy.proved_at else None,
        "state": copy.state.value,
        "id": copy.id,
        "source": copy.source,
    }
    if metadata:
        told |= {
            "filename": copy.filename,
            "digests": copy.digests,
            "fingerprint": copy.fingerprint,
            "reason": copy.reason,
            "metadata": copy.metadata,
            "added_at": copy.created_at.isoformat(),
            "changed_at": copy.changed_at.isoformat(),
        }
    return told
