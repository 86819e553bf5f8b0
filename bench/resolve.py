"""How long it takes to resolve every product: one after the other, and all at once.

    .venv/bin/python bench/resolve.py [--latency 100] [--at-once 48] [--rounds 2]

A server on loopback serves the documents of tests/documents/catalogue, each at the path of its address, and answers every request
`latency` milliseconds late. The HTTP client of isomanager asks it in place of every vendor: the addresses, the limit of
connections to each host, the cache for conditional requests and the evidence are those of a real run, only the way to the server
is another. Every image is said to be there (nobody fetches one). What a test set has no document for, signatures and keys above
all, is answered with 404, so that the evidence of many products is asked for and found lacking: what is measured is the asking.
Told are the seconds of both ways, with an empty cache and with what the round before left, the slowest products, the number of
requests, and how many products gave an offer.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import httpx

from isomanager.catalogue.loader import load_catalogue
from isomanager.catalogue.naming import meant
from isomanager.errors import IsoManagerError
from isomanager.library.opening import Library
from isomanager.library.resolving import resolve_selector
from isomanager.model import Selector
from isomanager.settings import Settings
from isomanager.transfer.http import open_client
from isomanager.transfer.politeness import limit_client

IMAGES = (".iso", ".img", ".xz", ".gz", ".bz2", ".zip")
DOCUMENTS = Path(__file__).resolve().parents[1] / "tests" / "documents" / "catalogue"


@dataclass
class Case:
    """One product's question, and its documents by address."""

    selector: Selector
    documents: dict[str, Path]


def cases() -> list[Case]:
    """The first case of every product that has documents."""
    found: dict[str, Case] = {}
    catalogue = load_catalogue()
    for file in sorted(DOCUMENTS.glob("cases*.json")):
        for told in json.loads(file.read_text(encoding="utf-8")):
            product = meant(catalogue, Selector.parse(told["selector"]))[0].id
            if told["documents"] and "error" not in told and product not in found:
                asked = Selector.parse(told["selector"], architectures=(told["arch"],) if told["arch"] else ())
                found[product] = Case(asked, {url: DOCUMENTS / name for url, name in told["documents"].items()})
    return list(found.values())


class Upstream(ThreadingHTTPServer):
    """Serves documents by host and path, late."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, documents: dict[str, Path], latency: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.contents = {place(url): file.read_bytes() for url, file in documents.items()}
        self.latency = latency
        self.requests = 0
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_GET(self) -> None:
        """The document, 304 where it is known already, or 404."""
        with self.server.lock:
            self.server.requests += 1
        time.sleep(self.server.latency)
        content = self.server.contents.get(self.path)
        etag = f'"{hashlib.sha256(content or b"").hexdigest()[:16]}"'
        is_image = self.command == "HEAD" and self.path.endswith(IMAGES)
        missing = 200 if is_image else 404
        status = missing if content is None else 304 if self.headers.get("If-None-Match") == etag else 200
        body = content if status == 200 and content is not None and self.command == "GET" else b""
        self.send_response(status)
        if not is_image:
            self.send_header("Content-Length", str(len(body)))
        if content is not None:
            self.send_header("ETag", etag)
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *_told: object) -> None:
        """Quiet."""


def place(url: str) -> str:
    """Where a vendor's address is on the server."""
    parts = urlsplit(url)
    return f"/{parts.netloc}{parts.path}{'?' + parts.query if parts.query else ''}"


class ToUpstream(httpx.BaseTransport):
    """Takes every request to the server on loopback; the answer is that of the address that was asked for."""

    def __init__(self, port: int) -> None:
        self._port, self._ways = port, httpx.HTTPTransport(limits=httpx.Limits(max_connections=None))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The same request, elsewhere."""
        target = httpx.URL(f"http://127.0.0.1:{self._port}{place(str(request.url))}")
        return self._ways.handle_request(httpx.Request(request.method, target, headers=_headers(request, self._port)))

    def close(self) -> None:
        """Let go of connections."""
        self._ways.close()


def _headers(request: httpx.Request, port: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
    return [(b"Host", f"127.0.0.1:{port}".encode()), *kept]


@contextmanager
def library(port: int, folder: Path, at_once: int) -> Iterator[Library]:
    """A library whose client asks the server."""
    settings = Settings(data_folder=folder, resolves_at_once=at_once, document_patience=0)
    with Library(settings) as opened, open_client(settings) as plain:
        client = httpx.Client(transport=ToUpstream(port), headers=plain.headers, timeout=plain.timeout)
        limit_client(client, settings.connections_per_host)
        opened.__dict__["client"] = client
        yield opened


def ask(opened: Library, case: Case) -> tuple[float, bool]:
    """Seconds for one product, and whether it resolved (its evidence may be refused)."""
    started = monotonic()
    try:
        resolve_selector(opened, case.selector)
    except IsoManagerError:
        return monotonic() - started, False
    return monotonic() - started, True


def measure(opened: Library, asked: list[Case], workers: int) -> tuple[float, list[tuple[float, str]], int]:
    """Seconds for all of them, the seconds of each with its name, and how many resolved."""
    started = monotonic()
    with ThreadPoolExecutor(workers) as pool:
        told = list(pool.map(lambda case: ask(opened, case), asked))
    each = [(seconds, str(case.selector)) for (seconds, _), case in zip(told, asked, strict=True)]
    return monotonic() - started, sorted(each, reverse=True), sum(resolved for _, resolved in told)


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--latency", type=float, default=100.0, help="milliseconds added to every answer")
    options.add_argument("--at-once", type=int, default=Settings().resolves_at_once, help="products asked at once")
    options.add_argument("--rounds", type=int, default=2, help="the first with an empty cache")
    given = options.parse_args()
    asked = cases()
    upstream = Upstream({url: file for case in asked for url, file in case.documents.items()}, given.latency / 1000)
    threading.Thread(target=upstream.serve_forever, args=(0.05,), daemon=True).start()
    print(f"{len(asked)} products, {given.latency:.0f} ms added to every answer")
    for name, workers in (("one after the other", 1), (f"{given.at_once} at once", given.at_once)):
        with (
            tempfile.TemporaryDirectory() as folder,
            library(upstream.server_port, Path(folder), given.at_once) as opened,
        ):
            _ = opened.catalogue, opened.keyring
            for number in range(given.rounds):
                before = upstream.requests
                seconds, each, resolved = measure(opened, asked, workers)
                slowest = ", ".join(f"{one} {needed:.2f} s" for needed, one in each[:3])
                cache = "empty cache" if number == 0 else "known documents"
                print(
                    f"{name:22} {cache:16} {seconds:7.2f} s  {upstream.requests - before} requests, {resolved} resolved; "
                    f"slowest: {slowest}"
                )
    upstream.shutdown()


if __name__ == "__main__":
    sys.exit(main())
