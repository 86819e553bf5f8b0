"""The shelf that plans are made of: which copies may matter, found by the database, and no other read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, and_, bindparam, case, cast, func, or_, select

from isomanager.inventory.copies import CopyRecords
from isomanager.inventory.life import LIVE
from isomanager.inventory.rows import COPY_COLUMNS, COPY_ORDER, collector_resting, copy_of, title_columns
from isomanager.inventory.searching import SearchRecords, byte_ordered
from isomanager.inventory.sums import SumRecords
from isomanager.inventory.tables import COPIES
from isomanager.model import Copy, CopyState, Expectation, Title
from isomanager.planning.shelf import SUBSCRIPTION_SOURCE, Group
from isomanager.planning.wanting import Scope

_SCOPE = tuple(COPIES.c[name] for name in ("product", "flavor", "architecture", "language", "edition"))
# said so that no index fits: nearly all copies are held, and SQLite would rather look through them than through a product
_HELD = COPIES.c.state.not_in([state.value for state in CopyState if state is not CopyState.HELD])
_LIVE = COPIES.c.state.not_in([state.value for state in CopyState if state not in LIVE])
_NEWEST_FIRST = (COPIES.c.version_epoch.desc(), COPIES.c.version_key.desc())
_FIRST_LOOK, _NO_LIMIT = 20, 1 << 62
_AT_ONCE = 500
"""So many digests are asked about in one statement: databases bound how many values it may have."""


class ShelfRecords(CopyRecords, SearchRecords, SumRecords):
    """`isomanager.planning.shelf.Shelf`, in the database."""

    def twins(self, expectations: Sequence[Expectation]) -> Sequence[Copy]:
        """The held copies that may be bytes of one of the expectations."""
        found: dict[str, Row[Any]] = {}
        with self._reading() as connection, collector_resting():
            for query in _twins(expectations):
                found |= {row.id: row for row in connection.execute(query)}
            return tuple(copy_of(row) for row in sorted(found.values(), key=COPY_ORDER))

    def rivals(self, title: Title) -> Sequence[Copy]:
        """The live copies of the title's scope that are no older than it, and the newest that each repository holds of it."""
        asked = {**title_columns(title), "version_key": title.version.sort_text}
        with self._reading() as connection:
            rows = connection.execute(_RIVALS, asked).all()
        return tuple(copy_of(row) for row in sorted(rows, key=COPY_ORDER))

    def newest_first(self, repository: str, product: str) -> Iterator[Copy]:
        """The held copies of the product, the newest version first."""
        held = select(*COPY_COLUMNS).where(_HELD, *_of(repository, product))
        yield from self._newest_first(held.limit(_FIRST_LOOK))
        yield from self._newest_first(held.limit(_NO_LIMIT).offset(_FIRST_LOOK))

    def _newest_first(self, held: Select[Any]) -> Iterator[Copy]:
        with self._reading() as connection:
            then = (byte_ordered(COPIES.c.path, connection), COPIES.c.created_at)
            rows = connection.execute(held.order_by(*_NEWEST_FIRST, *then)).all()
        return map(copy_of, rows)

    def groups(self, products: Collection[str], repositories: Collection[str], more_than: int) -> Iterable[Group]:
        """The groups of more than so many held copies."""
        columns = COPIES.c
        brought = func.substr(columns.source, 1, len(SUBSCRIPTION_SOURCE)) == SUBSCRIPTION_SOURCE
        epoch, key = (func.min(case((brought, column))) for column in (columns.version_epoch, columns.version_key))
        query = (
            select(columns.repository, *_SCOPE, func.count(), epoch, key)
            .where(_HELD, columns.repository.in_(repositories), columns.product.in_(products))
            .group_by(columns.repository, *_SCOPE)
            .having(func.count() > more_than)
        )
        with self._reading() as connection:
            for repository, *scope, count, first_epoch, first_key in connection.execute(query):
                oldest = None if first_key is None else (first_epoch, first_key)
                yield Group(repository, _scope(scope), count, oldest)

    def held_of(self, repository: str, product: str, scopes: Collection[Scope]) -> Sequence[Copy]:
        """The held copies of the product that may be of these scopes: all of a scope or none."""
        held = select(*COPY_COLUMNS).where(_HELD, *_of(repository, product))
        return self._listed(held.where(*_may_be_of(scopes)))


def _of(repository: str, product: str) -> Iterator[ColumnElement[bool]]:
    """The copies of a product in a repository, looked for among the product's: SQLite, where it may choose, looks through the
    repository's, which are many more."""
    yield COPIES.c.product == product
    yield COPIES.c.repository.concat("") == repository


def _scope(columns: Sequence[Any]) -> Scope:
    product, flavor, architecture, language, edition = columns
    return product, flavor, architecture, language, edition


def _may_be_of(scopes: Iterable[Scope]) -> Iterator[ColumnElement[bool]]:
    for column, values in zip(_SCOPE, zip(*scopes, strict=True), strict=True):
        yield column.in_(set(values))


def _twins(expectations: Sequence[Expectation]) -> Iterator[Select[Any]]:
    """Questions for whatever `same_bytes` may find equal: any digest, or the fingerprint where no digest speaks of the image."""
    held, told = select(*COPY_COLUMNS).where(_HELD), cast(COPIES.c.digests, Text)
    known: set[str] = set()
    others: list[tuple[str, ColumnElement[bool]]] = []
    for one in expectations:
        product = one.offer.title.product
        if one.offer.packing is not None or not one.digests:
            others.append((product, COPIES.c.fingerprint == one.fingerprint))
            continue
        for algorithm, digest in one.digests.items():
            if algorithm == "sha256":  # an image is known by it: it has a column and an index
                known.add(digest)
            else:
                others.append((product, told.contains(digest, autoescape=True)))
    digests = sorted(known)
    for start in range(0, len(digests), _AT_ONCE):
        yield held.where(COPIES.c.sha256.in_(digests[start : start + _AT_ONCE]))
    yield from (held.where(COPIES.c.product == product, same) for product, same in others)


def _rivals() -> Select[Any]:
    """The question for the rivals of a title, whose columns are its parameters."""
    columns = COPIES.c
    epoch, key = columns.version_epoch, columns.version_key
    place = func.rank().over(partition_by=(columns.repository, columns.state), order_by=_NEWEST_FIRST).label("place")
    scope = (column == bindparam(column.name) for column in _SCOPE)
    live = select(columns.id, epoch, key, place).where(_LIVE, *scope).subquery()
    same_epoch = and_(
        live.c.version_epoch == bindparam("version_epoch"), live.c.version_key >= bindparam("version_key")
    )
    no_older = or_(live.c.version_epoch > bindparam("version_epoch"), same_epoch)
    return select(*COPY_COLUMNS).where(columns.id.in_(select(live.c.id).where(or_(live.c.place == 1, no_older))))


_RIVALS = _rivals()  # made once: it is asked for every image that is to come
