from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from isomanager.inventory.inventory import Inventory
from isomanager.inventory.migration import migrate
from isomanager.model import Copy, CopyState, RepositoryRecord

HAMMER = Path(__file__).with_name("hammer.py")
PROCESSES, ROUNDS, THREADS = 3, 8, 4


def run_all(*arguments: str, times: int) -> list[subprocess.CompletedProcess[str]]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = [subprocess.Popen([sys.executable, *arguments], **pipes) for _ in range(times)]
    ended = []
    for process in running:
        out, err = process.communicate(timeout=240)
        ended.append(subprocess.CompletedProcess(process.args, process.returncode, out, err))
    return ended


def test_processes_and_threads_lose_no_update_and_never_find_it_locked(
    place: str, make_copy: Callable[..., Copy]
) -> None:
    now = datetime.now(UTC)
    with Inventory.open(place) as inventory:
        inventory.add_repository(RepositoryRecord(name="main", url="/iso", created_at=now))
        inventory.reserve(make_copy("counter", id="counter", reason="0"))
    ended = run_all(str(HAMMER), place, str(ROUNDS), times=PROCESSES)
    assert [process.stderr for process in ended if process.returncode] == []
    done = [json.loads(process.stdout) for process in ended]
    with Inventory.open(place) as inventory:
        assert inventory.copy("counter").reason == str(PROCESSES * THREADS * ROUNDS)
        assert len(inventory.copies(states={CopyState.RESERVED})) == ROUNDS + 1
    assert sum(one["reserved"] for one in done) == ROUNDS


def test_of_many_processes_that_find_no_database_one_makes_it(place: str) -> None:
    program = f"from isomanager.inventory.migration import migrate; print(migrate({place!r}) is not None)"
    ended = run_all("-c", program, times=4)
    assert [process.stderr for process in ended if process.returncode] == []
    assert sorted(process.stdout.strip() for process in ended) == ["False", "False", "False", "True"]
    assert migrate(place) is None
    with Inventory.open(place) as inventory:
        assert inventory.copies() == ()
