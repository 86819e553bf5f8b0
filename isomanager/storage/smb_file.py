"""A file on an SMB share, written and read with several requests under way: one at a time waits a whole round trip for each.

1 MiB a request and eight at once: on loopback no slower than the protocol's own client, over 40 ms five times as fast as one at a
time; larger requests are slower. What is written is confirmed when `sync` returns, and a failure shows at the next call.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, sleep
from typing import Any

import smbclient
from smbprotocol.exceptions import EndOfFile

from isomanager.errors import StoreUnavailable
from isomanager.storage.smb_errors import smb_errors
from isomanager.storage.smb_session import SmbSession

REQUEST = 1 << 20
AT_ONCE = 8
_CREDIT = 65536
"""Bytes that one credit pays for ([MS-SMB2] 3.2.4.1.5)."""
_KEPT_BACK = 16
"""Credits left for small requests of other threads."""
_CREDIT_PATIENCE = 60.0

_Waiting = tuple[Any, Callable[[Any], Any], int]


class SmbFile:
    """Honours TreeFile. `raw` is an open SMBFileIO."""

    def __init__(self, session: SmbSession, raw: Any, told: str) -> None:
        self._session, self._raw, self._told = session, raw, told
        self._connection = raw.fd.connection
        self._size = min(REQUEST, self._connection.max_write_size, self._connection.max_read_size)
        self._cost = (self._size - 1) // _CREDIT + 1
        self._using = threading.RLock()
        self._written: deque[_Waiting] = deque()
        self._closed = False
        self._failed: BaseException | None = None

    def _send(self, message: Any) -> Any:
        """Send a request once the server's credits allow it: every answer brings new ones."""
        tree, cost = self._raw.fd.tree_connect, self._cost
        until = monotonic() + _CREDIT_PATIENCE
        while True:
            with self._session.sending:
                if self._credits() >= cost + _KEPT_BACK:
                    return self._connection.send(
                        message, sid=tree.session.session_id, tid=tree.tree_connect_id, credit_request=2 * cost
                    )
            if self._written:
                self._confirm(self._written.popleft())
            elif monotonic() > until:
                raise StoreUnavailable(f"{self._told}: the server grants no more requests.", hint="Try again later.")
            else:
                sleep(0.002)

    def _credits(self) -> int:
        window = self._connection.sequence_window
        return int(window["high"] - window["low"])

    def _confirm(self, waiting: _Waiting) -> None:
        """Take one answer. After a write that failed nothing more is promised of this file: there is a hole in it."""
        request, receive, length = waiting
        try:
            done = receive(request)
            if done != length:
                raise StoreUnavailable(f"{self._told}: the server took {done} of {length} bytes.", hint="Try again.")
        except BaseException as wrong:
            self._failed = wrong
            raise

    def write_at(self, offset: int, buffer: bytes | bytearray | memoryview) -> int:
        """Send all of `buffer`; at most eight requests wait for their answers when this returns."""
        view = memoryview(buffer).cast("B")
        with self._using, smb_errors(self._told):
            self._require_open()
            for start in range(0, len(view), self._size):
                piece = bytes(view[start : start + self._size])
                while len(self._written) >= AT_ONCE:
                    self._confirm(self._written.popleft())
                message, receive = self._raw.fd.write(piece, offset=offset + start, send=False)
                self._written.append((self._send(message), receive, len(piece)))
        return len(view)

    def _require_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"{self._told} is closed.", hint="Reopen it by its reference.")
        if self._failed is not None:
            raise self._failed

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes; fewer only at the end of the file."""
        with self._using, smb_errors(self._told):
            self._require_open()
            self._settle()
            return self._read(offset, length)

    def _read(self, offset: int, length: int) -> bytes:
        starts = deque(range(offset, offset + length, self._size))
        under_way: deque[tuple[Any, Callable[[Any], bytes]]] = deque()
        pieces: list[bytes] = []
        while starts or under_way:
            while starts and len(under_way) < AT_ONCE and (not under_way or self._affordable()):
                start = starts.popleft()
                wanted = min(self._size, offset + length - start)
                message, receive = self._raw.fd.read(start, wanted, min_length=0, send=False)
                under_way.append((self._send(message), receive))
            request, receive = under_way.popleft()
            piece = _or_end(lambda: receive(request))  # noqa: B023 - called at once
            pieces.append(piece)
            if not piece:
                starts.clear()
        return b"".join(pieces)

    def _affordable(self) -> bool:
        return bool(self._credits() >= self._cost + _KEPT_BACK)

    def _settle(self) -> None:
        while self._written:
            self._confirm(self._written.popleft())

    def sync(self) -> None:
        """Wait for every answer, then have the server put it on its medium."""
        with self._using, smb_errors(self._told):
            self._require_open()
            self._settle()
            self._raw.fd.flush()

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes if it is longer."""
        with self._using, smb_errors(self._told):
            self._require_open()
            self._settle()
            if self._session.call(smbclient.stat, self._raw.name).st_size > size:
                self._raw.truncate(size)

    def close(self) -> None:
        """Take the answers still out, and close. What `sync` did not confirm was promised to nobody, so its failures are its own;
        a connection that broke has closed the file already."""
        with self._using:
            if self._closed:
                return
            self._closed = True
            while self._written:
                with suppress(Exception):
                    self._confirm(self._written.popleft())
            try:
                self._raw.close()
            except Exception:  # noqa: BLE001 - whatever it is, the file is closed on the server with its connection
                self._raw.fd._connected = False  # otherwise smbprotocol complains of a handle that nobody closed


def _or_end(receive: Callable[[], bytes]) -> bytes:
    try:
        return bytes(receive())
    except EndOfFile:
        return b""
