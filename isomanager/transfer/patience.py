"""Patience with hosts: who answers "not now" is left alone for as long as it says, by every thread of the process."""

from __future__ import annotations

import random
from collections.abc import Callable
from threading import Lock
from time import monotonic, sleep
from typing import TypeVar
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx

from isomanager.errors import Cancelled, ServerBusy
from isomanager.transfer.progress import Stop

Answer = TypeVar("Answer")

_ASKS_FOR_PATIENCE = (403, 429, 503)
"""403 only comes here as an API's answer that its ration is used up."""
_MOST_TRIES = 3
_LOOK_EVERY = 0.2
"""Seconds between two looks at the stop."""


class HostPatience:
    """Until when each host asked to be left alone."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._lock = Lock()

    def hold_off(self, url: str, seconds: float) -> None:
        """Ask the host of `url` for nothing in the next `seconds`."""
        with self._lock:
            host = _host(url)
            self._until[host] = max(self._until.get(host, 0.0), monotonic() + seconds)

    def left(self, url: str) -> float:
        """Seconds for which the host of `url` is still to be left alone."""
        with self._lock:
            return max(0.0, self._until.get(_host(url), 0.0) - monotonic())


_OF_CLIENT: WeakKeyDictionary[httpx.Client, HostPatience] = WeakKeyDictionary()
_LOCK = Lock()


def patience_of(client: httpx.Client) -> HostPatience:
    """What the hosts that a client speaks to have asked for."""
    with _LOCK:
        return _OF_CLIENT.setdefault(client, HostPatience())


class Patience:
    """Asks again after 429 and 503, when the server said or later each time, waiting `most` seconds at the longest in all.

    What needs longer is raised at once as ServerBusy, with the time in `data["retry_after"]`, for whoever can wait longer.
    """

    def __init__(self, hosts: HostPatience, *, most: float, delay: float, stop: Stop | None) -> None:
        self._hosts, self._most, self._delay, self._stop = hosts, most, delay, stop

    def ask(self, url: str, told: str, question: Callable[[], Answer]) -> tuple[Answer, float]:
        """The answer, and the seconds that were waited for it. Raises Cancelled when the stop ends the waiting."""
        waited = 0.0
        for attempt in range(_MOST_TRIES):
            waited += self._wait_for_host(url, told, self._most - waited)
            try:
                return question(), waited
            except ServerBusy as busy:
                if busy.data.get("status") not in _ASKS_FOR_PATIENCE:
                    raise
                wait = self._asked_for(busy, attempt)
                self._hosts.hold_off(url, wait)
                if attempt + 1 == _MOST_TRIES or waited + wait > self._most:
                    raise
        raise AssertionError("the last try returns or raises")

    def _asked_for(self, busy: ServerBusy, attempt: int) -> float:
        said = busy.data.get("retry_after")
        # jitter, so that all who were turned away do not come back at the same moment
        return (float(said) if said is not None else self._delay * 2**attempt) * random.uniform(1.0, 1.2)  # noqa: S311

    def _wait_for_host(self, url: str, told: str, most: float) -> float:
        left = self._hosts.left(url)
        if left > most:
            raise ServerBusy(
                f"{told}: the server asked to be left alone for {left:.0f} s more.",
                url=told,
                status=429,
                retry_after=left,
            )
        until = monotonic() + left
        while (remaining := until - monotonic()) > 0:
            if self._stop is not None and self._stop.is_set():
                raise Cancelled(f"{told}: stopped while waiting for a busy server.", url=told)
            sleep(min(_LOOK_EVERY, remaining))
        return left


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2].lower()
