"""The TCP connection under smbprotocol: what comes is read many answers at a time, and what goes never waits for more."""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from smbprotocol.transport import Tcp

_PREFIX = 4
"""Bytes before each frame: its length."""
_READ = 1 << 18
_BROKEN = frozenset(
    {errno.ESHUTDOWN, errno.ECONNRESET, errno.ECONNABORTED, errno.EBADF, errno.ENOTCONN, errno.ETIMEDOUT}
)

Takes = Callable[[bytearray], bool]
"""Told each frame that comes; whether that was all there is to do with it."""


class QuickTransport(Tcp):  # type: ignore[misc]
    """Honours smbprotocol's transport. Frames that `takes` takes are not given to its thread. A server that takes nothing of what
    is sent for `patience` seconds is not used again."""

    def __init__(self, made: Tcp, takes: Takes, patience: float) -> None:
        super().__init__(made.server, made.port, made.timeout)
        self._takes, self._patience = takes, patience
        self._came = bytearray()
        self._room = memoryview(bytearray(_READ))

    def connect(self) -> None:
        """As smbprotocol; small requests are sent at once, whatever is not yet confirmed (no algorithm of Nagle's)."""
        super().connect()
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock.settimeout(self._patience)

    def close(self) -> None:
        """As smbprotocol, also while somebody is sending: that fails at once."""
        if self.connected:
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)
        super().close()

    def send(self, header: Any) -> None:
        """One frame."""
        data = header if isinstance(header, bytes) else header.pack()
        self.send_frames(len(data).to_bytes(_PREFIX, "big") + data)

    def send_frames(self, frames: bytes | memoryview) -> None:
        """Frames, each with its length before it."""
        left = memoryview(frames)
        try:
            with self._sock_lock:
                while left:
                    left = left[self._sock.send(left) :]
        except TimeoutError:
            self.close()
            raise

    def recv(self, timeout: float) -> bytes | None:
        """The next frame that nobody took; None once it is closed. TimeoutError when nothing comes for so many seconds."""
        while (frame := self._frame(timeout)) is not None:
            if not self._takes(frame):
                return bytes(frame)
        return None

    def _frame(self, timeout: float) -> bytearray | None:
        if not self._have(_PREFIX, timeout):
            return None
        size = int.from_bytes(self._came[:_PREFIX], "big")
        if size >= _READ:
            return self._large(size, timeout)
        if not self._have(_PREFIX + size, timeout):
            return None
        frame = self._came[_PREFIX : _PREFIX + size]
        del self._came[: _PREFIX + size]
        return frame

    def _have(self, size: int, timeout: float) -> bool:
        while len(self._came) < size:
            read = self._read(self._room, timeout)
            if not read:
                return False
            self._came += self._room[:read]
        return True

    def _large(self, size: int, timeout: float) -> bytearray | None:
        """Read to where it stays: copying megabytes costs as much as fetching them."""
        frame = bytearray(size)
        there = len(self._came) - _PREFIX
        frame[:there] = self._came[_PREFIX:][:size]
        del self._came[: _PREFIX + size]
        view, at = memoryview(frame), min(there, size)
        while at < size:
            read = self._read(view[at:], timeout)
            if not read:
                return None
            at += read
        return frame

    def _read(self, room: memoryview, timeout: float) -> int:
        """How many bytes came; none once it is closed. The lock keeps the socket from being closed under a reader."""
        with self._close_lock:
            if not self.connected:
                return 0
            if not select.select([self._sock], [], [], max(timeout, 1))[0]:
                raise TimeoutError(f"nothing came for {timeout:.0f} s")
            try:
                read = int(self._sock.recv_into(room))
            except OSError as wrong:
                if wrong.errno not in _BROKEN:
                    raise
                read = 0
        if not read:
            self.close()
        return read
