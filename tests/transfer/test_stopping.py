"""A stop ends a transfer soon, whatever it waits for, and what came is kept."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest

from certificates import self_signed
from isomanager.errors import Cancelled, FetchRefused
from isomanager.sample.server import SampleServer
from isomanager.settings import Settings
from isomanager.storage.local import LocalStore
from isomanager.storage.tree_partial import TreePartial
from isomanager.transfer.http import open_client, open_stream
from transfer.serving import CONTENT, HERE, IMAGE, MIB, SHA256, Fetch, Reply, fault, scripted

SOON = 5.0
"""Seconds; the timeouts that would end these transfers otherwise are longer."""


class Stopping:
    """A fetch in a thread, to be stopped."""

    def __init__(self, fetch: Fetch, url: str) -> None:
        self._fetch, self._url = fetch, url
        self.stop, self.came = threading.Event(), threading.Event()
        self.raised: list[BaseException] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._fetch(self._url, stop=self.stop, progress=self._note)
        except BaseException as wrong:  # noqa: BLE001 - looked at by the test
            self.raised.append(wrong)

    def _note(self, done: int, _total: int | None) -> None:
        if done >= MIB:
            self.came.set()

    def wait_for_a_blocked_read(self) -> None:
        """Until a thread is found in one and the same read of its socket again and again."""
        until, looks, read = monotonic() + 60, 0, None
        while looks < 40:
            assert monotonic() < until, "The transfer never came to wait for its socket."
            frame = next((one for one in sys._current_frames().values() if one.f_code.co_name == "_receive"), None)
            reading = frame is not None
            looks = looks + 1 if reading and frame is read else 0
            read = frame
            threading.Event().wait(0.005)

    def seconds_to_end(self) -> float:
        """How long the transfer took to end once it was told to."""
        told = monotonic()
        self.stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        assert [type(one) for one in self.raised] == [Cancelled]
        return monotonic() - told


def test_a_stop_before_the_first_byte_asks_for_nothing(server: SampleServer, fetch: Fetch) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled) as cancelled:
        fetch(server.url + IMAGE, stop=stop)
    assert not cancelled.value.transient
    assert server.requests == []


def test_a_stop_between_two_pieces_keeps_what_came(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("slow", rate=8 * MIB, times=1))
    stop = threading.Event()
    with pytest.raises(Cancelled):
        fetch(server.url + IMAGE, stop=stop, progress=lambda done, _: stop.set() if done >= MIB else None)
    assert MIB <= fetch.front < len(CONTENT)
    front = fetch.front
    received = fetch(server.url + IMAGE)
    assert (received.resumed_at, received.sha256) == (front, SHA256)


def test_a_stop_ends_a_transfer_whose_server_stalls(server: SampleServer, fetch: Fetch) -> None:
    stall = server.faults.add(fault("stall", at=MIB + 99, times=1))
    running = Stopping(fetch, server.url + IMAGE)
    assert stall.wait_reached(60)
    assert running.came.wait(60)
    assert running.seconds_to_end() < SOON
    received = fetch(server.url + IMAGE)
    assert received.sha256 == SHA256
    assert received.resumed_at >= MIB


def test_a_stop_ends_a_stalled_transfer_whose_client_is_closed_at_the_same_moment(
    server: SampleServer, fetch: Fetch
) -> None:
    stall = server.faults.add(fault("stall", at=MIB + 99, times=1))
    with open_client(Settings(stall_timeout=60)) as own:
        running = Stopping(Fetch(fetch.store, own), server.url + IMAGE)
        assert stall.wait_reached(60)
        assert running.came.wait(60)
        running.wait_for_a_blocked_read()
        running.stop.set()
    assert running.seconds_to_end() < SOON


def test_a_stop_is_not_taken_for_the_end_of_a_file_of_unknown_length(fetch: Fetch) -> None:
    with scripted(lambda _: Reply(body=CONTENT[:MIB], length=-1, hangs=True)) as server:
        running = Stopping(fetch, server.url + IMAGE)
        assert running.came.wait(60)
        assert running.seconds_to_end() < SOON
    assert fetch.unfinished
    assert fetch.unfinished.validators.size is None
    assert fetch.front >= MIB


def test_a_stop_ends_the_waiting_for_an_answer(fetch: Fetch) -> None:
    with scripted(lambda _: Reply(0, hangs=True)) as server:
        running = Stopping(fetch, server.url + IMAGE)
        assert server.silent.wait(60)
        assert running.seconds_to_end() < SOON


def test_an_answer_that_comes_after_the_stop_is_let_go(fetch: Fetch) -> None:
    asked, answered = threading.Event(), threading.Event()

    class Transport(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            asked.set()
            assert answered.wait(60)
            return httpx.Response(200, stream=body)

    class Body(httpx.SyncByteStream):
        closed = threading.Event()

        def __iter__(self) -> Iterator[bytes]:
            yield b""

        def close(self) -> None:
            self.closed.set()

    body = Body()
    with httpx.Client(transport=Transport()) as client:
        running = Stopping(Fetch(fetch.store, client), "http://here.example/image.iso")
        assert asked.wait(60)
        assert running.seconds_to_end() < SOON
        answered.set()
        assert body.closed.wait(60)


def test_a_stop_ends_the_waiting_for_a_connection(client: httpx.Client, store: LocalStore) -> None:
    """A port whose queue is full: the connection is never made."""
    with closing(socket.socket()) as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        running = Stopping(Fetch(store, client), f"http://127.0.0.1:{deaf.getsockname()[1]}/image.iso")
        assert running.seconds_to_end() < SOON
        for one in waiting:
            one.close()


def test_a_stop_ends_the_rereading_of_a_large_file(
    server: SampleServer, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(server.url + IMAGE)
    stop, read = threading.Event(), fetch.store.begin

    def stopped_while_it_is_opened(*args: Any, **kwargs: Any) -> TreePartial:
        stop.set()
        return read(*args, **kwargs)

    monkeypatch.setattr(fetch.store, "begin", stopped_while_it_is_opened)
    with pytest.raises(Cancelled):
        fetch(server.url + IMAGE, stop=stop)
    assert (fetch.front, len(server.requests)) == (len(CONTENT), 1)


def test_a_connection_serves_again_after_a_watched_transfer(server: SampleServer, fetch: Fetch) -> None:
    stop = threading.Event()
    fetch(server.url + IMAGE, stop=stop)
    stop.set()
    # the watcher of the first must not end the connection that the second one takes over
    assert fetch(server.url + "/mirror.iso", key="another").sha256 == SHA256


# over TLS


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_file_comes_over_tls_from_an_authority_of_ones_own(
    tls: ssl.SSLContext, certificate: Path, store: LocalStore
) -> None:
    reply = Reply(body=CONTENT)
    with open_client(Settings(ca_file=certificate)) as client, scripted(lambda _: reply, tls) as server:
        assert Fetch(store, client)(server.url + IMAGE).sha256 == SHA256


def test_a_certificate_that_nobody_vouches_for_is_refused(tls: ssl.SSLContext, fetch: Fetch) -> None:
    with scripted(lambda _: Reply(body=CONTENT), tls) as server, pytest.raises(FetchRefused) as refused:
        fetch(server.url + IMAGE)
    assert refused.value.code == "tls"
    assert "ca_file" in refused.value.hint


def test_a_stop_ends_a_stalled_transfer_over_tls(tls: ssl.SSLContext, certificate: Path, store: LocalStore) -> None:
    reply = Reply(body=CONTENT[: MIB + 99], length=len(CONTENT), hangs=True)
    with open_client(Settings(ca_file=certificate)) as client, scripted(lambda _: reply, tls) as server:
        fetch = Fetch(store, client)
        running = Stopping(fetch, server.url + IMAGE)
        assert running.came.wait(60)
        assert running.seconds_to_end() < SOON
        assert fetch.front >= MIB


def test_without_a_stop_the_answer_is_waited_for_in_this_thread(server: SampleServer, client: httpx.Client) -> None:
    with open_stream(client, "GET", server.url + IMAGE, policy=HERE) as response:
        assert response.read() == CONTENT
