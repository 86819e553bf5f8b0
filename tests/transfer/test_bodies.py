"""A body comes into one's own buffer, directly where that is safe, and coming too slowly is noticed, whoever is slow."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from isomanager.errors import BodyTruncated, Stalled
from isomanager.transfer.bodies import Body, body_length, own_socket
from isomanager.transfer.http import open_stream
from isomanager.transfer.limits import Limits
from transfer.serving import CONTENT, HERE, IMAGE, MIB, Reply, scripted

LIMITS = Limits(stall_timeout=30, stall_bytes_per_second=1000)


class Pieces(httpx.SyncByteStream):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


def body_of(pieces: Iterator[bytes], clock: Callable[[], float]) -> Body:
    request = httpx.Request("GET", "https://vendor.example/x")
    return Body(httpx.Response(200, stream=Pieces(pieces), request=request), "somewhere", LIMITS, clock=clock)


def keep_all(body: Body, came: bytearray, step: int = 100_000) -> None:
    buffer = memoryview(bytearray(step))
    while count := body.readinto(buffer):
        came += buffer[:count]


def whole(body: Body, step: int = 100_000) -> bytes:
    came = bytearray()
    keep_all(body, came, step)
    return bytes(came)


def coming(length: int, seconds: list[float], times: int = 100) -> Iterator[bytes]:
    for _ in range(times):
        seconds[0] += 10
        yield b"x" * length


def test_waiting_for_the_network_counts_as_a_stall_when_too_little_comes() -> None:
    seconds = [0.0]
    assert len(whole(body_of(coming(10_000, seconds), lambda: seconds[0]))) == 1_000_000
    with pytest.raises(Stalled, match="only 29997 bytes came in 30 s"):
        whole(body_of(coming(9_999, seconds), lambda: seconds[0]))


def test_waiting_for_ones_own_disk_is_no_stall() -> None:
    seconds = [0.0]
    body = body_of(iter([b"x"] * 100), lambda: seconds[0])
    buffer = memoryview(bytearray(1))
    while body.readinto(buffer):
        seconds[0] += 10
    assert (body.read, body.waited) == (100, 0.0)


def test_what_was_looked_at_is_still_read() -> None:
    body = body_of(iter([b"ab", b"cd", b"ef"]), lambda: 0.0)
    assert (body.peek(3), body.peek(1)) == (b"abcd"[:3], b"a")
    assert whole(body, 1) == b"abcdef"


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("piece", [1, 4096, MIB + 7])
def test_the_same_bytes_come_directly_and_through_the_client(client: httpx.Client, alone: bool, piece: int) -> None:
    content = CONTENT[: 5 * piece + 3] if piece > 1 else CONTENT[:3000]
    with (
        scripted(lambda _: Reply(body=content)) as server,
        open_stream(client, "GET", server.url + IMAGE, policy=HERE) as response,
    ):
        assert (own_socket(response) is not None, body_length(response)) == (True, len(content))
        assert whole(Body(response, "here", LIMITS, alone=alone), piece) == content


def test_a_body_that_ends_too_early_says_so_however_it_is_read(client: httpx.Client) -> None:
    reply = Reply(body=CONTENT[:MIB], length=len(CONTENT))
    for alone in (True, False):
        with (
            scripted(lambda _: reply) as server,
            open_stream(client, "GET", server.url + IMAGE, policy=HERE) as response,
            pytest.raises(BodyTruncated),
        ):
            whole(Body(response, "here", LIMITS, alone=alone))


def test_what_came_before_a_silence_is_given_before_the_silence_is_told(client: httpx.Client) -> None:
    reply, came = Reply(body=CONTENT[:MIB], length=len(CONTENT), hangs=True), bytearray()
    with (
        scripted(lambda _: reply) as server,
        open_stream(client, "GET", server.url + IMAGE, policy=HERE) as response,
        pytest.raises(Stalled),
    ):
        keep_all(Body(response, "here", Limits(stall_timeout=1), alone=True), came)
    assert came == CONTENT[:MIB]


def test_a_length_that_is_none_is_not_believed() -> None:
    for headers in ({}, {"Content-Length": "-1"}, {"Content-Length": "9" * 20}, {"Transfer-Encoding": "chunked"}):
        assert body_length(httpx.Response(200, headers=headers)) is None


def test_a_connection_that_is_not_there_cannot_be_read_directly() -> None:
    assert own_socket(httpx.Response(200, request=httpx.Request("GET", "http://here.example/"))) is None
