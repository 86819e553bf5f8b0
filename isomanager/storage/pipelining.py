"""Files on servers, written and read with several requests under way: one at a time waits a whole round trip for each.

What is written is confirmed when `sync` returns; a failure shows at the next call, and stays: after it there is a hole in the file.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from time import monotonic, sleep

from isomanager.errors import StoreUnavailable

AT_ONCE = 8
"""On loopback four are enough; over 40 ms eight are five times as fast as one."""
_ROOM_PATIENCE = 60.0
_STRETCH = 16 << 20
"""Bytes after which the server is told to begin to write."""

Piece = bytes | memoryview
"""Bytes that do not change."""


class PipelinedFile(ABC):
    """Honours TreeFile. `request` is how many bytes one request carries; `told` names the file in errors."""

    def __init__(self, told: str, request: int) -> None:
        self._told, self._request = told, request
        self._using = threading.RLock()
        self._written: deque[tuple[Callable[[], int], int, Piece]] = deque()
        self._unflushed = 0
        self._flushing: Callable[[], object] | None = None
        self._closed = False
        self._failed: BaseException | None = None

    @abstractmethod
    def _errors(self) -> AbstractContextManager[None]:
        """The protocol's errors as those of a tree of files."""

    @abstractmethod
    def _begin_write(self, offset: int, piece: Piece) -> Callable[[], int]:
        """Send a request; what is given back waits for its answer: how many bytes were taken."""

    @abstractmethod
    def _begin_read(self, offset: int, length: int) -> Callable[[], bytes | memoryview]:
        """Send a request; what is given back waits for its answer: nothing at the end of the file."""

    @abstractmethod
    def _begin_flush(self) -> Callable[[], object]:
        """Have the server put on its medium what it has taken; what is given back waits until it has."""

    def _flush(self) -> None:
        """The same, to the end."""
        self._begin_flush()()

    @abstractmethod
    def _cut(self, size: int) -> None:
        """Cut the file to `size` bytes if it is longer."""

    @abstractmethod
    def _let_go(self) -> None:
        """Close it on the server."""

    def _has_room(self) -> bool:
        """Whether the server takes another request now."""
        return True

    def _wait_for_room(self) -> None:
        until = monotonic() + _ROOM_PATIENCE
        while not self._has_room():
            if self._written:
                self._confirm(*self._written.popleft())
            elif monotonic() > until:
                raise StoreUnavailable(f"{self._told}: the server takes no more requests.", hint="Try again later.")
            else:
                sleep(0.002)

    def _confirm(self, answer: Callable[[], int], offset: int, piece: Piece) -> None:
        """Take one answer; what a server did not take of a piece, as its disk fills up, is sent again and then says why."""
        try:
            while (taken := answer()) < len(piece):
                if taken <= 0:
                    raise StoreUnavailable(f"{self._told}: the server takes no bytes.", hint="Try again.")
                offset, piece = offset + taken, piece[taken:]
                answer = self._begin_write(offset, piece)
        except BaseException as wrong:
            self._failed = wrong
            raise

    def _require_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"{self._told} is closed.", hint="Reopen it by its reference.")
        if self._failed is not None:
            raise self._failed

    def write_at(self, offset: int, buffer: bytes | bytearray | memoryview) -> int:
        """Send all of `buffer`; at most eight requests wait for their answers when this returns."""
        view = memoryview(buffer).cast("B")
        lasting = isinstance(view.obj, bytes)  # others may change as soon as this returns
        with self._using, self._errors():
            self._require_open()
            for start in range(0, len(view), self._request):
                piece: Piece = view[start : start + self._request]
                if not lasting:
                    piece = bytes(piece)
                while len(self._written) >= AT_ONCE:
                    self._confirm(*self._written.popleft())
                self._wait_for_room()
                self._flush_early(len(piece))
                self._written.append((self._begin_write(offset + start, piece), offset + start, piece))
        return len(view)

    def _flush_early(self, more: int) -> None:
        """Let the server begin to write down what it has, one such request at a time: its disk works while more comes."""
        self._unflushed += more
        if self._unflushed >= _STRETCH:
            self._unflushed = 0
            self._end_flush()
            self._flushing = self._begin_flush()

    def _end_flush(self) -> None:
        """A server may tell of a failed disk once only: the answer counts."""
        answer, self._flushing = self._flushing, None
        if answer is not None:
            try:
                answer()
            except BaseException as wrong:
                self._failed = wrong
                raise

    def _settle(self) -> None:
        while self._written:
            self._confirm(*self._written.popleft())

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes; fewer only at the end of the file."""
        with self._using, self._errors():
            self._require_open()
            self._settle()
            return self._read(offset, length)

    def _read(self, offset: int, length: int) -> bytes:
        wanted = deque(
            (start, min(self._request, offset + length - start))
            for start in range(offset, offset + length, self._request)
        )
        under_way: deque[tuple[int, int, Callable[[], bytes | memoryview]]] = deque()
        pieces: list[bytes | memoryview] = []
        while wanted or under_way:
            while wanted and len(under_way) < AT_ONCE and (not under_way or self._has_room()):
                start, size = wanted.popleft()
                if not under_way:
                    self._wait_for_room()
                under_way.append((start, size, self._begin_read(start, size)))
            start, size, answer = under_way.popleft()
            piece = answer()
            pieces.append(piece)
            if not piece:
                wanted.clear()
            elif len(piece) < size:  # a server may give less than was asked for: the rest is asked for at once
                pieces.append(self._read(start + len(piece), size - len(piece)))
        return b"".join(pieces)

    def sync(self) -> None:
        """Wait for every answer, then have the server put it on its medium."""
        with self._using, self._errors():
            self._require_open()
            self._settle()
            self._end_flush()
            self._flush()

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes if it is longer."""
        with self._using, self._errors():
            self._require_open()
            self._settle()
            self._cut(size)

    def close(self) -> None:
        """Take the answers still out, and close. What `sync` did not confirm was promised to nobody: its failures are not told."""
        with self._using:
            if self._closed:
                return
            self._closed = True
            while self._written:
                with suppress(Exception):
                    self._confirm(*self._written.popleft())
            self._let_go()
