"""`isomanager worker` as a machine of its own runs it: started, killed as by a power cut, ended."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

from command import command_line
from deployments.lost_runs import process_of
from prefect_over_http import LIMIT


class WorkerProcess:
    """One worker of a queue, with everything it starts."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str], queue: str = "default") -> None:
        self.log = folder / f"{name}.txt"
        words = command_line("worker", "--runs", 1, "--queue", queue, "--name", name)
        with self.log.open("wb") as output:
            self._process = psutil.Popen(
                words, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    def __str__(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def is_running(self) -> bool:
        """Whether it, the command, has not ended."""
        return self._process.poll() is None

    def processes(self) -> list[psutil.Process]:
        """All of it that runs now."""
        try:
            return [self._process, *self._process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """End everything of it at once, as when the power fails: none of it sees the others end."""
        _kill_all(self.processes())
        self._process.wait(LIMIT)

    def end(self) -> None:
        """Ask it to end; its guardian ends the rest."""
        left = self.processes()
        with contextlib.suppress(psutil.NoSuchProcess):
            self._process.terminate()
        for one in psutil.wait_procs(left, timeout=60)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()


def process_id(run: Mapping[str, Any]) -> int:
    """Of the process that the API says a run has; 0 while it has none."""
    return process_of(run["infrastructure_pid"] or "")


def kill_run(run: Mapping[str, Any]) -> None:
    """End the run's own processes, and not its worker."""
    top = psutil.Process(process_id(run))
    _kill_all([top, *top.children(recursive=True)])


def _kill_all(processes: list[psutil.Process]) -> None:
    for act in (psutil.Process.suspend, psutil.Process.kill):
        for one in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                act(one)


@contextlib.contextmanager
def ended(workers: list[WorkerProcess]) -> Iterator[list[WorkerProcess]]:
    """The list, to which workers may be added; all are ended with the block, and told of when it fails."""
    try:
        yield workers
    except BaseException:
        for one in workers:
            print(f"--- {one.log.name}\n{one}")
        raise
    finally:
        for one in workers:
            one.end()


def until(what: str, ask: Callable[[], object]) -> None:
    """Wait until `ask()` is true."""
    end = monotonic() + LIMIT
    while not ask():
        assert monotonic() < end, f"it never came: {what}"
        sleep(0.1)
