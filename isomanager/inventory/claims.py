"""Paths: each is claimed by one live copy of its repository."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from isomanager.errors import InventoryError
from isomanager.inventory.column_types import folded
from isomanager.inventory.rows import COPY_COLUMNS, copy_of
from isomanager.inventory.tables import COPIES
from isomanager.model import Copy

_CLAIMING = select(*COPY_COLUMNS).where(
    COPIES.c.repository == bindparam("repository"), COPIES.c.claimed_path == bindparam("path")
)


def claiming(connection: Connection, repository: str, path: str) -> Copy | None:
    """The live copy that claims a path, whatever the path's case."""
    row = connection.execute(_CLAIMING, {"repository": repository, "path": folded(path)}).one_or_none()
    return None if row is None else copy_of(row)


def require_free(connection: Connection, copy: Copy) -> None:
    """InventoryError(code="name-taken") when another copy claims the path of `copy`."""
    other = claiming(connection, copy.repository, copy.path)
    if other is not None and other.id != copy.id:
        raise name_taken(copy, other)


def name_taken(copy: Copy, other: Copy | None) -> InventoryError:
    """The error of a copy whose path `other` has."""
    by = f"{other.title}, which is {other.state}" if other else "another copy"
    return InventoryError(
        f"The name {copy.path} in repository {copy.repository} is taken by {by}; {copy.title} needs another.",
        code="name-taken",
        hint="Add what tells them apart: architecture, language, edition, build.",
        repository=copy.repository,
        path=copy.path,
        taken_by=other.id if other else "",
    )
