"""How many bytes a second may come, altogether, from one source, and by the time of day. One allowance for the whole process."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from threading import Event, Lock
from time import monotonic
from typing import Protocol
from weakref import WeakKeyDictionary

import httpx

from isomanager.settings import Settings
from isomanager.transfer.politeness import host_of
from isomanager.transfer.progress import Stop

LOOK_EVERY = 0.1
"""Seconds between two looks at the stop while waiting."""
_SAVED = 0.5
"""Seconds of allowance that may be saved up."""
_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)")


@dataclass(frozen=True)
class Hours:
    """From `begins` to before `ends` (past midnight where that is earlier) at most `rate` bytes a second; 0: none at all."""

    begins: time
    ends: time
    rate: int

    def holds(self, moment: time) -> bool:
        """Whether they are on."""
        if self.begins <= self.ends:
            return self.begins <= moment < self.ends
        return moment >= self.begins or moment < self.ends


def quiet_hours(told: Mapping[str, int]) -> tuple[Hours, ...]:
    """The hours that a setting tells, such as `{"08:00-18:00": 1000000}`. ValueError for what are none."""
    found = []
    for text, rate in told.items():
        read = _HOURS.fullmatch(text.strip())
        if read is None or (read[3] == "24" and read[4] != "00"):
            raise ValueError(f"'{text}' are no hours; write 08:00-18:00")
        begins, ends = time(int(read[1]), int(read[2])), time(int(read[3]) % 24, int(read[4]))
        if begins == ends and read[3] != "24":
            raise ValueError(f"'{text}' end when they begin; write 00:00-24:00 for the whole day")
        if rate < 0:
            raise ValueError(f"'{text}' cannot have {rate} bytes a second")
        found.append(Hours(begins, ends if ends != time(0) else time.max, rate))
    return tuple(found)


def limit_at(moment: time, limit: int, hours: Iterable[Hours]) -> int | None:
    """Bytes a second at `moment`: the strictest that holds; None where nothing does, 0 where nothing may come."""
    rates = [one.rate for one in hours if one.holds(moment)] + ([limit] if limit else [])
    return min(rates, default=None)


class SharedRate(Protocol):
    """A rate that several processes share, and somebody outside keeps."""

    @property
    def batch(self) -> int:
        """Bytes that are paid for at a time."""
        ...

    def pay(self, stop: Stop) -> None:
        """Wait until one batch may come, or `stop` is set."""
        ...


@dataclass
class _Bucket:
    """When the bytes taken so far are paid for."""

    paid: float = 0.0

    def take(self, count: int, rate: int, now: float) -> None:
        """Take `count` bytes on credit."""
        self.paid = max(self.paid, now - _SAVED) + count / rate


@dataclass
class Bandwidth:
    """The allowance. `limit` and `per_source` in bytes a second, 0 for none; `clock` grows, `now` is the time of day; `shared`
    is what other processes draw from as well."""

    limit: int = 0
    per_source: int = 0
    hours: tuple[Hours, ...] = ()
    clock: Callable[[], float] = monotonic
    now: Callable[[], datetime] = datetime.now
    shared: SharedRate | None = None
    _unpaid: int = 0
    _all: _Bucket = field(default_factory=_Bucket)
    _each: dict[str, _Bucket] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def free(self) -> bool:
        """Whether nothing is limited at any time."""
        return not (self.limit or self.per_source or self.hours or self.shared)

    def spend(self, url: str, count: int, stop: Stop) -> None:
        """Account for `count` bytes that came from `url`, and wait until they are paid for or `stop` is set."""
        if self.free:
            return
        self.take(url, count)
        waiting = Event()
        while (left := self.owed(url)) > 0 and not stop.is_set():
            waiting.wait(min(left, LOOK_EVERY))
        self.pay_shared(count, stop)

    def pay_shared(self, count: int, stop: Stop) -> None:
        """Account for `count` bytes with the other processes too; wait until what is due is paid, or `stop` is set."""
        if self.shared is None:
            return
        with self._lock:
            self._unpaid += count
            batches, self._unpaid = divmod(self._unpaid, self.shared.batch)
        for _ in range(batches):
            self.shared.pay(stop)

    @property
    def most(self) -> int | None:
        """Bytes a second that one source may bring just now at the most; None where nothing limits it, 0 where nothing may come."""
        rates = [limit_at(self.now().time(), self.limit, self.hours), self.per_source or None]
        rates += [self.shared.batch] if self.shared is not None else []  # about a second's worth
        return min((one for one in rates if one is not None), default=None)

    def take(self, url: str, count: int) -> None:
        """Account for `count` bytes that came from `url`, on credit."""
        with self._lock:
            now, rate = self.clock(), limit_at(self.now().time(), self.limit, self.hours)
            if rate:
                self._all.take(count, rate, now)
            if self.per_source:
                self._each.setdefault(host_of(url), _Bucket()).take(count, self.per_source, now)

    def owed(self, url: str) -> float:
        """Seconds until whoever took bytes from `url` may take more; not positive where that is now."""
        with self._lock:
            if limit_at(self.now().time(), self.limit, self.hours) == 0:
                return LOOK_EVERY
            each = self._each.get(host_of(url))
            return max(self._all.paid, each.paid if each else 0.0) - self.clock()


_OF_CLIENT: WeakKeyDictionary[httpx.Client, Bandwidth] = WeakKeyDictionary()
UNLIMITED = Bandwidth()


def set_bandwidth(client: httpx.Client, settings: Settings) -> None:
    """From now on everything that `client` brings shares the allowance that the settings give."""
    hours = quiet_hours(settings.quiet_hours)
    _OF_CLIENT[client] = Bandwidth(settings.bandwidth, settings.bandwidth_per_source, hours)


def share_bandwidth(client: httpx.Client, shared: SharedRate) -> None:
    """From now on everything that `client` brings is paid for at `shared` too. A repeat changes nothing."""
    allowance = _OF_CLIENT.setdefault(client, Bandwidth())
    allowance.shared = allowance.shared or shared


def bandwidth_of(client: httpx.Client) -> Bandwidth:
    """The client's allowance; that of a client without one is endless."""
    return _OF_CLIENT.get(client, UNLIMITED)
