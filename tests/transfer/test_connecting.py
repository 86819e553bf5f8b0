"""A host with several addresses is reached by the first that answers, however long another one is silent."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import httpcore
import httpx
import pytest

from isomanager.sample.folder import ServedFolder
from isomanager.sample.server import SampleServer
from isomanager.settings import Settings
from isomanager.transfer.connecting import Connecting, first_to_answer, in_turns, most_telling
from isomanager.transfer.documents import HttpDocuments
from isomanager.transfer.http import open_client
from isomanager.transfer.policy import FetchPolicy
from transfer.serving import Fetch

V4, V6 = socket.AF_INET, socket.AF_INET6
LONG = 300.0
"""Seconds that nobody waits in these tests, however slow the machine."""


def silent(port: int, opened: ExitStack) -> tuple[socket.AddressFamily, Any]:
    """An address that answers nothing: its listener's queue is full, so that the system drops who knocks."""
    listener = opened.enter_context(socket.socket())
    listener.bind(("127.0.0.2", port))
    listener.listen(0)
    while True:
        knocking = opened.enter_context(socket.socket())
        knocking.settimeout(0.3)
        try:
            knocking.connect(listener.getsockname())
        except TimeoutError:
            return V4, listener.getsockname()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SampleServer]:
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "image.iso").write_bytes(b"an image" * 1000)
    (tmp_path / "www" / "SHA256SUMS").write_bytes(b"sums")
    with SampleServer(ServedFolder(tmp_path / "www")) as running:
        yield running


@pytest.fixture
def addresses(server: SampleServer) -> Iterator[list[tuple[socket.AddressFamily, Any]]]:
    """Two addresses of one host: the first is silent, at the second is the server."""
    port = server.server_address[1]
    with ExitStack() as opened:
        yield [silent(port, opened), (V4, ("127.0.0.1", port))]


@pytest.fixture
def refusing() -> Iterator[tuple[socket.AddressFamily, Any]]:
    """An address at which nobody listens, and nobody else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield V4, taken.getsockname()


def test_an_address_that_is_silent_holds_nobody_up(addresses: list[Any]) -> None:
    began = monotonic()
    connection, found = first_to_answer(addresses, LONG)
    with connection:
        assert found == addresses[1]
        assert connection.getpeername() == addresses[1][1]
        assert connection.gettimeout() is None
    assert monotonic() - began < LONG / 2


def test_after_a_refusal_the_next_is_tried_at_once(server: SampleServer, refusing: Any) -> None:
    alive = (V4, ("127.0.0.1", server.server_address[1]))
    connection, found = first_to_answer([refusing, alive], LONG, delay=LONG)
    connection.close()
    assert found == alive


def test_who_answers_late_may_still_win(server: SampleServer, addresses: list[Any]) -> None:
    connection, found = first_to_answer([addresses[1], addresses[0]], LONG, delay=0.0)
    connection.close()
    assert found == addresses[1]


def test_when_all_are_silent_the_time_allowed_is_for_all_together(addresses: list[Any]) -> None:
    began = monotonic()
    with pytest.raises(TimeoutError):
        first_to_answer([addresses[0]] * 20, 0.5, delay=0.05)
    assert monotonic() - began < LONG / 10


def test_when_all_fail_the_one_that_could_be_reached_tells_why(refusing: Any) -> None:
    with pytest.raises(ConnectionRefusedError):
        first_to_answer([refusing, refusing], LONG)
    no_route, refused = OSError(errno.ENETUNREACH, "no route"), OSError(errno.ECONNREFUSED, "refused")
    assert most_telling([refused, no_route]) is refused
    assert most_telling([no_route]) is no_route


def test_the_families_take_turns_and_the_systems_choice_is_first() -> None:
    six, four = [(V6, n) for n in range(3)], [(V4, n) for n in range(2)]
    assert in_turns([*six, *four]) == [six[0], four[0], six[1], four[1], six[2]]
    assert in_turns([*four, *six])[:2] == [four[0], six[0]]


def test_documents_and_images_come_from_a_host_whose_first_address_is_dead(
    server: SampleServer, addresses: list[Any], fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def looked_up(host: Any, *rest: Any, **more: Any) -> list[Any]:
        if host in ("vendor.example", b"vendor.example"):
            return [(family, socket.SOCK_STREAM, 6, "", at) for family, at in addresses]
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)  # a name with two addresses of this machine
    base = f"http://vendor.example:{addresses[1][1][1]}"
    allowed = FetchPolicy(allow_http=True, allow_private=True)
    with open_client(Settings(connect_timeout=LONG)) as client:
        assert HttpDocuments(client, allowed).fetch(f"{base}/SHA256SUMS").content == b"sums"
        assert Fetch(fetch.store, client)(f"{base}/image.iso").size == 8000


def test_the_address_that_answered_comes_first_the_next_time(addresses: list[Any]) -> None:
    backend = Connecting()
    assert backend.preferred("vendor.example", 80, addresses) == addresses
    backend.remember("vendor.example", 80, addresses[1])
    assert backend.preferred("vendor.example", 80, addresses) == [addresses[1], addresses[0]]
    assert backend.preferred("vendor.example", 80, addresses[:1]) == addresses[:1]
    assert backend.preferred("other.example", 80, addresses) == addresses


@pytest.mark.parametrize(("host", "kind"), [("nothing.invalid", "ConnectError"), ("a" * 70, "ConnectError")])
def test_what_cannot_be_looked_up_is_an_error_of_the_connection(host: str, kind: str) -> None:
    with pytest.raises(httpcore.ConnectError) as wrong:
        Connecting().connect_tcp(host, 80, 5.0)
    assert type(wrong.value).__name__ == kind


def test_every_pool_of_a_client_connects_so_the_proxies_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with open_client(Settings()) as client:
        transports = [client._transport, *client._mounts.values()]
        pools = [one._pool for one in transports if isinstance(one, httpx.HTTPTransport)]
        assert len(pools) == 2
        assert all(isinstance(one._network_backend, Connecting) for one in pools)
