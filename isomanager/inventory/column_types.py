"""Types of columns that mean the same on every database: times, and texts that sort or clash in one way."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine


class UtcTime(TypeDecorator[datetime]):
    """An aware time, kept as UTC: as a time with its zone where the database has such, as ISO 8601 text in SQLite.

    The text always has microseconds and its zone, so that it sorts as the times do.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text in SQLite, whose own times know no zone."""
        return dialect.type_descriptor(String(32) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuses a time without a zone: nobody could tell later what it meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        moment = value.astimezone(UTC)
        return moment.isoformat(timespec="microseconds") if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Always aware, always UTC."""
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


BYTE_ORDERED = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that sorts byte by byte on every database."""


def folded(path: str) -> str:
    """The form in which two paths clash: a store may tell neither case nor Unicode composition apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
