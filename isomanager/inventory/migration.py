"""Bringing the database to the form this code expects: a backup first, one migrator at a time, and nothing when it is current.

Looking whether it is current must cost next to nothing, because every command does it: alembic, which takes most of a second
to import, is imported only when there is something to do.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from isomanager.errors import InventoryError
from isomanager.inventory.database import (
    BUSY_SECONDS,
    DAMAGED_HINT,
    Clock,
    check_place,
    database_url,
    open_database,
    sqlite_file,
    told,
    utc_now,
    writing,
)

VERSION_TABLE = "isomanager_version"

_ADVISORY_LOCK = 0x69736F6D  # "isom": the number by which migrators of one PostgreSQL database know each other
_MIGRATION_SECONDS = 300


@dataclass(frozen=True)
class History:
    """The migrations there are: their folder, and their revisions, oldest first."""

    folder: Path
    revisions: tuple[str, ...]


HISTORY = History(Path(__file__).parent / "migrations", ("0001", "0002", "0003", "0004", "0005", "0006"))


@dataclass(frozen=True)
class Migrated:
    """What was done: the revision before ("" for a new database) and after, and where the backup of before is."""

    before: str
    after: str
    backup: Path | None = None


def migrate(
    place: str, backup_folder: Path | None = None, *, clock: Clock = utc_now, history: History = HISTORY
) -> Migrated | None:
    """Bring the database at `place` (URL, or path of an SQLite file) to the newest revision; None when it is there already.

    An SQLite file is copied into `backup_folder` (default: `backups` beside the file) before it is changed; backing up a
    database server is its administrator's. Raises InventoryError: `database-newer` when this code does not know its
    revision, `not-an-inventory` for another program's SQLite file, `migrating` when another migrator does not come to an end.
    """
    file = sqlite_file(database_url(place))
    if file is None:
        return _migrate_server(place, history)
    check_place(file)
    if _is_current(_sqlite_revision(file), str(file), history):
        return None
    return _migrate_file(place, file, backup_folder or file.parent / "backups", clock, history)


def _is_current(revision: str, place: str, history: History) -> bool:
    if revision and revision not in history.revisions:
        raise InventoryError(
            f"The database {place} was written by a newer isomanager (its revision is {revision}, "
            f"this one knows up to {history.revisions[-1]}).",
            code="database-newer",
            hint="Update isomanager, or go back to a backup from before the update.",
            revision=revision,
        )
    return revision == history.revisions[-1]


def _sqlite_revision(file: Path) -> str:
    """The revision of an SQLite file, "" when it is new. Without SQLAlchemy, to be quick."""
    if not file.exists() or not file.stat().st_size:
        return ""
    try:
        with closing(sqlite3.connect(file, timeout=BUSY_SECONDS)) as connection:
            tables = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
            if VERSION_TABLE in tables:
                row = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608
                return str(row[0]) if row else ""
    except sqlite3.Error as error:
        raise told(error, str(file)) from error
    if tables:
        raise InventoryError(
            f"{file} is another program's database: it holds {', '.join(sorted(tables)[:3])}.",
            code="not-an-inventory",
            hint="Give the inventory a file of its own.",
            file=str(file),
        )
    return ""


def _migrate_file(place: str, file: Path, backup_folder: Path, clock: Clock, history: History) -> Migrated | None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with _one_migrator(file):
        before = _sqlite_revision(file)
        if _is_current(before, str(file), history):
            return None
        backup = back_up(file, backup_folder, before, clock()) if before else None
        _use_write_ahead_log(file)
        engine = open_database(place)
        try:
            with writing(engine) as connection:
                _upgrade(connection, history)
        finally:
            engine.dispose()
    return Migrated(before, history.revisions[-1], backup)


@contextmanager
def _one_migrator(file: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(f"{file}.migrating", timeout=_MIGRATION_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        raise InventoryError(
            f"Another process has been migrating the database {file} for {_MIGRATION_SECONDS} seconds.",
            code="migrating",
            hint="Wait for it, or end it; what it has not finished is taken back.",
            file=str(file),
        ) from error
    try:
        yield
    finally:
        lock.release()


def _use_write_ahead_log(file: Path) -> None:
    """Turn the write-ahead log on, which lasts. Here, because only under the migrators' lock nobody else opens the file."""
    with closing(sqlite3.connect(file, timeout=BUSY_SECONDS)) as connection:
        connection.execute("PRAGMA journal_mode=WAL").fetchone()


def back_up(file: Path, folder: Path, revision: str, now: datetime) -> Path:
    """Copy an SQLite database, while others may use it, into `folder`; whole and checked, or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"{file.stem}-{revision}-{now:%Y%m%dT%H%M%S}Z{file.suffix}"
    unfinished = final.with_name(f"{final.name}.unfinished")
    with closing(sqlite3.connect(file, timeout=BUSY_SECONDS)) as source, closing(sqlite3.connect(unfinished)) as copy:
        source.backup(copy)
        verdict = str(copy.execute("PRAGMA quick_check").fetchone()[0])
    if verdict != "ok":
        unfinished.unlink()
        raise InventoryError(
            f"The database {file} is damaged ({verdict}); it was not migrated.",
            code="database-damaged",
            hint=DAMAGED_HINT,
            file=str(file),
        )
    os.replace(unfinished, final)  # noqa: PTH105
    return final


def _migrate_server(place: str, history: History) -> Migrated | None:
    engine = open_database(place)
    shown = engine.url.render_as_string(hide_password=True)
    try:
        with writing(engine) as connection:
            if _is_current(_server_revision(connection), shown, history):
                return None
            _wait_for_other_migrators(connection)
            before = _server_revision(connection)
            if _is_current(before, shown, history):
                return None
            _upgrade(connection, history)
        return Migrated(before, history.revisions[-1])
    finally:
        engine.dispose()


def _wait_for_other_migrators(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _ADVISORY_LOCK})


def _server_revision(connection: Connection) -> str:
    if not inspect(connection).has_table(VERSION_TABLE):
        return ""
    return str(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar() or "")  # noqa: S608


def _upgrade(connection: Connection, history: History) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(history.folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, history.revisions[-1])


def revision_of(engine: Engine) -> str:
    """The revision of an open database, for `isomanager doctor`; "" when it has none."""
    with engine.connect() as connection:
        return _server_revision(connection)
