"""Ending a transfer that hangs: a stop is heeded while a server says nothing, not only when its next bytes come.

Until an answer begins, the waiting is done in a thread of its own, which is left behind when a stop comes: it ends by its own
timeouts, and closes what it then may hold. Name look-ups hang there too, and no timeout bounds them. Once the answer has begun,
its connection is shut down, which ends a blocked read on every platform.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread

import httpx

from isomanager.errors import Cancelled
from isomanager.transfer.progress import Stop

POLL_SECONDS = 0.2
"""How often a stop is asked for: it may have several causes, so that there is no single event to wait on."""


@dataclass(frozen=True)
class Either:
    """Set when any of its causes is."""

    causes: tuple[Stop, ...]

    def is_set(self) -> bool:
        """Whether to end."""
        return any(one.is_set() for one in self.causes)


def cancelled(told: str) -> Cancelled:
    """The error of a transfer that was asked to end."""
    return Cancelled(f"{told}: stopped; the next run goes on from what is there.", url=told)


def send(client: httpx.Client, request: httpx.Request, stop: Stop | None, told: str) -> httpx.Response:
    """The beginning of the answer, its body not yet read; Cancelled soon after `stop` says so. Errors are httpx's."""
    if stop is None:
        return client.send(request, stream=True)
    if stop.is_set():
        raise cancelled(told)
    opening: Future[httpx.Response] = Future()
    Thread(target=_send, args=(client, request, opening), name="opening", daemon=True).start()
    while not wait([opening], POLL_SECONDS).done:
        if stop.is_set():
            opening.add_done_callback(_let_go)
            raise cancelled(told)
    return opening.result()


def _send(client: httpx.Client, request: httpx.Request, opening: Future[httpx.Response]) -> None:
    try:
        opening.set_result(client.send(request, stream=True))
    except BaseException as wrong:  # noqa: BLE001 - raised again in the thread that waits for it
        opening.set_exception(wrong)


def _let_go(opening: Future[httpx.Response]) -> None:
    if opening.exception() is None:
        opening.result().close()


@contextmanager
def ended_by(stop: Stop, response: httpx.Response) -> Iterator[None]:
    """While the block lasts, `stop` ends the reading of the body: it then breaks off, as if the server had gone."""
    connection = _own_handle(response)
    if connection is None:
        yield
        return
    over = Event()
    watcher = Thread(target=_watch, args=(stop, response, connection, over), name="stopping", daemon=True)
    with closing(connection):
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


def _own_handle(response: httpx.Response) -> socket.socket | None:
    """The answer's connection under a handle of our own. Whoever stops a run may close its client at once, and closing the
    client's handle does not wake a thread that reads from it."""
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("socket") if stream is not None else None
    if not isinstance(connection, socket.socket):
        return None
    try:
        # a plain socket, also where TLS runs on it: shutting that down pulls no state from under the thread that reads
        return socket.fromfd(connection.fileno(), connection.family, connection.type, connection.proto)
    except OSError:  # closed already: no read can hang on it
        return None


def _watch(stop: Stop, response: httpx.Response, connection: socket.socket, over: Event) -> None:
    while not over.wait(POLL_SECONDS):
        # a closed answer has given its connection back, and another transfer may have it by now
        if stop.is_set() and not response.is_closed:
            with suppress(OSError):  # the other side was faster: the read ends by itself
                connection.shutdown(socket.SHUT_RDWR)
            return
