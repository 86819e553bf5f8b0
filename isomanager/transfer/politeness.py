"""No more connections to one host at a time than is polite, whatever asks: documents, images, every thread of the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx

from isomanager.errors import Cancelled
from isomanager.transfer.progress import Stop

_LOOK_EVERY = 0.2
"""Seconds between two looks at the stop while waiting for a turn."""


class HostGates:
    """One gate a host, `limit` at a time through each."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._gates: dict[str, BoundedSemaphore] = {}
        self._lock = Lock()

    @contextmanager
    def through(self, url: str, stop: Stop | None = None) -> Iterator[None]:
        """Wait for a turn at the host of `url`, and keep it while the block lasts. Cancelled when `stop` ends the wait."""
        gate = self._gate(urlsplit(url).netloc.rpartition("@")[2].lower())
        while not gate.acquire(timeout=_LOOK_EVERY):
            if stop is not None and stop.is_set():
                raise Cancelled("Stopped while waiting for a free connection to the host.")
        try:
            yield
        finally:
            gate.release()

    def _gate(self, host: str) -> BoundedSemaphore:
        with self._lock:
            return self._gates.setdefault(host, BoundedSemaphore(self._limit))


_OF_CLIENT: WeakKeyDictionary[httpx.Client, HostGates] = WeakKeyDictionary()
_UNLIMITED = HostGates(1 << 16)


def limit_client(client: httpx.Client, per_host: int) -> None:
    """From now on `client` has at most `per_host` answers of one host open at a time."""
    _OF_CLIENT[client] = HostGates(per_host)


def gates_of(client: httpx.Client) -> HostGates:
    """The client's gates; those of a client that was never limited let everything through."""
    return _OF_CLIENT.get(client, _UNLIMITED)
