"""Shared by the tests of transfers: an image of some MiB, a server for answers no honest server gives, and a fetch to look at."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any

import httpx

from isomanager.model import Received
from isomanager.sample.faults import Fault, FaultKind
from isomanager.storage.contract import PartialRef
from isomanager.storage.local import LocalStore
from isomanager.transfer.download import Request, download
from isomanager.transfer.http import FetchPolicy
from isomanager.transfer.resuming import partial_named

MIB = 1 << 20
CONTENT = random.Random(42).randbytes(3 * MIB + 12_345)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KEY = "a-copy"
HERE = FetchPolicy(allow_http=True, allow_private=True)
IMAGE = "/image.iso"


@dataclass
class Asked:
    """A request as the scripted server saw it; header names in lower case."""

    path: str
    headers: dict[str, str]

    @property
    def first(self) -> int:
        """The first byte asked for, 0 without a Range."""
        return int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])


@dataclass
class Reply:
    """What the scripted server answers. The connection ends after the body; `hangs` keeps it open and silent instead.

    `length` None announces the body's own length, negative announces none.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: int | None = None
    hangs: bool = False


Script = Callable[[Asked], Reply]


class ScriptedServer(ThreadingHTTPServer):
    """Answers whatever its script says."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, script: Script, tls: SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _ScriptedHandler)
        self.script = script
        self.asked: list[Asked] = []
        self.over = threading.Event()
        self.silent = threading.Event()
        self.tls = tls

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.server_port}"

    def finish_request(self, request: Any, client_address: Any) -> None:
        if not self.tls:
            super().finish_request(request, client_address)
            return
        with self.tls.wrap_socket(request, server_side=True) as ciphered:  # closed also where the client broke off
            super().finish_request(ciphered, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is what these tests are about."""


class _ScriptedHandler(BaseHTTPRequestHandler):
    server: ScriptedServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()})
        self.server.asked.append(asked)
        reply = self.server.script(asked)
        self.close_connection = True
        if reply.status:
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            length = len(reply.body) if reply.length is None else reply.length
            if length >= 0:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(reply.body)
        if reply.hangs:
            self.server.silent.set()
            self.server.over.wait(60)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_CONNECT(self) -> None:
        self.do_GET()

    def log_message(self, *_said: Any) -> None:
        """Tests say what they need themselves."""


@contextmanager
def scripted(script: Script, tls: SSLContext | None = None) -> Iterator[ScriptedServer]:
    """A scripted server while the block lasts."""
    server = ScriptedServer(script, tls)
    loop = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    loop.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        loop.join()


class Fetch:
    """Downloads into the store, and looks at what came of it."""

    def __init__(self, store: LocalStore, client: httpx.Client) -> None:
        self.store, self.client = store, client

    def __call__(self, *urls: str, **wanted: Any) -> Received:
        running = {name: wanted.pop(name) for name in ("limits", "progress", "stop") if name in wanted}
        return download(self.request(*urls, **wanted), self.store, self.client, **running)

    @staticmethod
    def request(*urls: str, **wanted: Any) -> Request:
        return Request(urls=urls, **{"final": "Linux/image.iso", "key": KEY, "policy": HERE, **wanted})

    @property
    def unfinished(self) -> PartialRef | None:
        return partial_named(self.store, KEY)

    @property
    def front(self) -> int:
        return self.unfinished.front if self.unfinished else 0

    def published(self, received: Received) -> bytes:
        """The bytes under the final name, once published."""
        assert self.unfinished is not None
        entry = self.store.reopen(self.unfinished).publish(received.size)
        return (self.store.root / entry.path).read_bytes()


def fault(kind: str, pattern: str = "*", **numbers: Any) -> Fault:
    """A fault for the sample server."""
    return Fault(FaultKind(kind), pattern, **numbers)
