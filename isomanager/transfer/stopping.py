"""Ending a transfer that hangs: a stop is heeded while a server says nothing, not only when its next bytes come.

Until an answer begins, the waiting is done in a thread of its own, which is left behind when a stop comes: it ends by its own
timeouts, and closes what it then may hold. Name look-ups hang there too, and no timeout bounds them. Once the answer has begun,
its connection is shut down, which ends a blocked read on every platform.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from threading import Event, Thread

import httpx

from isomanager.errors import Cancelled
from isomanager.transfer.progress import Stop

POLL_SECONDS = 0.2
"""How often a stop is asked for: it may have several causes, so that there is no single event to wait on."""


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
    over = Event()
    watcher = Thread(target=_watch, args=(stop, response, over), name="stopping", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _watch(stop: Stop, response: httpx.Response, over: Event) -> None:
    while not over.wait(POLL_SECONDS):
        # a closed answer has given its connection back, and another transfer may have it by now
        if stop.is_set() and not response.is_closed:
            _shut_down(response)
            return


def _shut_down(response: httpx.Response) -> None:
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("socket") if stream is not None else None
    if isinstance(connection, socket.socket):
        with suppress(OSError):  # the other side was faster: the read ends by itself
            # not SSLSocket.shutdown, which would pull the TLS state from under the thread that reads
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
