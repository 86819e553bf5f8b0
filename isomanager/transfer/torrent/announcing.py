"""Asking trackers for peers without a port of our own: libtorrent asks none of them as long as it listens nowhere.

HTTP trackers as BEP 3, 7 and 23 describe them, through the HTTP door; UDP trackers as BEP 15 does. A tracker that does not
answer, or answers nonsense, is passed over: another one, or an address on the web, may do.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event, Thread
from urllib.parse import quote_from_bytes, urlsplit

import httpx

from isomanager.errors import IsoManagerError
from isomanager.transfer.documents import HttpDocuments
from isomanager.transfer.http import FetchPolicy, without_secrets
from isomanager.transfer.torrent.bencode import Bencoded, outermost

Peer = tuple[str, int]

_MAX_ANSWER = 1 << 20
_MAX_PEERS = 200
_NO_PORT = 1
"""What is announced as our port: some trackers refuse 0, and behind 1 nobody answers."""
_UDP_SECONDS = 15.0
_UDP_MAGIC = 0x41727101980
_INTERVAL = (60.0, 1800.0)
"""Seconds between two questions: what the tracker wants, within these bounds."""
_EVERYTHING = 1 << 40


@dataclass(frozen=True)
class Announcement:
    """Who asks, for which torrent. `info_hash` and `peer_id` are 20 bytes each."""

    info_hash: bytes
    peer_id: bytes
    left: int = _EVERYTHING


class Announcer:
    """Asks the trackers in a thread of its own, again and again, and hands every peer to `meet`, until the block ends."""

    def __init__(
        self,
        trackers: tuple[str, ...],
        info_hash: str,
        meet: Callable[[Peer], None],
        client: httpx.Client,
        *,
        allow_private: bool,
    ) -> None:
        # a torrent of version 2 is announced under the first 20 bytes of its hash (BEP 52)
        self._about = Announcement(bytes.fromhex(info_hash)[:20], b"-IM0001-" + secrets.token_hex(6).encode())
        self._trackers, self._meet, self._allow_private = trackers, meet, allow_private
        self._documents = HttpDocuments(client, FetchPolicy(allow_http=True, allow_private=allow_private))
        self._over = Event()

    def __enter__(self) -> Announcer:
        for url in self._trackers:
            Thread(target=self._ask_on, args=(url,), name="announcing", daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()

    def _ask_on(self, url: str) -> None:
        wait = _INTERVAL[0]
        while not self._over.is_set():
            try:
                wait, peers = self._ask(url)
                self._hand_on(peers)
            except (
                IsoManagerError,
                OSError,
                ValueError,
                RuntimeError,
            ) as wrong:  # the last: client or torrent closed meanwhile
                logging.getLogger(__name__).info("%s gives no peers: %s", without_secrets(url), wrong)
            self._over.wait(min(max(wait, _INTERVAL[0]), _INTERVAL[1]))

    def _ask(self, url: str) -> tuple[float, tuple[Peer, ...]]:
        if urlsplit(url).scheme == "udp":
            return ask_udp(url, self._about)
        asked = self._documents.fetch(http_question(url, self._about), max_bytes=_MAX_ANSWER)
        return read_answer(asked.content)

    def _hand_on(self, peers: tuple[Peer, ...]) -> None:
        for peer in peers[:_MAX_PEERS]:
            if not self._over.is_set() and (self._allow_private or ipaddress.ip_address(peer[0]).is_global):
                self._meet(peer)


def http_question(url: str, about: Announcement) -> str:
    """The address that asks an HTTP tracker for peers."""
    asked = (
        f"info_hash={quote_from_bytes(about.info_hash, safe='')}&peer_id={quote_from_bytes(about.peer_id, safe='')}"
        f"&port={_NO_PORT}&uploaded=0&downloaded=0&left={about.left}&compact=1&event=started&numwant={_MAX_PEERS}"
    )
    return f"{url}{'&' if urlsplit(url).query else '?'}{asked}"


def read_answer(content: bytes) -> tuple[float, tuple[Peer, ...]]:
    """Seconds until it may be asked again, and peers. ValueError when it is no such answer, or a refusal."""
    said = {name: placed.value for name, placed in outermost(content).items()}
    if b"failure reason" in said:
        raise ValueError(f"the tracker refuses: {said[b'failure reason']!r:.200}")
    interval = said.get(b"interval")
    peers = (*_peers(said.get(b"peers", b""), 4), *_peers(said.get(b"peers6", b""), 16))
    return float(interval) if isinstance(interval, int) else _INTERVAL[1], peers


def _peers(told: Bencoded, width: int) -> Iterator[Peer]:
    if isinstance(told, bytes):
        for place in range(0, len(told) - width - 1, width + 2):
            host = ipaddress.ip_address(told[place : place + width])
            yield str(host), int.from_bytes(told[place + width : place + width + 2], "big")
    elif isinstance(told, list):
        yield from filter(None, map(_spelled, told))


def _spelled(one: Bencoded) -> Peer | None:
    """A peer in the older, longer form; None for one that is named rather than numbered, or is none."""
    host, port = (one.get(b"ip"), one.get(b"port")) if isinstance(one, dict) else (None, None)
    if not isinstance(host, bytes) or not isinstance(port, int) or not 0 < port < 65536:
        return None
    try:
        return str(ipaddress.ip_address(host.decode("ascii"))), port
    except ValueError:
        return None


def ask_udp(url: str, about: Announcement) -> tuple[float, tuple[Peer, ...]]:
    """As `read_answer`, asked of a UDP tracker. OSError when it does not answer, ValueError when it answers nonsense."""
    parts = urlsplit(url)
    family, kind, protocol, _, address = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as line:
        line.settimeout(_UDP_SECONDS)
        line.connect(address)  # nobody else's answers are taken
        (connection,) = struct.unpack(">Q", _exchange(line, struct.pack(">QI", _UDP_MAGIC, 0), 0)[:8])
        asked = struct.pack(
            ">QI20s20sQQQIIIiH", connection, 1, about.info_hash, about.peer_id, 0, about.left, 0, 2, 0, 0, -1, _NO_PORT
        )
        told = _exchange(line, asked, 1)
    (interval,) = struct.unpack(">I", told[:4])
    return float(interval), tuple(_peers(told[12:], 4 if family == socket.AF_INET else 16))


def _exchange(line: socket.socket, asked: bytes, action: int) -> bytes:
    """What follows action and transaction in the answer. `asked` lacks the transaction, which comes after the action."""
    transaction = secrets.token_bytes(4)
    line.send(asked[:12] + transaction + asked[12:])
    answer = line.recv(4096)
    if len(answer) < 16 or answer[:8] != struct.pack(">I", action) + transaction:
        raise ValueError("it answers with something else")
    return answer[8:]
