"""The repositories the database names."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, and_, delete, insert, select, update

from isomanager.errors import InventoryError
from isomanager.inventory.database import Clash
from isomanager.inventory.tables import COPIES, REPOSITORIES, SITES
from isomanager.inventory.transactions import Transactions
from isomanager.model import CopyState, RepositoryRecord


class RepositoryRecords(Transactions):
    """Adding, changing and listing repositories."""

    def add_repository(self, record: RepositoryRecord) -> RepositoryRecord:
        """Name a new repository; InventoryError(code="repository-exists") when the name stands for another place, or for a site."""
        try:
            with self._writing() as connection:
                if connection.execute(select(SITES.c.name).where(SITES.c.name == record.name)).first() is not None:
                    told = f"{record.name} is a site's name already: a sync would not know which of the two is meant."
                    raise InventoryError(
                        told, code="repository-exists", hint="Choose another name.", repository=record.name
                    )
                connection.execute(insert(REPOSITORIES).values(**dict(record)))
        except Clash as clash:
            known = self.repository(record.name)
            if known.url == record.url:
                return known
            raise InventoryError(
                f"The repository {record.name} is already there, at {known.url}.",
                code="repository-exists",
                hint="Choose another name.",
                repository=record.name,
            ) from clash
        return record

    def update_repository(self, record: RepositoryRecord) -> RepositoryRecord:
        """Change address, layout or description of a repository; its name and the time it was made stay."""
        changes = {"url": record.url, "layout": record.layout, "description": record.description}
        with self._writing() as connection:
            connection.execute(update(REPOSITORIES).where(REPOSITORIES.c.name == record.name).values(**changes))
        return self.repository(record.name)

    def remove_repository(self, name: str, *, forget_copies: bool = False) -> None:
        """Forget a repository and the history of what was there; with `forget_copies` also what is there. Receipts stay.

        InventoryError(code="repository-in-use") while anything is there that is not to be forgotten, or came meanwhile.
        """
        self.repository(name)
        here = COPIES.c.repository == name
        going = here if forget_copies else and_(here, COPIES.c.state == CopyState.GONE.value)
        try:
            with self._writing() as connection:
                connection.execute(delete(COPIES).where(going))
                connection.execute(delete(REPOSITORIES).where(REPOSITORIES.c.name == name))
        except Clash as clash:
            raise InventoryError(
                f"The repository {name} cannot be forgotten: the library knows images there.",
                code="repository-in-use",
                repository=name,
            ) from clash

    def repository(self, name: str) -> RepositoryRecord:
        """The repository of that name; InventoryError(code="unknown-repository") when there is none."""
        with self._reading() as connection:
            row = connection.execute(select(REPOSITORIES).where(REPOSITORIES.c.name == name)).one_or_none()
        if row is None:
            known = ", ".join(record.name for record in self.repositories())
            raise InventoryError(
                f"There is no repository named {name}.",
                code="unknown-repository",
                hint=f"There is: {known}." if known else "Create one with `isomanager init`.",
                repository=name,
            )
        return _record(row)

    def repositories(self) -> tuple[RepositoryRecord, ...]:
        """Every repository, by name."""
        with self._reading() as connection:
            rows = connection.execute(select(REPOSITORIES)).all()
        return tuple(sorted((_record(row) for row in rows), key=lambda record: record.name))


def _record(row: Row[Any]) -> RepositoryRecord:
    return RepositoryRecord.model_validate(dict(row._mapping))
