"""Starting local servers in turn while their database is made or brought up to date: two at once spoil each other's work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from time import monotonic

from filelock import FileLock, Timeout

from isomanager.errors import Cancelled, ConnectionFailed

_LOOK_EVERY = 0.1


@contextmanager
def database_in_turn(home: Path, limit: float, stopped: threading.Event) -> Iterator[None]:
    """The right to start a server on the database in `home` while the block lasts, which ends when that server is ready.

    Once a server of this version of Prefect was ready there, all may start at once. Raises ConnectionFailed after `limit` seconds,
    Cancelled when `stopped` is set.
    """
    made = home / f"database-of-{version('prefect')}"
    if _is_ready(home, made):
        yield
        return
    with _turn(FileLock(home / "starting.lock"), monotonic() + limit, stopped):
        yield
        made.touch()


def _is_ready(home: Path, made: Path) -> bool:
    return made.exists() and (home / "prefect.db").exists()


@contextmanager
def _turn(lock: FileLock, until: float, stopped: threading.Event) -> Iterator[None]:
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if monotonic() > until:
                raise ConnectionFailed(
                    "Another command has been starting a Prefect server for this library for too long.",
                    hint="Is it hanging? End it, or raise the setting server_start_timeout.",
                ) from None
            if stopped.wait(_LOOK_EVERY):
                raise Cancelled("Stopped while another command starts a Prefect server.") from None
        else:
            break
    try:
        yield
    finally:
        lock.release()
