"""Commands that start a Prefect server at the same moment do not spoil each other's database."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from deployments.starting import database_in_turn
from isomanager.errors import Cancelled, ConnectionFailed


def never() -> threading.Event:
    return threading.Event()


def test_only_one_at_a_time_makes_the_database_and_then_all_may_start(tmp_path: Path) -> None:
    inside, most, guard = [0], [0], threading.Lock()

    def start(_number: int) -> None:
        with database_in_turn(tmp_path, 60, never()):
            with guard:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            threading.Event().wait(0.02)
            with guard:
                inside[0] -= 1

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(start, range(5)))
    assert most == [1]
    (tmp_path / "prefect.db").touch()
    with database_in_turn(tmp_path, 60, never()), database_in_turn(tmp_path, 0, never()):
        pass  # both at once


def test_a_start_that_failed_has_made_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), database_in_turn(tmp_path, 60, never()):
        raise RuntimeError
    (tmp_path / "prefect.db").touch()
    with FileLock(tmp_path / "starting.lock"):
        with pytest.raises(ConnectionFailed, match="for too long"), database_in_turn(tmp_path, 0, never()):
            pass
        stopped = never()
        stopped.set()
        with pytest.raises(Cancelled), database_in_turn(tmp_path, 60, stopped):
            pass
