"""Inventories on real SQLite files and on a real PostgreSQL server: the same suite on both."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from isomanager.inventory.database import database_url
from isomanager.inventory.inventory import Inventory
from isomanager.model import Assurance, Copy, CopyState, Family, Receipt, RepositoryRecord, Title
from isomanager.version import Version

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SHA256 = "ab" * 32


class SetClock:
    """A clock that stands still until it is moved on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def missing(what: str) -> None:
    """Skips; where everything must run (CI=true) fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is required where CI=true")
    pytest.skip(f"{what} is not there")


def _postgres_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _unprivileged() -> list[str]:
    """PostgreSQL refuses to run as root; Debian's package brings a user for it."""
    return ["runuser", "-u", "postgres", "--"] if os.name == "posix" and os.geteuid() == 0 else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server of our own, without a database name."""
    programs = _postgres_programs()
    if programs is None:
        missing("PostgreSQL")
    assert programs is not None
    if importlib.util.find_spec("psycopg") is None:
        missing("psycopg")
    folder = Path(tempfile.gettempdir()) / f"isomanager-postgres-{uuid.uuid4().hex[:12]}"
    port = _free_port()
    as_user = _unprivileged()
    run = [*as_user, "env", "LC_ALL=C"]
    options = f"-p {port} -k '' -c listen_addresses=127.0.0.1 -c fsync=off"
    init = [str(programs / "initdb"), "-D", str(folder), "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync"]
    control = [str(programs / "pg_ctl"), "-D", str(folder), "-w"]
    subprocess.run([*run, *init], check=True, capture_output=True, cwd="/")
    try:
        start = [*run, *control, "-o", options, "-l", f"{folder}/log", "start"]
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        yield f"postgresql://tester@127.0.0.1:{port}"
    finally:
        subprocess.run([*run, *control, "-m", "immediate", "stop"], check=False, capture_output=True, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return str(tmp_path / "library" / "inventory.sqlite")
    server: str = request.getfixturevalue("postgres")
    name = f"t{uuid.uuid4().hex}"
    create_database(server, name)
    return f"{server}/{name}"


def create_database(server: str, name: str) -> None:
    from sqlalchemy import create_engine, text

    engine = create_engine(database_url(f"{server}/postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()


@pytest.fixture
def inventory(place: str, clock: SetClock) -> Iterator[Inventory]:
    with Inventory.open(place, clock=clock) as opened:
        opened.add_repository(RepositoryRecord(name="main", url="file:///srv/iso", created_at=START))
        yield opened


def a_title(version: str = "24.04.3", **changes: str) -> Title:
    return Title(family=Family.LINUX, product="ubuntu", version=Version(version), **{"flavor": "server", **changes})


def a_copy(path: str = "Linux/Ubuntu - Server/ubuntu.server-24.04.3.iso", **changes: object) -> Copy:
    fields = {
        "id": uuid.uuid4().hex,
        "repository": "main",
        "path": path,
        "title": a_title(),
        "state": CopyState.RESERVED,
        "created_at": START,
        "changed_at": START,
    }
    return Copy.model_validate({**fields, **changes})


def a_receipt(**changes: object) -> Receipt:
    fields = {
        "title": a_title(),
        "sha256": SHA256,
        "size": 1000,
        "digests": {"sha256": SHA256},
        "filename": "ubuntu-24.04.3-live-server-amd64.iso",
        "assurance": Assurance.SIGNED,
        "proved_at": START,
    }
    return Receipt.model_validate({**fields, **changes})


@pytest.fixture
def make_copy() -> Callable[..., Copy]:
    return a_copy


@pytest.fixture
def make_receipt() -> Callable[..., Receipt]:
    return a_receipt


@pytest.fixture
def make_title() -> Callable[..., Title]:
    return a_title
