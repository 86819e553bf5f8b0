"""A busy server is given the time it asks for, by all threads, and not for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Timer
from time import monotonic, time

import httpx
import pytest

from isomanager.errors import Cancelled, FetchRefused, ServerBusy
from isomanager.sample.server import SampleServer
from isomanager.transfer.documents import HttpDocuments, Manners
from transfer.serving import HERE, IMAGE, Reply, fault, scripted


def test_a_server_that_says_when_is_asked_again_then(server: SampleServer, client: httpx.Client) -> None:
    server.faults.add(fault("busy", IMAGE, times=1, retry_after=1, status=429))
    started = monotonic()
    assert HttpDocuments(client, HERE, Manners(patience=30)).fetch(server.url + IMAGE).content
    assert monotonic() - started >= 1
    assert [one.status for one in server.requests] == [429, 200]


def test_without_a_time_it_is_asked_later_each_time_and_not_for_ever(client: httpx.Client) -> None:
    with scripted(lambda _: Reply(503)) as server:
        with pytest.raises(ServerBusy):
            HttpDocuments(client, HERE, Manners(patience=30, delay=0.05)).fetch(server.url + "/x")
        assert len(server.asked) == 3


def test_what_needs_more_patience_than_there_is_is_raised_at_once(server: SampleServer, client: httpx.Client) -> None:
    server.faults.add(fault("busy", IMAGE, retry_after=3600))
    documents = HttpDocuments(client, HERE, Manners(patience=5))
    for _ in range(2):
        with pytest.raises(ServerBusy) as busy:
            documents.fetch(server.url + IMAGE)
        assert busy.value.data["retry_after"] > 3500
    assert len(server.requests) == 1, "a host that asked to be left alone is not asked again"


def test_an_api_whose_ration_is_used_up_is_left_alone_until_the_next(client: httpx.Client) -> None:
    used_up = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time()) + 1800)}
    with scripted(lambda _: Reply(403, used_up)) as server:
        documents = HttpDocuments(client, HERE, Manners(patience=30))
        for _ in range(2):
            with pytest.raises(ServerBusy) as busy:
                documents.fetch(server.url + "/repos")
            assert 1500 < busy.value.data["retry_after"] < 2400
        assert len(server.asked) == 1
    with scripted(lambda _: Reply(403, {"X-RateLimit-Remaining": "7"})) as server, pytest.raises(FetchRefused):
        HttpDocuments(client, HERE, Manners(patience=30)).fetch(server.url + "/repos")


def test_a_broken_server_is_not_a_busy_one(client: httpx.Client) -> None:
    with scripted(lambda _: Reply(500)) as server:
        with pytest.raises(ServerBusy):
            HttpDocuments(client, HERE, Manners(patience=30)).fetch(server.url + "/x")
        assert len(server.asked) == 1


def test_a_stop_ends_the_waiting(server: SampleServer, client: httpx.Client) -> None:
    server.faults.add(fault("busy", IMAGE, retry_after=200))
    stop = Event()
    Timer(0.3, stop.set).start()
    started = monotonic()
    with pytest.raises(Cancelled):
        HttpDocuments(client, HERE, Manners(patience=600, stop=stop)).fetch(server.url + IMAGE)
    assert monotonic() - started < 100


def test_all_threads_leave_the_host_alone(server: SampleServer, client: httpx.Client) -> None:
    server.faults.add(fault("busy", IMAGE, times=1, retry_after=1))
    documents = HttpDocuments(client, HERE, Manners(patience=30))
    documents.fetch(server.url + IMAGE)
    server.faults.add(fault("busy", IMAGE, times=1, retry_after=1))
    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(lambda _: documents.fetch(server.url + IMAGE).content, range(6)))
    refused = [one for one in server.requests if one.status == 503]
    assert len(refused) == 2
