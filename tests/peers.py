"""Real peers for tests: torrents made here, libtorrent sessions that seed them on loopback, and a tracker of a few lines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

import libtorrent

PIECE = 65_536
_ALONE = {
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "allow_multiple_connections_per_ip": True,
    "stop_tracker_timeout": 1,
}


def make_torrent(
    place: Path, *, trackers: tuple[str, ...] = (), web_seeds: tuple[str, ...] = (), kind: str = "v1_only"
) -> bytes:
    """The .torrent of a file, or of a folder and everything in it. `kind` is v1_only, v2_only, or empty for both."""
    flags = getattr(libtorrent.create_torrent, kind) if kind else 0
    made = libtorrent.create_torrent(libtorrent.list_files(str(place)), PIECE, flags)
    for tier, url in enumerate(trackers):
        made.add_tracker(url, tier)
    for url in web_seeds:
        made.add_url_seed(url)
    libtorrent.set_piece_hashes(made, str(place.parent))
    return libtorrent.bencode(made.generate())


class Peer:
    """A session that seeds what is in `folder`. Whether that is what the torrent says is not looked at."""

    def __init__(self, content: bytes, folder: Path, **settings: Any) -> None:
        self.session = libtorrent.session({**_ALONE, "listen_interfaces": "127.0.0.1:0", **settings})  # type: ignore[call-overload]
        params = libtorrent.load_torrent_buffer(content)
        params.save_path = str(folder)
        flags = libtorrent.torrent_flags
        params.flags |= flags.seed_mode
        params.flags &= ~(flags.paused | flags.auto_managed)
        self.handle = self.session.add_torrent(params)
        until = monotonic() + 30
        while not self.session.listen_port() and monotonic() < until:
            sleep(0.02)

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.session.listen_port()

    @property
    def uploaded(self) -> int:
        return int(self.handle.status().total_payload_upload)

    def close(self) -> None:
        self.session.remove_torrent(self.handle)
        self.session.pause()


@contextmanager
def seeding(content: bytes, folder: Path, **settings: Any) -> Iterator[Peer]:
    """A peer while the block lasts."""
    peer = Peer(content, folder, **settings)
    try:
        yield peer
    finally:
        peer.close()


class Tracker(ThreadingHTTPServer):
    """Tells everyone who announces of the peers that it was given."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Announcing)
        self.peers: list[tuple[str, int]] = []
        self.announced: list[dict[str, list[str]]] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asks may be gone before the answer: a transfer that needs no more peers does not wait for them."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/announce"


class _Announcing(BaseHTTPRequestHandler):
    server: Tracker

    def do_GET(self) -> None:
        self.server.announced.append(parse_qs(urlsplit(self.path).query, encoding="latin-1"))
        packed = b"".join(
            bytes(map(int, host.split("."))) + port.to_bytes(2, "big") for host, port in self.server.peers
        )
        body = b"d8:completei1e10:incompletei1e8:intervali60e5:peers%d:%se" % (len(packed), packed)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_said: Any) -> None:
        """Tests say what they need themselves."""


@contextmanager
def tracking(*peers: tuple[str, int]) -> Iterator[Tracker]:
    """A tracker while the block lasts, that knows of `peers`."""
    tracker = Tracker()
    tracker.peers.extend(peers)
    loop = threading.Thread(target=tracker.serve_forever, args=(0.02,), daemon=True)
    loop.start()
    try:
        yield tracker
    finally:
        tracker.shutdown()
        tracker.server_close()
        loop.join()
