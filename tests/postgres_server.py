"""A PostgreSQL server of our own, and databases on it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployments.server import free_port
from isomanager.inventory.database import database_url


def missing(what: str) -> None:
    """Skips; where everything must run (CI=true) fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is required where CI=true")
    pytest.skip(f"{what} is not there")


def postgres_programs() -> Path:
    """Where the server's programs are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if not found and not on_path:
        missing("PostgreSQL")
    return found[-1].parent if found else Path(str(on_path)).parent


def _unprivileged() -> list[str]:
    """PostgreSQL refuses to run as root; Debian's package brings a user for it."""
    return ["runuser", "-u", "postgres", "--"] if os.name == "posix" and os.geteuid() == 0 else []


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a running server, without a database name."""
    programs = postgres_programs()
    if importlib.util.find_spec("psycopg") is None:
        missing("psycopg")
    folder = Path(tempfile.gettempdir()) / f"isomanager-postgres-{uuid.uuid4().hex[:12]}"
    port = free_port()
    run = [*_unprivileged(), "env", "LC_ALL=C"]
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


def create_database(server: str, name: str) -> str:
    """The address of a new, empty database."""
    from sqlalchemy import create_engine, text

    engine = create_engine(database_url(f"{server}/postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{server}/{name}"


def prefect_database(server: str, name: str) -> str:
    """The address of a new, empty database as Prefect's server is told it."""
    return create_database(server, name).replace("postgresql:", "postgresql+asyncpg:", 1)
