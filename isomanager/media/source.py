"""Bytes of an image by ranges, from anywhere, within a budget: hostile images cannot make a reader go on for ever."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from isomanager.errors import MediaError

Read = Callable[[int, int], bytes]
"""Up to the second argument's number of bytes from the offset that is the first."""

BLOCK = 64 << 10
"""What is asked for at once: descriptors stand together, and a store answers 64 KiB as fast as 2."""

_KEPT_BLOCKS = 64


@dataclass(frozen=True)
class Budget:
    """How many bytes and requests one image may cost, and how many entries of folders, descriptors and extents are looked at."""

    read_bytes: int = 48 << 20
    requests: int = 600
    steps: int = 50_000


QUICK = Budget()
FULL = Budget(read_bytes=512 << 20, requests=8_000, steps=200_000)


class Source:
    """The bytes of one image. Errors are MediaError, or whatever `read` raises."""

    def __init__(self, name: str, size: int, read: Read, budget: Budget = QUICK) -> None:
        self.name = name
        self.size = size
        self._read = read
        self._left_bytes, self._left_requests, self._left_steps = budget.read_bytes, budget.requests, budget.steps
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; fewer where the file ends."""
        if offset < 0 or length < 0:
            raise self.damaged("an address in it is negative")
        end = min(offset + length, self.size)
        if offset >= end:
            return b""
        first, last = offset // BLOCK, (end - 1) // BLOCK
        joined = b"".join(self._block(number) for number in range(first, last + 1))
        return joined[offset - first * BLOCK : end - first * BLOCK]

    def exactly(self, offset: int, length: int, what: str) -> bytes:
        """Like `read`; MediaError(code="damaged") when the file ends before."""
        found = self.read(offset, length)
        if len(found) < length:
            raise self.damaged(f"{what} lies beyond the end of the file")
        return found

    def step(self, count: int = 1) -> None:
        """Count entries that were looked at; MediaError(code="too-complex") when there are too many."""
        self._left_steps -= count
        if self._left_steps < 0:
            raise self._too_complex()

    def damaged(self, why: str) -> MediaError:
        """The error for an image whose structures contradict the format."""
        return MediaError(f"{self.name} is damaged: {why}.", code="damaged", file=self.name)

    def _too_complex(self) -> MediaError:
        return MediaError(
            f"{self.name} is damaged or made to mislead: its structures lead on and on.",
            code="too-complex",
            file=self.name,
        )

    def _block(self, number: int) -> bytes:
        found = self._blocks.get(number)
        if found is None:
            found = self._fetch(number * BLOCK, min(BLOCK, self.size - number * BLOCK))
            self._blocks[number] = found
            if len(self._blocks) > _KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        return found

    def _fetch(self, offset: int, length: int) -> bytes:
        self._left_bytes -= length
        self._left_requests -= 1
        if self._left_bytes < 0 or self._left_requests < 0:
            raise self._too_complex()
        found = self._read(offset, length)
        if len(found) < length:
            raise self.damaged(f"it ended at byte {offset + len(found)}, before the size it was said to have")
        return found
