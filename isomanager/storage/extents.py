"""Which bytes of a file have been written: the contiguous beginning, and islands waiting for the gap before them."""

from __future__ import annotations

from bisect import bisect_left, insort


class Extents:
    """Written ranges in bytes. Islands are few: a transfer writes inside a bounded window."""

    def __init__(self, contiguous: int = 0) -> None:
        self.contiguous = contiguous
        self._islands: list[tuple[int, int]] = []

    def add(self, start: int, end: int) -> int:
        """Note that `start` up to, not including, `end` is written; return the contiguous beginning."""
        if start > self.contiguous:
            insort(self._islands, (start, end))
        else:
            self.contiguous = max(self.contiguous, end)
            self._join()
        return self.contiguous

    def _join(self) -> None:
        reached = bisect_left(self._islands, (self.contiguous + 1, 0))
        while reached:
            self.contiguous = max(self.contiguous, *(end for _, end in self._islands[:reached]))
            del self._islands[:reached]
            reached = bisect_left(self._islands, (self.contiguous + 1, 0))


class Gathering:
    """Bytes of a piece that is not yet whole, kept in memory. Not for several threads."""

    def __init__(self) -> None:
        self.bytes, self.extents = bytearray(), Extents()

    def put(self, offset: int, piece: memoryview) -> None:
        """Keep a piece at `offset`."""
        if len(self.bytes) < offset + len(piece):
            self.bytes.extend(bytes(offset + len(piece) - len(self.bytes)))
        self.bytes[offset : offset + len(piece)] = piece
        self.extents.add(offset, offset + len(piece))
