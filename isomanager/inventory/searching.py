"""Searching what is held: filters, order and pages in the database, so that 100,000 images cost the memory of a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import AwareDatetime, Field
from sqlalchemy import Column, ColumnElement, Connection, Row, Select, and_, case, func, or_, select, tuple_

from isomanager.catalogue.conditions import clauses
from isomanager.inventory.column_types import folded
from isomanager.inventory.rows import COPY_COLUMNS, collector_resting, copy_of
from isomanager.inventory.tables import COPIES
from isomanager.inventory.transactions import Transactions
from isomanager.model import Assurance, Copy, CopyState, Family, Value
from isomanager.version import Version

Order = Literal["path", "name", "version", "size", "added", "proved", "assurance", "repository"]
ORDERS: tuple[Order, ...] = ("path", "name", "version", "size", "added", "proved", "assurance", "repository")
AT_ONCE = 1000
_MOST = 1 << 62
"""Rows that a page may have or leave out: what a database can count."""
_SEARCHED = ("product", "flavor", "version_text", "edition", "language", "filename", "path", "sha256", "source")


class CopySearch(Value):
    """What is looked for. An empty field asks for nothing; several values of one field are alternatives, and so are `named`
    families and products.

    `version` is a comma-separated list of clauses (`24.04` for its whole series, `>=22.04,<24`); sizes are in bytes; `text` is
    words that must all occur somewhere in names, path, digest or source; `limit` 0 means all. `called` are words of which one must
    be a copy's family, product, path or id, or, of `called_products`, its product, whatever their case.
    `doubles` are those whose bytes are held more than once in their repository.
    """

    named: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    called_products: tuple[str, ...] = ()
    doubles: bool = False
    families: tuple[Family, ...] = ()
    products: tuple[str, ...] = ()
    flavors: tuple[str, ...] = ()
    version: str = ""
    architectures: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    editions: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    states: tuple[CopyState, ...] = (CopyState.HELD, CopyState.SUSPECT)
    assurance: Assurance = Assurance.NONE
    min_size: int = Field(default=0, ge=0)
    max_size: int | None = Field(default=None, ge=0)
    added_after: AwareDatetime | None = None
    added_before: AwareDatetime | None = None
    proved_after: AwareDatetime | None = None
    proved_before: AwareDatetime | None = None
    text: str = ""
    order: Order = "path"
    descending: bool = False
    limit: int = Field(default=0, ge=0, le=_MOST)
    offset: int = Field(default=0, ge=0, le=_MOST)


class Statistics(Value):
    """Of everything a search finds, whatever its page: how many, and bytes in all, on average, of the largest and smallest."""

    count: int
    total: int
    average: int
    largest: int
    smallest: int


class Share(Value):
    """How many copies, and how many bytes, one value of a field has."""

    value: str
    count: int
    total: int


class SearchRecords(Transactions):
    """Asking for copies by what is known of them."""

    def search(self, wanted: CopySearch) -> Iterator[Copy]:
        """The copies that fit, in the order asked for, read a thousand at a time. Times and sizes nobody knows come last."""
        for rows in self._pages(COPY_COLUMNS, wanted):
            with collector_resting():
                found = [copy_of(row) for row in rows]
            yield from found

    def _pages(self, columns: Sequence[Column[Any]], wanted: CopySearch) -> Iterator[Sequence[Row[Any]]]:
        with self._reading() as connection:
            query = _paged(select(*columns), wanted, connection)
            yield from connection.execution_options(yield_per=AT_ONCE).execute(query).partitions(AT_ONCE)

    def statistics(self, wanted: CopySearch) -> Statistics:
        """Counts and sizes of everything that fits."""
        size = COPIES.c.size
        told = select(func.count(), func.coalesce(func.sum(size), 0), func.max(size), func.min(size))
        with self._reading() as connection:
            count, total, largest, smallest = connection.execute(told.where(*conditions(wanted))).one()
        return Statistics(
            count=count,
            total=int(total),
            average=int(total) // count if count else 0,
            largest=largest or 0,
            smallest=smallest or 0,
        )

    def shares(self, wanted: CopySearch, field: str) -> tuple[Share, ...]:
        """How what fits is spread over the values of a column (`family`, `product`, `version_text` ...), most bytes first."""
        column, total = COPIES.c[field], func.coalesce(func.sum(COPIES.c.size), 0)
        query = select(column, func.count(), total).where(*conditions(wanted)).group_by(column)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(total.desc(), column)).all()
        return tuple(Share(value=str(value), count=count, total=int(size)) for value, count, size in rows)


def conditions(wanted: CopySearch) -> list[ColumnElement[bool]]:
    """The search as conditions on the copies' columns."""
    return [*_named(wanted), *_measured(wanted), *_versions(wanted.version), *_words(wanted.text)]


def _named(wanted: CopySearch) -> Iterator[ColumnElement[bool]]:
    strong = [one.value for one in Assurance if one >= wanted.assurance]
    asked: Mapping[str, Any] = {
        "family": [one.value for one in wanted.families],
        "product": wanted.products,
        "flavor": wanted.flavors,
        "architecture": wanted.architectures,
        "language": wanted.languages,
        "edition": wanted.editions,
        "repository": wanted.repositories,
        "state": [one.value for one in wanted.states],
        "assurance": strong if wanted.assurance is not Assurance.NONE else (),
    }
    for name, values in asked.items():
        if values:
            yield COPIES.c[name].in_(list(values))
    if wanted.named:
        yield or_(COPIES.c.family.in_(wanted.named), COPIES.c.product.in_(wanted.named))
    if wanted.called or wanted.called_products:
        yield or_(*_called(wanted.called, wanted.called_products))
    if wanted.doubles:
        yield _doubles()


def _doubles() -> ColumnElement[bool]:
    held = COPIES.alias("held")
    twice = (
        select(held.c.repository, held.c.sha256)
        .where(held.c.state == CopyState.HELD.value, held.c.sha256.is_not(None))
        .group_by(held.c.repository, held.c.sha256)
        .having(func.count() > 1)
    )
    return tuple_(COPIES.c.repository, COPIES.c.sha256).in_(twice)


def _called(words: Sequence[str], products: Sequence[str]) -> Iterator[ColumnElement[bool]]:
    columns, lowered = COPIES.c, [word.lower() for word in words]
    yield columns.path.in_(words)
    yield columns.claimed_path.in_([folded(word) for word in words])
    yield from (func.lower(columns[name]).in_(lowered) for name in ("family", "product", "path", "id"))
    yield func.lower(columns.product).in_([word.lower() for word in products])


def _measured(wanted: CopySearch) -> Iterator[ColumnElement[bool]]:
    columns = COPIES.c
    if wanted.min_size:
        yield columns.size >= wanted.min_size
    if wanted.max_size is not None:
        yield columns.size <= wanted.max_size
    for column, after, before in (
        (columns.created_at, wanted.added_after, wanted.added_before),
        (columns.proved_at, wanted.proved_after, wanted.proved_before),
    ):
        if after is not None:
            yield column >= after
        if before is not None:
            # what was never proved is older than any proof
            yield or_(column < before, column.is_(None))


def _versions(text: str) -> Iterator[ColumnElement[bool]]:
    """Version clauses by the sort text: `==` and `<=` mean the whole series, as in a product file's `when`."""
    key, epoch = COPIES.c.version_key, COPIES.c.version_epoch
    for operator, spelled in clauses(text):
        bound = Version(spelled)
        first, after = bound.series_span
        if operator == "==":
            # a person who names 42.3 need not know that it lies in an epoch of its own
            yield and_(key >= first, key < after)
        elif operator in (">", ">="):
            above = key > bound.sort_text if operator == ">" else key >= bound.sort_text
            yield or_(epoch > 0, and_(epoch == 0, above))
        else:
            below = key < (after if operator == "<=" else bound.sort_text)
            yield or_(epoch < 0, and_(epoch == 0, below))


def _words(text: str) -> Iterator[ColumnElement[bool]]:
    for word in text.lower().split():
        pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        yield or_(*(func.lower(COPIES.c[name]).like(pattern, escape="\\") for name in _SEARCHED))


def _paged(query: Select[Any], wanted: CopySearch, connection: Connection) -> Select[Any]:
    order = tuple(_order(wanted, connection))
    if not wanted.offset:
        ordered = query.where(*conditions(wanted)).order_by(*order)
        return ordered.limit(wanted.limit) if wanted.limit else ordered
    # the rows that a page leaves out are sorted, too: by what sorts them alone
    page = select(COPIES.c.id).where(*conditions(wanted)).order_by(*order)
    page = page.limit(wanted.limit or 1 << 62).offset(wanted.offset)
    return query.where(COPIES.c.id.in_(page)).order_by(*order)


def _order(wanted: CopySearch, connection: Connection) -> Iterator[ColumnElement[Any]]:
    columns = COPIES.c
    ranked = case({one.value: one.rank for one in Assurance}, value=columns.assurance)
    by: Mapping[str, tuple[ColumnElement[Any], ...]] = {
        "path": (),
        "repository": (byte_ordered(columns.repository, connection),),
        "name": (byte_ordered(columns.product, connection), byte_ordered(columns.flavor, connection)),
        "version": (columns.version_epoch, columns.version_key),
        "size": (columns.size,),
        "added": (columns.created_at,),
        "proved": (columns.proved_at,),
        "assurance": (ranked,),
    }
    for column in by[wanted.order]:
        yield (column.desc() if wanted.descending else column.asc()).nulls_last()
    # the rest of the order is always the same, so that pages never overlap
    backwards = wanted.descending and wanted.order == "path"
    for column in (columns.repository, columns.path, columns.created_at, columns.id):
        plain = byte_ordered(column, connection) if column is not columns.created_at else column
        yield plain.desc() if backwards else plain.asc()


def byte_ordered(column: ColumnElement[Any], connection: Connection) -> ColumnElement[Any]:
    """Text in byte order, which is SQLite's own and must be asked for elsewhere."""
    return column if connection.dialect.name == "sqlite" else column.collate("C")
