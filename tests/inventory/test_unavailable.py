"""A database that is busy or away is worth another try; a damaged one is not."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from deployments.server import free_port
from isomanager.errors import InventoryUnavailable, TransientError
from isomanager.inventory import database
from isomanager.inventory.database import open_database
from isomanager.inventory.inventory import Inventory


def test_a_database_that_another_program_keeps_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    with Inventory.open(str(tmp_path / "i.db")) as inventory:
        other = sqlite3.connect(tmp_path / "i.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(InventoryUnavailable) as wrong:
            inventory.acquire("k", "somebody", timedelta(seconds=9))
        other.close()
        assert wrong.value.code == "database-busy"
        assert isinstance(wrong.value, TransientError)
        assert inventory.acquire("k", "somebody", timedelta(seconds=9)) is not None


def test_a_database_server_that_is_away_is_unreachable() -> None:
    pytest.importorskip("psycopg")
    inventory = Inventory(open_database(f"postgresql+psycopg://user:hush@127.0.0.1:{free_port()}/none"))
    with pytest.raises(InventoryUnavailable) as wrong:
        inventory.copies()
    inventory.close()
    assert wrong.value.code == "database-unreachable"
    assert "hush" not in str(wrong.value)


def test_every_lease_of_a_dead_holder_is_given_back_and_no_other(tmp_path: Path) -> None:
    with Inventory.open(str(tmp_path / "i.db")) as inventory:
        for key, owner in (("a", "dead"), ("b", "dead"), ("c", "living")):
            assert inventory.acquire(key, owner) is not None
        assert inventory.release_owner("dead") == 2
        assert (inventory.holder("a"), inventory.holder("c")) == (None, "living")
