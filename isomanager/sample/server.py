"""A small threaded HTTP/1.1 server for loopback: static files with ranges and validators, and faults on demand.

Nothing in it is fit for a network: it is an upstream for demonstrations and tests.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import socket
import socketserver
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from isomanager.sample.answers import Answer, Resource, answer, plain
from isomanager.sample.faults import HTML_PAGE, Befallen, Fault, FaultBook, FaultKind
from isomanager.sample.folder import Moved, ServedFolder
from isomanager.sample.forgery import Forger

LOOPBACK = "127.0.0.1"

_PIECE = 1 << 16  # bytes written at a time
_IDLE_SECONDS = 30.0  # a kept connection that asks for nothing ends
_SLOW_WRITES_A_SECOND = 20
_JOIN_SECONDS = 10.0
_POLL_SECONDS = 0.02  # how soon the accepting thread notices that it is to stop

# what stands there is another document then, and says so; a flipped bit is one that nobody noticed
_NEW_DOCUMENTS = (
    FaultKind.REWRITE,
    FaultKind.CORRUPT_DIGESTS,
    FaultKind.WRONG_SIGNATURE,
    FaultKind.NO_SIGNATURE,
)

_log = logging.getLogger(__name__)


@dataclass
class Seen:
    """One request as it came, and what was answered. `sent` counts bytes of the body that left; headers in lower case."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 0
    sent: int = 0

    @property
    def range(self) -> str:
        """The Range header, empty when there was none."""
        return self.headers.get("range", "")

    @property
    def if_range(self) -> str:
        """The If-Range header, empty when there was none."""
        return self.headers.get("if-range", "")


def respond(seen: Seen, served: ServedFolder, faults: Befallen, forge: Forger | None, now: datetime) -> Answer:
    """The answer to a request, with every fault in it that is not one of delivery."""
    if busy := faults[FaultKind.BUSY]:
        return plain(busy.status, Retry_After=str(busy.retry_after))
    if redirect := faults[FaultKind.REDIRECT]:
        return plain(302, Location=redirect.to)
    if FaultKind.HTML in faults:
        return answer(seen.method, {}, Resource(HTML_PAGE, "text/html; charset=utf-8"), now)
    found = None if faults.hides(seen.path) else served.find(seen.path)
    if found is None:
        return plain(404)
    if isinstance(found, Moved):
        return plain(found.status, Location=found.to)
    return _distorted(
        answer(seen.method, _asked(seen.headers, faults), _befallen(found, seen, faults, forge), now), faults
    )


def _befallen(found: Resource, seen: Seen, faults: Befallen, forge: Forger | None) -> Resource:
    content = faults.rewrite(seen.path, found.content, forge)
    if any(kind in faults for kind in _NEW_DOCUMENTS) and content != found.content:
        return replace(found, content=content, etag=f'"{hashlib.sha256(content).hexdigest()[:16]}"')
    if FaultKind.CHANGE not in faults:
        return replace(found, content=content)
    later = found.modified_at + timedelta(hours=1) if found.modified_at else None
    return replace(found, content=content, etag=f'{found.etag[:-1]}-changed"', modified_at=later)


def _asked(headers: dict[str, str], faults: Befallen) -> dict[str, str]:
    """The headers as the server understands them."""
    if FaultKind.IGNORE_RANGE in faults:
        return {name: value for name, value in headers.items() if name not in ("range", "if-range")}
    shifted = faults[FaultKind.WRONG_RANGE]
    first, dash, last = headers.get("range", "").removeprefix("bytes=").partition("-")
    if shifted is None or not first.isdigit():
        return headers
    end = str(int(last) + shifted.shift) if last.isdigit() else last
    return {**headers, "range": f"bytes={max(0, int(first) + shifted.shift)}{dash}{end}"}


def _distorted(right: Answer, faults: Befallen) -> Answer:
    if FaultKind.GZIP in faults and right.body:
        packed = gzip.compress(right.body, compresslevel=1, mtime=0)
        return replace(right, body=packed, headers={**right.headers, "Content-Encoding": "gzip"})
    return right


class SampleServer(socketserver.ThreadingMixIn, HTTPServer):
    """Serves a folder on loopback in threads of its own. Start it with `start()`, end it with `stop()`, or use `with`."""

    daemon_threads = True
    block_on_close = False  # stop() ends and awaits its own connections
    allow_reuse_address = os.name == "posix"  # on Windows that option would let two servers share a port
    request_queue_size = 64

    def __init__(self, served: ServedFolder, *, port: int = 0, forge: Forger | None = None) -> None:
        self.served = served
        self.forge = forge
        self.faults = FaultBook()
        self.stopping = threading.Event()
        self._seen: list[Seen] = []
        self._seen_lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._loop: threading.Thread | None = None
        super().__init__((LOOPBACK, port), _Handler)

    def server_bind(self) -> None:
        """Bind without HTTPServer's reverse look-up of the host's name, which may ask a resolver that never answers."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, int(self.server_address[1])

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        return f"http://{LOOPBACK}:{self.server_port}"

    @property
    def requests(self) -> list[Seen]:
        """Every request so far, oldest first."""
        with self._seen_lock:
            return list(self._seen)

    def note(self, seen: Seen) -> None:
        """Put a request on record."""
        with self._seen_lock:
            self._seen.append(seen)

    def start(self) -> SampleServer:
        """Serve from a thread; connections are accepted from now on."""
        self._loop = threading.Thread(
            target=self.serve_forever, args=(_POLL_SECONDS,), name="sample-upstream", daemon=True
        )
        self._loop.start()
        return self

    def stop(self) -> None:
        """Accept nothing more, end every connection (stalled ones too), and wait until its threads are gone."""
        self.stopping.set()
        if self._loop is not None:
            self.shutdown()
            self._loop.join(_JOIN_SECONDS)
            self._loop = None
        for thread, connection in list(self._connections.items()):
            _end(connection)
            thread.join(_JOIN_SECONDS)
        self.server_close()

    def __enter__(self) -> SampleServer:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for each connection, remembered so that `stop()` can end it."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), name="sample-connection", daemon=True
        )
        self._connections[thread] = request
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        """The end of a connection."""
        super().shutdown_request(request)
        self._connections.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's signature
        """A client that goes away is its own affair; anything else is a fault of this server, and is logged as one."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            _log.exception("The sample upstream failed to answer %s.", client_address)


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        _log.debug("A connection had ended by itself before the server stopped.")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True
    server: SampleServer

    def do_GET(self) -> None:
        """Answer with a body."""
        self._serve()

    def do_HEAD(self) -> None:
        """Answer without one."""
        self._serve()

    def version_string(self) -> str:
        """The Server header."""
        return "SampleUpstream"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """One line a request, for who listens."""
        _log.debug(format, *args)

    def _serve(self) -> None:
        address = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, unquote(address.path), address.query, headers)
        self.server.note(seen)
        faults = self.server.faults.take(seen.method, seen.path)
        told = respond(seen, self.server.served, faults, self.server.forge, datetime.now(UTC))
        seen.status = told.status
        self._send_head(told, faults)
        if seen.method == "GET" and told.status not in (204, 304):
            self._send_body(told.body, faults, seen)

    def _send_head(self, told: Answer, faults: Befallen) -> None:
        self.send_response(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        wrong = faults[FaultKind.WRONG_LENGTH]
        if FaultKind.CHUNKED in faults:
            self.send_header("Transfer-Encoding", "chunked")
        elif told.status != 304:
            self.send_header("Content-Length", str(max(0, len(told.body) + (wrong.shift if wrong else 0))))
        if wrong or FaultKind.TRUNCATE in faults:
            # the client is not told: as far as it can see the connection just breaks
            self.close_connection = True
        self.end_headers()

    def _send_body(self, body: bytes, faults: Befallen, seen: Seen) -> None:
        chunked = FaultKind.CHUNKED in faults
        cut = faults[FaultKind.TRUNCATE]
        for piece in self._paced(body[: cut.at] if cut else body, faults):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            seen.sent += len(piece)
        if chunked and not cut:
            self.wfile.write(b"0\r\n\r\n")

    def _paced(self, body: bytes, faults: Befallen) -> Iterator[bytes]:
        """The body in pieces, as fast as the faults let them go."""
        slow, stall = faults[FaultKind.SLOW], faults[FaultKind.STALL]
        size = max(1, min(_PIECE, slow.rate // _SLOW_WRITES_A_SECOND)) if slow else _PIECE
        pause = min(stall.at, len(body)) if stall else len(body)
        for start, end in ((0, pause), (pause, len(body))):
            for place in range(start, end, size):
                piece = body[place : min(end, place + size)]
                yield piece
                if slow and self.server.stopping.wait(len(piece) / slow.rate):
                    return
            if stall and start == 0 and not self._waited_for(stall):
                return

    def _waited_for(self, stall: Fault) -> bool:
        """Wait until a stalled body may go on; False when the server stops instead."""
        stall.mark_reached()
        while not stall.wait_released(0.1):
            if self.server.stopping.is_set():
                return False
        return True
