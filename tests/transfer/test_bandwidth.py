"""All downloads of a process share one allowance, by the time of day where that is asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time
from pathlib import Path
from threading import Event
from time import monotonic

import pytest
from pydantic import ValidationError

from isomanager.errors import Cancelled, ConfigurationError
from isomanager.sample.server import SampleServer
from isomanager.settings import Settings
from isomanager.storage.local import LocalStore
from isomanager.transfer.bandwidth import Bandwidth, Hours, limit_at, quiet_hours
from isomanager.transfer.http import open_client
from transfer.serving import CONTENT, IMAGE, MIB, SHA256, Fetch

DAY = Hours(time(8), time(18), 1000)
NIGHT = Hours(time(22), time(6), 0)


@pytest.mark.parametrize(
    ("moment", "limit", "rate"),
    [
        (time(7, 59), 0, None),
        (time(8), 0, 1000),
        (time(17, 59), 5000, 1000),
        (time(17, 59), 500, 500),
        (time(18), 500, 500),
        (time(23), 500, 0),
        (time(5, 59), 0, 0),
        (time(6), 0, None),
    ],
)
def test_the_strictest_limit_of_the_moment_holds(moment: time, limit: int, rate: int | None) -> None:
    assert limit_at(moment, limit, (DAY, NIGHT)) == rate


def test_hours_are_read_as_people_write_them() -> None:
    told = quiet_hours({"08:00-18:00": 1000, "22:00 - 6:00": 0, "0:00-24:00": 5})
    assert told == (DAY, NIGHT, Hours(time(0), time.max, 5))


@pytest.mark.parametrize(
    "text", ["", "8-18", "08:00", "25:00-26:00", "08:00-24:30", "08:60-09:00", "08:00-08:00", "00:00-00:00"]
)
def test_what_are_no_hours_is_said(text: str) -> None:
    with pytest.raises(ConfigurationError, match="quiet_hours"):
        open_client(Settings(quiet_hours={text: 1}))


def test_a_rate_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError):
        Settings(bandwidth=-1)
    with pytest.raises(ConfigurationError, match="-5 bytes"):
        open_client(Settings(quiet_hours={"08:00-18:00": -5}))


class Time:
    """A clock that moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        self.now += 0.25
        return self.now


def test_bytes_are_waited_for_at_the_rate_that_is_allowed() -> None:
    clock = Time()
    allowed = Bandwidth(limit=1000, clock=clock)
    begun = clock.now
    for _ in range(4):
        allowed.spend("https://one.example/", 1000, Event())
    assert 2.9 <= clock.now - begun <= 6


def test_each_source_has_an_allowance_of_its_own() -> None:
    clock = Time()
    allowed = Bandwidth(per_source=1000, clock=clock)
    begun = clock.now
    for name in ("one", "two", "three"):
        allowed.spend(f"https://{name}.example/", 1000, Event())
    assert clock.now - begun < 4
    allowed.spend("https://one.example/again", 1000, Event())
    allowed.spend("https://one.example/again", 1000, Event())
    assert clock.now - begun >= 2.4


def test_in_hours_when_nothing_may_come_a_stop_still_ends_the_wait() -> None:
    noon = lambda: datetime(2026, 11, 27, 12, 0)  # noqa: DTZ001, E731 - the user's own time of day
    allowed, stop = Bandwidth(hours=(Hours(time(8), time(18), 0),), now=noon), Event()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(allowed.spend, "https://one.example/", 1, stop)
        assert not waiting.done()
        stop.set()
        waiting.result(timeout=30)


def test_two_files_at_once_share_what_one_process_may_take(server: SampleServer, tmp_path: Path) -> None:
    with open_client(Settings(bandwidth=4 * MIB)) as client, ThreadPoolExecutor(2) as pool:
        begun = monotonic()
        fetches = [Fetch(LocalStore(tmp_path / str(number)), client) for number in range(2)]
        received = list(pool.map(lambda fetch: fetch(server.url + IMAGE), fetches))
    assert {one.sha256 for one in received} == {SHA256}
    assert monotonic() - begun > 2 * len(CONTENT) / (4 * MIB) - 0.7


def test_a_stop_ends_a_slowed_transfer_soon(server: SampleServer, tmp_path: Path) -> None:
    stop = Event()
    with open_client(Settings(bandwidth=50_000)) as client, pytest.raises(Cancelled):
        Fetch(LocalStore(tmp_path / "one"), client)(
            server.url + IMAGE, stop=stop, progress=lambda done, _total: stop.set() if done == 0 else None
        )
