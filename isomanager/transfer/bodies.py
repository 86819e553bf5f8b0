"""The body of an answer, read into one's own buffer.

httpx has found the way (redirects, proxies, TLS, the head of the answer). A long body of announced length is nothing but that
many bytes on the connection (RFC 9112, section 6.3), so they are received straight into the buffer they are written from, on
httpx's own connection, found by its `network_stream` extension. Everything else (chunked, no length, TLS inside TLS) comes
through httpx, and so do short parts, after which the connection serves the next one.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import httpx

from isomanager.errors import BodyTruncated, ConnectionFailed, Stalled
from isomanager.transfer.http import mapped_errors
from isomanager.transfer.limits import Limits

_MOMENT = 0.05
"""Seconds over which pieces are gathered: TLS gives 16 KiB at a time, too few to look at everything after each."""
_LENGTH = re.compile("[0-9]{1,19}")


def body_length(response: httpx.Response) -> int | None:
    """How many bytes the body has, None when its end alone tells."""
    text = response.headers.get("content-length", "").strip()
    chunked = "transfer-encoding" in response.headers
    return int(text) if not chunked and _LENGTH.fullmatch(text) else None


class Body:
    """One answer's body; `told` is its address without secrets. Not thread-safe.

    `alone`: nobody needs the connection afterwards, so that its bytes may be taken directly. `clock` gives seconds that only
    grow.
    """

    def __init__(
        self,
        response: httpx.Response,
        told: str,
        limits: Limits,
        *,
        alone: bool = False,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.told, self.length = told, body_length(response)
        self.read, self._waited = 0, 0.0
        self._asked: float | None = None
        self._broke: Stalled | ConnectionFailed | None = None
        self._limits, self._clock = limits, clock
        self._pieces = response.iter_raw()
        self._left = b""
        self._direct = own_socket(response) if alone else None
        self._watched, self._seen = 0.0, 0
        _wait_no_longer_than(response, limits.stall_timeout)

    @property
    def waited(self) -> float:
        """Seconds spent waiting for the network so far, the wait under way included."""
        asked = self._asked
        return self._waited + (0.0 if asked is None else self._clock() - asked)

    def peek(self, length: int) -> bytes:
        """The first bytes, `length` of them or all there are, which stay to be read."""
        while len(self._left) < length and (piece := self._next()):
            self._left += piece
        return self._left[:length]

    def readinto(self, view: memoryview) -> int:
        """Bytes into `view`, as many as there are just now; how many, 0 at the end of the body.

        Raises BodyTruncated, Stalled and ConnectionFailed, too slow a body being Stalled.
        """
        if self._direct is not None and self.length is not None and self.read and not self._left:
            return self._received(self._direct, view[: self.length - self.read])
        piece = self._left or self._next()
        count = min(len(piece), len(view))
        view[:count] = piece[:count]
        self._left = piece[count:]
        self.read += count
        return count

    def _next(self) -> bytes:
        """The next piece that httpx has, empty at the end."""
        with self._waiting(), mapped_errors(self.told):
            piece = next((one for one in self._pieces if one), b"")
        self._watch(len(piece))
        return piece

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self._asked = began = self._clock()
        try:
            yield
        finally:
            self._asked, took = None, self._clock() - began
            self._waited, self._watched = self._waited + took, self._watched + took

    def _received(self, direct: socket.socket, view: memoryview) -> int:
        if not view:
            return 0
        with self._waiting():
            count = self._receive(direct, view)
        self._watch(count)
        self.read += count
        if not count:
            raise BodyTruncated(
                f"{self.told} ended after {self.read} of {self.length} bytes of its answer.", url=self.told
            )
        return count

    def _receive(self, direct: socket.socket, view: memoryview) -> int:
        """What comes within a moment, or the first that comes; what broke after some bytes is raised by the next call."""
        filled, until = 0, self._clock() + _MOMENT
        if self._broke is None:
            with self._breaking():
                direct.settimeout(self._limits.stall_timeout)
                while count := direct.recv_into(view[filled:]):
                    filled += count
                    if filled == len(view) or self._clock() >= until:
                        break
        if self._broke is not None and not filled:
            raise self._broke
        return filled

    @contextmanager
    def _breaking(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as wrong:
            self._broke = Stalled(f"{self.told}: no bytes came within the time allowed.", url=self.told)
            self._broke.__cause__ = wrong
        except OSError as wrong:
            self._broke = ConnectionFailed(f"{self.told}: the connection broke ({wrong}).", url=self.told)
            self._broke.__cause__ = wrong

    def _watch(self, came: int) -> None:
        """Only the time spent waiting for the network counts: a slow disk or digest is not the server's fault."""
        self._seen += came
        if self._watched >= self._limits.stall_timeout:
            watched, seen, self._watched, self._seen = self._watched, self._seen, 0.0, 0
            if seen < self._limits.stall_bytes_per_second * watched:
                raise Stalled(f"{self.told}: only {seen} bytes came in {watched:.0f} s.", url=self.told)


def own_socket(response: httpx.Response) -> socket.socket | None:
    """The connection whose bytes are the body's own, None where something lies between them (TLS within TLS, no HTTP/1)."""
    stream = response.extensions.get("network_stream")
    found = stream.get_extra_info("socket") if stream is not None else None
    if not isinstance(found, socket.socket) or not response.http_version.startswith("HTTP/1."):
        return None
    within = stream is not None and isinstance(stream.get_extra_info("ssl_object"), ssl.SSLObject)
    plain = response.url.scheme == "http" or isinstance(found, ssl.SSLSocket)
    return found if plain and not within else None


def _wait_no_longer_than(response: httpx.Response, seconds: float) -> None:
    """From the first byte on, the stall timeout bounds each read; until then it was the first-byte timeout."""
    timeout = response.request.extensions.get("timeout")
    if isinstance(timeout, dict):
        timeout["read"] = seconds
