from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from isomanager.errors import InventoryError
from isomanager.inventory.database import open_database
from isomanager.inventory.inventory import Inventory
from isomanager.inventory.migration import HISTORY, VERSION_TABLE, History, migrate, revision_of
from isomanager.inventory.tables import METADATA
from isomanager.model import Copy, RepositoryRecord

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{last}"


def upgrade():
    op.add_column("copies", sa.Column("note", sa.Text(), nullable=True))
    {then}
"""


@pytest.fixture
def future(tmp_path: Path) -> Callable[..., History]:
    """A history with one migration more than ours."""

    def build(then: str = "pass") -> History:
        folder = tmp_path / "migrations 100%"
        shutil.copytree(HISTORY.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
        script = NEXT.format(last=HISTORY.revisions[-1], then=then)
        (folder / "versions" / "9999_a_note.py").write_text(script)
        return History(folder, (*HISTORY.revisions, "9999"))

    return build


def test_a_new_database_gets_the_tables_that_the_code_declares(place: str) -> None:
    done = migrate(place)
    assert done is not None
    assert (done.before, done.after, done.backup) == ("", HISTORY.revisions[-1], None)
    engine = open_database(place)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, METADATA) == []
    assert revision_of(engine) == HISTORY.revisions[-1]
    engine.dispose()


def test_the_code_names_every_migration_there_is() -> None:
    config = Config()
    config.set_main_option("script_location", str(HISTORY.folder))
    scripts = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(scripts)) == HISTORY.revisions


def test_a_current_database_is_seen_in_passing(tmp_path: Path) -> None:
    place = str(tmp_path / "i.sqlite")
    migrate(place)
    started = time.perf_counter()
    assert migrate(place) is None
    assert time.perf_counter() - started < 0.05


def test_looking_whether_it_is_current_imports_no_alembic(tmp_path: Path) -> None:
    place = str(tmp_path / "i.sqlite")
    migrate(place)
    program = (
        "import sys; from isomanager.inventory.inventory import Inventory\n"
        f"Inventory.open({place!r}).close(); print([m for m in ('alembic', 'httpx', 'prefect', 'filelock') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"


def test_a_backup_is_made_before_a_change(
    tmp_path: Path, future: Callable[..., History], make_copy: Callable[..., Copy], clock: Any
) -> None:
    file = tmp_path / "i.sqlite"
    with Inventory.open(str(file)) as inventory:
        inventory.add_repository(RepositoryRecord(name="main", url="/iso", created_at=clock.now))
        copy = inventory.reserve(make_copy())
        # the inventory is still open, with rows that are only in the write-ahead log
        done = migrate(str(file), tmp_path / "saved", clock=clock, history=future())
    assert done is not None
    assert (done.before, done.after) == (HISTORY.revisions[-1], "9999")
    assert done.backup == tmp_path / "saved" / f"i-{HISTORY.revisions[-1]}-20261123T120000Z.sqlite"
    with Inventory.open(str(done.backup)) as saved:
        assert saved.copies() == (copy,)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT id, note FROM copies").fetchall() == [(copy.id, None)]


def test_a_migration_that_fails_leaves_everything_as_it_was(place: str, future: Callable[..., History]) -> None:
    migrate(place)
    with pytest.raises(ZeroDivisionError):
        migrate(place, history=future(then="1 / 0"))
    assert migrate(place) is None
    with Inventory.open(place) as inventory:
        assert inventory.copies() == ()


def test_a_database_newer_than_the_code_is_refused_in_plain_words(place: str, future: Callable[..., History]) -> None:
    migrate(place, history=future())
    with pytest.raises(InventoryError, match="written by a newer isomanager") as wrong:
        Inventory.open(place)
    assert wrong.value.code == "database-newer"
    assert "Update isomanager" in wrong.value.hint


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "theirs.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(InventoryError, match="it holds bookmarks") as wrong:
        migrate(str(file))
    assert wrong.value.code == "not-an-inventory"


def test_a_file_that_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    file = tmp_path / "i.sqlite"
    file.write_bytes(b"<html>" * 1000)
    with pytest.raises(InventoryError) as wrong:
        Inventory.open(str(file))
    assert wrong.value.code == "database-damaged"
