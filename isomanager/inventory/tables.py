"""The tables, declared with SQLModel. Rows are made from and turned into the values of `isomanager.model` elsewhere.

What is asked for has columns; what is only kept is the value's JSON form. Times are UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, Index, MetaData, String, Table, Text, UniqueConstraint
from sqlalchemy.orm import registry
from sqlalchemy.types import JSON
from sqlmodel import Field, SQLModel

from isomanager.inventory.column_types import BYTE_ORDERED, UtcTime

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Every constraint has a name, so that a migration can speak of it on any database."""


class Row(SQLModel, registry=registry(metadata=MetaData(naming_convention=NAMING))):
    """A row of ours; the tables stay apart from those of any other SQLModel user in the process."""


class RepositoryRow(Row, table=True):
    """A place that holds images."""

    __tablename__ = "repositories"

    name: str = Field(primary_key=True, sa_type=String)
    url: str = Field(sa_type=Text)
    layout: str = Field(sa_type=String)
    description: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UtcTime)


class ImageRow(Row, table=True):
    """Bytes that we hashed."""

    __tablename__ = "images"

    sha256: str = Field(primary_key=True, sa_type=String)
    size: int = Field(sa_type=BigInteger)
    digests: dict[str, str] = Field(sa_type=JSON)


class TitleColumns(SQLModel):
    """A title, split into what people search by."""

    family: str = Field(sa_type=String)
    product: str = Field(sa_type=String)
    flavor: str = Field(sa_type=String)
    version_text: str = Field(sa_type=String)
    version_epoch: int
    architecture: str = Field(sa_type=String)
    language: str = Field(sa_type=String)
    edition: str = Field(sa_type=String)


class ReceiptRow(TitleColumns, Row, table=True):
    """A receipt, whole, as JSON. Rows are only ever added; `digest` makes recording the same receipt again harmless."""

    __tablename__ = "receipts"

    id: int | None = Field(default=None, primary_key=True)
    digest: str = Field(sa_type=String, unique=True)
    sha256: str = Field(sa_type=String, foreign_key="images.sha256", index=True)
    assurance: str = Field(sa_type=String)
    fingerprint: str = Field(sa_type=Text)
    proved_at: datetime = Field(sa_type=UtcTime)
    body: dict[str, Any] = Field(sa_type=JSON)


class CopyRow(TitleColumns, Row, table=True):
    """One image at one path of one repository.

    `claimed_path` is the folded path while the copy is live, and NULL once it is trashed or gone: no two live copies share
    a path, and a unique constraint over a column that may be NULL says so on every database. `lease_token` names the
    lease under which the copy is being worked on. `version_key` sorts as versions of one epoch do.
    """

    __tablename__ = "copies"
    __table_args__: ClassVar[tuple[Any, ...]] = (
        UniqueConstraint("repository", "claimed_path"),
        Index("ix_copies_repository_state", "repository", "state"),
        Index("ix_copies_product_flavor", "product", "flavor"),
        Index("ix_copies_state_created_at", "state", "created_at"),
    )

    id: str = Field(primary_key=True, sa_type=String)
    repository: str = Field(sa_type=String, foreign_key="repositories.name")
    version_key: str = Field(sa_type=BYTE_ORDERED)
    path: str = Field(sa_type=Text)
    claimed_path: str | None = Field(sa_type=Text)
    state: str = Field(sa_type=String, index=True)
    sha256: str | None = Field(sa_type=String, index=True)
    size: int | None = Field(sa_type=BigInteger)
    assurance: str = Field(sa_type=String)
    digests: dict[str, str] = Field(sa_type=JSON)
    fingerprint: str = Field(sa_type=Text)
    filename: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    partial: str = Field(sa_type=Text)
    trash_path: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    metadata_: dict[str, str] = Field(sa_column=Column("metadata", JSON, nullable=False))
    created_at: datetime = Field(sa_type=UtcTime)
    proved_at: datetime | None = Field(sa_type=UtcTime)
    changed_at: datetime = Field(sa_type=UtcTime)
    lease_token: str = Field(sa_type=String)


class SubscriptionRow(Row, table=True):
    """A subscription, whole, as JSON; `selector_key` is the canonical form of its selector."""

    __tablename__ = "subscriptions"

    id: str = Field(primary_key=True, sa_type=String)
    selector_key: str = Field(sa_type=Text, unique=True)
    product: str = Field(sa_type=String, index=True)
    created_at: datetime = Field(sa_type=UtcTime)
    body: dict[str, Any] = Field(sa_type=JSON)


class QuarantineRow(Row, table=True):
    """What was refused, by the evidence's fingerprint and the title."""

    __tablename__ = "quarantine"

    fingerprint: str = Field(primary_key=True, sa_type=String)
    title_key: str = Field(primary_key=True, sa_type=String)
    at: datetime = Field(sa_type=UtcTime)
    body: dict[str, Any] = Field(sa_type=JSON)


class OffersRow(Row, table=True):
    """The last good answer upstream gave for a selector."""

    __tablename__ = "offers"

    selector_key: str = Field(primary_key=True, sa_type=String)
    at: datetime = Field(sa_type=UtcTime)
    body: list[dict[str, Any]] = Field(sa_type=JSON)


class SiteRow(Row, table=True):
    """A named set of repositories."""

    __tablename__ = "sites"

    name: str = Field(primary_key=True, sa_type=String)
    description: str = Field(sa_type=Text)
    repositories: list[str] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcTime)


class SeenFileRow(Row, table=True):
    """A file that a scan has looked at: what it was then, so that it need not be read again while it is the same."""

    __tablename__ = "seen_files"

    place: str = Field(primary_key=True, sa_type=String)
    path: str = Field(primary_key=True, sa_type=String)
    etag: str = Field(sa_type=Text)
    size: int = Field(sa_type=BigInteger)
    sha256: str = Field(sa_type=String)
    at: datetime = Field(sa_type=UtcTime)
    body: dict[str, Any] = Field(sa_type=JSON)


class LeaseRow(Row, table=True):
    """Who may write what `key` names, until when."""

    __tablename__ = "leases"

    key: str = Field(primary_key=True, sa_type=String)
    owner: str = Field(sa_type=Text)
    token: str = Field(sa_type=String, index=True)
    expires_at: datetime = Field(sa_type=UtcTime)
    heartbeat_at: datetime = Field(sa_type=UtcTime)


class RunRow(Row, table=True):
    """One run of a job."""

    __tablename__ = "runs"

    id: str = Field(primary_key=True, sa_type=String)
    name: str = Field(sa_type=String)
    started_at: datetime = Field(sa_type=UtcTime, index=True)
    finished_at: datetime | None = Field(sa_type=UtcTime)


class OutcomeRow(Row, table=True):
    """What became of one image in a run; `position` keeps the run's order."""

    __tablename__ = "outcomes"

    run_id: str = Field(primary_key=True, sa_type=String, foreign_key="runs.id")
    position: int = Field(primary_key=True)
    outcome: str = Field(sa_type=String)
    repository: str = Field(sa_type=String)
    path: str = Field(sa_type=Text)
    body: dict[str, Any] = Field(sa_type=JSON)


class SourceRow(Row, table=True):
    """A source of the user's own, and what was seen of it."""

    __tablename__ = "sources"

    name: str = Field(primary_key=True, sa_type=String)
    base: str = Field(sa_type=Text)
    maps: str = Field(sa_type=Text)
    priority: int
    speed: float | None
    failures: int
    told: str = Field(sa_type=Text)
    seen_at: datetime | None = Field(sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)


class PinRow(Row, table=True):
    """A pin or hold, whole, as JSON; `target` is its kind and what it covers, so that saying it again changes it."""

    __tablename__ = "pins"

    id: str = Field(primary_key=True, sa_type=String)
    target: str = Field(sa_type=Text, unique=True)
    created_at: datetime = Field(sa_type=UtcTime)
    body: dict[str, Any] = Field(sa_type=JSON)


class FreezeRow(Row, table=True):
    """That nothing may be deleted; there is one row at most, named `library`."""

    __tablename__ = "freezes"

    name: str = Field(primary_key=True, sa_type=String)
    at: datetime = Field(sa_type=UtcTime)
    reason: str = Field(sa_type=Text)


METADATA = Row.metadata


def _table(name: str) -> Table:
    return METADATA.tables[name]


REPOSITORIES = _table("repositories")
IMAGES = _table("images")
RECEIPTS = _table("receipts")
COPIES = _table("copies")
SUBSCRIPTIONS = _table("subscriptions")
QUARANTINE = _table("quarantine")
OFFERS = _table("offers")
SEEN_FILES = _table("seen_files")
SITES = _table("sites")
LEASES = _table("leases")
RUNS = _table("runs")
OUTCOMES = _table("outcomes")
SOURCES = _table("sources")
PINS = _table("pins")
FREEZES = _table("freezes")
