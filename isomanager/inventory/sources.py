"""Sources of the user's own: where they are, in which order they are asked, and how they did."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, update

from isomanager.errors import InventoryError
from isomanager.inventory.database import Clash
from isomanager.inventory.tables import SOURCES
from isomanager.inventory.transactions import Transactions
from isomanager.model import SourceRecord

_NEWEST = 0.3
"""The weight of the newest speed beside those remembered."""


class SourceRecords(Transactions):
    """Adding, ordering, remembering."""

    def sources(self) -> tuple[SourceRecord, ...]:
        """Every source, those asked first before the others."""
        with self._reading() as connection:
            rows = connection.execute(select(SOURCES)).all()
        found = (SourceRecord.model_validate(dict(row._mapping)) for row in rows)
        return tuple(sorted(found, key=lambda one: (one.priority, one.name)))

    def source(self, name: str) -> SourceRecord:
        """The source of that name; InventoryError(code="unknown-source") when there is none."""
        found = next((one for one in self.sources() if one.name == name), None)
        if found is None:
            known = ", ".join(one.name for one in self.sources() if one.base)
            raise InventoryError(
                f"There is no source named {name}.",
                code="unknown-source",
                hint=f"There is: {known}." if known else "Add one with `isomanager source add`.",
                source=name,
            )
        return found

    def add_source(self, record: SourceRecord) -> SourceRecord:
        """Name a new source, or change the one of that name; what was seen of it stays while its address does."""
        try:
            with self._writing() as connection:
                connection.execute(insert(SOURCES).values(**dict(record)))
        except Clash:
            known = self.source(record.name)
            kept = {"speed": known.speed, "failures": known.failures, "told": known.told, "seen_at": known.seen_at}
            changes = {"base": record.base, "maps": record.maps, "priority": record.priority}
            self._change(record.name, {**changes, **(kept if known.base == record.base else _UNSEEN)})
        return self.source(record.name)

    def _change(self, name: str, values: dict[str, object]) -> None:
        with self._writing() as connection:
            connection.execute(update(SOURCES).where(SOURCES.c.name == name).values(**values))

    def order_sources(self, names: Sequence[SourceRecord]) -> None:
        """Ask these first, in this order; whatever is not among them comes after, as it was."""
        there = {one.name: one for one in self.sources()}
        rest = [one for one in there.values() if one.name not in {record.name for record in names}]
        with self._writing() as connection:
            for place, record in enumerate((*names, *rest), start=1):
                ordered = record.model_copy(update={"priority": 10 * place})
                if record.name in there:
                    where = SOURCES.c.name == record.name
                    connection.execute(update(SOURCES).where(where).values(priority=ordered.priority))
                else:
                    connection.execute(insert(SOURCES).values(**dict(ordered)))

    def remove_source(self, name: str) -> None:
        """Forget a source."""
        self.source(name)
        with self._writing() as connection:
            connection.execute(delete(SOURCES).where(SOURCES.c.name == name))

    def remember_source(self, name: str, *, speed: float | None, told: str) -> None:
        """What one use has shown: bytes a second, or in `told` what was wrong. A source that is gone by now is let go."""
        known = next((one for one in self.sources() if one.name == name), None)
        if known is None:
            return
        values: dict[str, object] = {"seen_at": self._clock(), "told": told}
        if told:
            values["failures"] = known.failures + 1
        else:
            values["failures"] = 0
        if speed is not None:
            values["speed"] = speed if known.speed is None else (1 - _NEWEST) * known.speed + _NEWEST * speed
        self._change(name, values)


_UNSEEN: dict[str, object] = {"speed": None, "failures": 0, "told": "", "seen_at": None}
