"""Workers share slots of a limit on the Prefect server, as a courtesy that never holds an image up for good."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import monotonic

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

from isomanager.errors import Cancelled
from isomanager.library.opening import Library, library_in_use
from isomanager.transfer.bandwidth import bandwidth_of
from isomanager.transfer.progress import silent
from isomanager.transfer.torrent.metainfo import read_metainfo
from isomanager.transfer.torrent.swarm import Task
from peers import make_torrent, seeding
from tasks.sharing import download_slot, keep_to_shared_rate

MIB = 1 << 20

pytestmark = pytest.mark.prefect


@pytest.fixture(autouse=True)
def _server(prefect_server: str) -> None:
    """Every test here needs it."""


@contextmanager
def rate(
    monkeypatch: pytest.MonkeyPatch, name: str, *, limit: int = 1, decay: float = 0.0001
) -> Iterator[tuple[SyncPrefectClient, Library]]:
    """A rate limit of the server, and a library that keeps to it."""
    monkeypatch.setenv("ISOMANAGER_BANDWIDTH_SHARED", name)
    with get_client(sync_client=True) as client, library_in_use() as library:
        client.create_global_concurrency_limit(
            GlobalConcurrencyLimitCreate(name=name, limit=limit, slot_decay_per_second=decay)
        )
        keep_to_shared_rate(library)
        yield client, library


def test_a_download_holds_a_slot_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOMANAGER_BANDWIDTH_SLOTS", "isos-of-a-test")
    with get_client(sync_client=True) as client, library_in_use():
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="isos-of-a-test", limit=2))

        def taken() -> int:
            return client.read_global_concurrency_limit_by_name("isos-of-a-test").active_slots

        with download_slot():
            assert taken() == 1
            with download_slot():
                assert taken() == 2
        assert taken() == 0


def test_a_limit_that_the_server_does_not_know_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOMANAGER_BANDWIDTH_SLOTS", "nobody-made-this-limit")
    with library_in_use(), download_slot():
        pass


def test_without_the_setting_no_server_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.sharing.concurrency", None)
    with library_in_use(), download_slot():
        pass


def test_workers_share_a_rate_of_mebibytes_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    with rate(monkeypatch, "rate-of-a-test", limit=4, decay=2) as (_, library):
        keep_to_shared_rate(library)  # saying it twice changes nothing
        allowance, stop, began = bandwidth_of(library.client), Event(), monotonic()
        assert library.bandwidth is allowance
        for _ in range(8):
            with ThreadPoolExecutor(1) as lane:  # as in a transfer: a thread that knows nothing of Prefect
                lane.submit(allowance.spend, "https://vendor.example/", MIB, stop).result()
        # four at once, four more by decay
        assert monotonic() - began > 1.5


def test_a_stop_ends_the_wait_for_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    with rate(monkeypatch, "slow-rate-of-a-test") as (_, library):
        allowance, stop = bandwidth_of(library.client), Event()
        allowance.spend("https://vendor.example/", MIB, stop)
        with ThreadPoolExecutor(1) as lane:
            waiting = lane.submit(allowance.spend, "https://vendor.example/", MIB, stop)
            with pytest.raises(TimeoutError):
                waiting.result(1)
            stop.set()
            waiting.result()


def test_a_torrent_waits_for_the_rate_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    image = tmp_path / "seed" / "tiny.iso"
    image.parent.mkdir()
    image.write_bytes(bytes(range(256)) * (64 << 10))
    torrent, stop = make_torrent(image), Event()
    metainfo = read_metainfo(torrent, "tiny")
    wanted = Task(metainfo, metainfo.files[0], tmp_path / "here")
    with rate(monkeypatch, "rate-of-a-torrent", limit=2) as (client, library), seeding(torrent, image.parent) as peer:
        asked = replace(wanted, peers=(peer.address,))
        with ThreadPoolExecutor(1) as lane:
            bringing = lane.submit(library.swarm.fetch, asked, key="key", progress=silent, stop=stop, told="tiny")
            until = monotonic() + 60
            while client.read_global_concurrency_limit_by_name("rate-of-a-torrent").active_slots < 2:
                assert monotonic() < until
            with pytest.raises(TimeoutError):
                bringing.result(1)
            stop.set()
            with pytest.raises(Cancelled):
                bringing.result()
        assert peer.uploaded < image.stat().st_size


@pytest.mark.parametrize("decay", [None, 0])
def test_what_is_no_rate_limits_nothing(monkeypatch: pytest.MonkeyPatch, decay: float | None) -> None:
    name = f"no-rate-{decay}"
    monkeypatch.setenv("ISOMANAGER_BANDWIDTH_SHARED", name)
    with get_client(sync_client=True) as client, library_in_use() as library:
        if decay is not None:
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))
        keep_to_shared_rate(library)
        assert bandwidth_of(library.client).shared is None


def test_a_rate_that_is_taken_away_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with rate(monkeypatch, "rate-that-goes") as (client, library):
        client.delete_global_concurrency_limit_by_name("rate-that-goes")
        for _ in range(3):
            bandwidth_of(library.client).spend("https://vendor.example/", MIB, Event())
