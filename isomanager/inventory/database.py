"""Opening the inventory's database: SQLite with settings that bear many threads and processes, or any SQLAlchemy URL.

Transactions are short and never span I/O. On SQLite a writing one begins with BEGIN IMMEDIATE: it waits for its turn at the
start, where waiting is possible, and never in the middle, where SQLite can only fail ("database is locked").
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    OperationalError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from isomanager.errors import ConfigurationError, InventoryError, InventoryUnavailable, IsoManagerError
from isomanager.inventory.network_mounts import network_type

BUSY_SECONDS = 30
"""How long a transaction waits for another one before it gives up."""

_WRITES = "isomanager_writes"
_TURNS: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()

Clock = Callable[[], datetime]
"""Gives the present, aware, so that leases can be tested without waiting."""


def utc_now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)


class Clash(InventoryError):
    """Two rows that may not both exist; whoever writes them explains it in the caller's words."""

    code = "conflict"


DAMAGED_HINT = (
    "Restore the newest backup; or move the file aside, create the repositories again, and make what they hold known again "
    "with `isomanager repository rebuild NAME`."
)


def database_url(place: str) -> URL:
    """The SQLAlchemy URL for a URL or for the path of an SQLite file.

    Raises ConfigurationError for what is neither, and for an SQLite database in memory: what it knows would die with the
    process, while the images stay.
    """
    try:
        url = make_url(place) if "://" in place else URL.create("sqlite", database=str(Path(place).expanduser()))
    except ArgumentError as error:
        raise ConfigurationError(
            "The database's address is not a URL that SQLAlchemy understands.",
            hint="Give the path of a file, or sqlite:///PATH or postgresql://USER@HOST/NAME.",
        ) from error
    if url.drivername == "postgresql":  # psycopg 3, whatever SQLAlchemy's own default is
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and (
        not url.database or url.database == ":memory:" or "mode=memory" in place
    ):
        raise ConfigurationError("The inventory needs a database that lasts.", hint="Give SQLite the path of a file.")
    return url


def sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite database, None for any other."""
    return Path(url.database).absolute() if url.get_backend_name() == "sqlite" and url.database else None


def check_place(file: Path) -> None:
    """Refuse an SQLite file on a network file system, where its locks do not hold between machines."""
    kind = network_type(file.parent)
    if kind:
        raise ConfigurationError(
            f"The database {file} lies on a network file system ({kind}), where SQLite would be damaged sooner or later.",
            code="network-filesystem",
            hint="Put the database on a local disk, or use PostgreSQL; the images themselves may lie on the share.",
            file=str(file),
            filesystem=kind,
        )


def open_database(place: str) -> Engine:
    """An engine for a migrated database. Nothing is connected yet.

    Raises ConfigurationError when the address makes no sense, its driver is not installed, or an SQLite file lies on a
    network file system.
    """
    url = database_url(place)
    file = sqlite_file(url)
    if file is None:
        return _server_engine(url)
    check_place(file)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _server_engine(url: URL) -> Engine:
    try:
        return create_engine(url, pool_pre_ping=True)
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigurationError(
            f"The driver for {url.drivername} databases is not installed ({error}).",
            code="driver-missing",
            hint="For PostgreSQL: pip install 'psycopg[binary]'.",
        ) from error


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver's own transactions begin late and deferred; ours are begun by _begin_sqlite.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA foreign_keys=ON")
    # A copy's state is committed before the effect it announces. With NORMAL a power cut may take back the last commits and
    # leave effects that no state announced; FULL costs one flush a commit, and an image takes about five.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the database and changes nothing."""
    with _in_plain_words(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction: committed as a whole at the end, or not at all. Raises Clash when a unique or foreign key forbids it."""
    with _in_plain_words(engine), _turn(engine), engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """SQLite has one writer at a time, and who finds it busy sleeps, longer each time, also when it is free long since. Threads of
    this process wait for each other instead; what other processes do is left to SQLite."""
    lock = _TURNS.setdefault(engine, threading.Lock()) if sqlite_file(engine.url) else None
    mine = lock is not None and lock.acquire(timeout=BUSY_SECONDS)
    try:
        yield
    finally:
        if lock is not None and mine:
            lock.release()


@contextmanager
def _in_plain_words(engine: Engine) -> Iterator[None]:
    place = engine.url.render_as_string(hide_password=True)
    try:
        yield
    except IntegrityError as error:
        raise Clash(f"The database {place} refused a row: {error.orig}", place=place) from error
    except PoolTimeout as error:
        raise InventoryUnavailable(
            f"Too many threads wait for the database {place}.", hint="Run fewer at once.", place=place
        ) from error
    except DBAPIError as error:
        if error.connection_invalidated or (isinstance(error, OperationalError) and sqlite_file(engine.url) is None):
            raise _unreachable(error.orig, place) from error
        raise told(error.orig, place) from error
    except StatementError as error:
        raise InventoryError(f"A value cannot be kept in the database: {error.orig}.", code="invalid-value") from error


def _unreachable(error: BaseException | None, place: str) -> InventoryUnavailable:
    """PEP 249 calls an operational error what is "related to the database's operation and not necessarily under the control
    of the programmer": a server that is away, refuses connections, or broke off a transaction."""
    return InventoryUnavailable(
        f"The database {place} does not answer: {str(error).strip()}",
        code="database-unreachable",
        hint="Check that the database server runs and can be reached; the next try continues.",
        place=place,
    )


def told(error: BaseException | None, place: str) -> IsoManagerError:
    """The database's own error as ours: busy (which may pass), damaged or unwritable."""
    text = str(error)
    if "locked" in text or "busy" in text:
        return InventoryUnavailable(
            f"The database {place} is busy: {text}",
            hint=f"Another program kept it for over {BUSY_SECONDS} seconds; try again when it is done.",
            place=place,
        )
    if isinstance(error, sqlite3.DatabaseError) and ("malformed" in text or "not a database" in text):
        code, hint = "database-damaged", DAMAGED_HINT
    elif "readonly" in text or "unable to open" in text:
        code, hint = "database-unwritable", "Check that the file and its folder exist and may be written."
    else:
        code, hint = "database-error", "Check that the database is there and that it is reachable."
    return InventoryError(
        f"The database {place} does not answer as it should: {text}", code=code, hint=hint, place=place
    )
