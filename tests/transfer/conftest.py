"""A real server with one image of some MiB, a client as the library opens it, and a store to receive into."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from isomanager.sample.folder import ServedFolder
from isomanager.sample.server import SampleServer
from isomanager.settings import Settings
from isomanager.storage.local import LocalStore
from isomanager.transfer.http import open_client

sys.path.insert(0, str(Path(__file__).parents[1]))  # importlib mode adds no folder: this one holds what several need

from transfer.serving import CONTENT, Fetch


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The folder that `server` serves, with one image in it."""
    folder = tmp_path / "www"
    folder.mkdir()
    for name in ("image.iso", "mirror.iso"):
        (folder / name).write_bytes(CONTENT)
        os.utime(folder / name, (1_700_000_000, 1_700_000_000))
    return folder


@pytest.fixture
def server(site: Path) -> Iterator[SampleServer]:
    with SampleServer(ServedFolder(site)) as running:
        yield running


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    """One for all, as in the library: reading the certificate authorities takes longer than most of these tests."""
    with open_client(Settings(connect_timeout=20, first_byte_timeout=20)) as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "repository")


@pytest.fixture
def fetch(store: LocalStore, client: httpx.Client) -> Fetch:
    return Fetch(store, client)
