"""Inventories on real SQLite files and on a real PostgreSQL server: the same suite on both."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from isomanager.inventory.inventory import Inventory
from isomanager.model import Assurance, Copy, CopyState, Family, Receipt, RepositoryRecord, Title
from isomanager.version import Version
from postgres_server import create_database

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


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return str(tmp_path / "library" / "inventory.sqlite")
    server: str = request.getfixturevalue("postgres")
    name = f"t{uuid.uuid4().hex}"
    create_database(server, name)
    return f"{server}/{name}"


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
