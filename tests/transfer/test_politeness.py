"""One host never sees more connections at a time than is polite."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Lock

import pytest

from isomanager.errors import Cancelled
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import Settings
from isomanager.transfer.http import FetchPolicy, open_client, open_stream
from isomanager.transfer.politeness import HostGates


def test_so_many_at_a_time_pass_and_the_others_wait_their_turn() -> None:
    gates, inside, most, lock = HostGates(2), 0, 0, Lock()
    full = Event()

    def visit(_number: int) -> None:
        nonlocal inside, most
        with gates.through("https://host.example/file"):
            with lock:
                inside += 1
                most = max(most, inside)
                if inside == 2:
                    full.set()
            assert full.wait(30)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(visit, range(6)))
    assert most == 2


def test_other_hosts_are_not_held_up() -> None:
    gates = HostGates(1)
    with gates.through("https://one.example/"), gates.through("https://other.example/"):
        pass


def test_a_stop_ends_the_wait() -> None:
    gates, stop = HostGates(1), Event()
    stop.set()
    with gates.through("https://host.example/"), pytest.raises(Cancelled), gates.through("https://host.example/", stop):
        pass


def test_the_setting_limits_what_a_server_sees(tmp_path: Path) -> None:
    policy = FetchPolicy(allow_http=True, allow_private=True)
    with SampleUpstream(tmp_path, scale=0.1) as upstream, open_client(Settings(connections_per_host=1)) as client:
        stop = Event()
        stop.set()
        with (
            open_stream(client, "GET", f"{upstream.url}/beacon/", policy=policy),
            pytest.raises(Cancelled),
            open_stream(client, "GET", f"{upstream.url}/beacon/", policy=policy, stop=stop),
        ):
            pass
        assert len(upstream.requests) == 1
