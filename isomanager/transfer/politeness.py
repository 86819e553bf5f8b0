"""No more connections to one host at a time than is polite, whatever asks: documents, images, every thread of the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from isomanager.errors import Cancelled
from isomanager.transfer.progress import Stop

if TYPE_CHECKING:
    import httpx

_LOOK_EVERY = 0.2
"""Seconds between two looks at the stop while waiting for a turn."""


@dataclass
class _Gate:
    """One host's: how many are through it, and how many wait."""

    inside: int = 0
    waiting: int = 0
    moved: Condition = field(default_factory=Condition)


def host_of(url: str) -> str:
    """Host and port of an address, as gates tell them apart."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


class HostGates:
    """One gate a host, `limit` at a time through each."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._gates: dict[str, _Gate] = {}
        self._lock = Lock()

    @contextmanager
    def through(self, url: str, stop: Stop | None = None) -> Iterator[None]:
        """Wait for a turn at the host of `url`, and keep it while the block lasts. Cancelled when `stop` ends the wait."""
        gate = self._gate(url)
        with gate.moved:
            gate.waiting += 1
            try:
                while gate.inside >= self.limit:
                    if stop is not None and stop.is_set():
                        raise Cancelled("Stopped while waiting for a free connection to the host.")
                    gate.moved.wait(_LOOK_EVERY)
            finally:
                gate.waiting -= 1
            gate.inside += 1
        try:
            yield
        finally:
            self.leave(url)

    def slip_in(self, url: str) -> bool:
        """Take a turn at the host of `url` if one is free and nobody waits for it; `leave` gives it back."""
        gate = self._gate(url)
        with gate.moved:
            if gate.inside >= self.limit or gate.waiting:
                return False
            gate.inside += 1
            return True

    def inside(self, url: str) -> int:
        """How many are through the gate of the host of `url`."""
        return self._gate(url).inside

    def wanted(self, url: str) -> bool:
        """Whether somebody waits for a turn at the host of `url`."""
        return self._gate(url).waiting > 0

    def leave(self, url: str) -> None:
        """Give a turn back."""
        gate = self._gate(url)
        with gate.moved:
            gate.inside -= 1
            gate.moved.notify()

    def _gate(self, url: str) -> _Gate:
        with self._lock:
            return self._gates.setdefault(host_of(url), _Gate())


_OF_CLIENT: WeakKeyDictionary[httpx.Client, HostGates] = WeakKeyDictionary()
_UNLIMITED = HostGates(1 << 16)


def limit_client(client: httpx.Client, per_host: int) -> None:
    """From now on `client` has at most `per_host` answers of one host open at a time."""
    _OF_CLIENT[client] = HostGates(per_host)


def gates_of(client: httpx.Client) -> HostGates:
    """The client's gates; those of a client that was never limited let everything through."""
    return _OF_CLIENT.get(client, _UNLIMITED)
