"""Which bytes of a file come from where. Pure: from the blocks that are here already to a list of segments, in order."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

ReadAt = Callable[[int, int], bytes]
"""Gives up to so many bytes from an offset: (offset, length)."""

Places: TypeAlias = "array[int]"
"""For each block of a file the byte at which it is in the donor; MISSING where it is not. Eight bytes each: there are millions."""

MISSING = -1

LEAST_HERE = 64 << 10
"""Bytes: a stretch that is here, shorter than this and between two that are fetched, is fetched with them. It costs less than a
request of its own."""


def nowhere(blocks: int) -> Places:
    """So many blocks, none of them here."""
    return array("q", [MISSING]) * blocks


@dataclass(frozen=True)
class Segment:
    """`length` bytes of the file from `start`, which are in the donor at `at`; None: they are fetched."""

    start: int
    length: int
    at: int | None = None

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.start + self.length

    def continues(self, before: Segment) -> bool:
        """Whether it goes on where `before` ends, here and in the donor."""
        if self.start != before.end or (self.at is None) != (before.at is None):
            return False
        return self.at is None or before.at is None or self.at == before.at + before.length


def segments(size: int, block: int, places: Places, *, first: int = 0) -> tuple[Segment, ...]:
    """The whole file of `size` bytes from blocks of `block` bytes, those with a place in the donor from there.

    `first` is the offset in block 0 at which the file begins (a file within a torrent). All in bytes.
    """
    plain = _joined(_block_by_block(size, block, places, first))
    kept = (
        replace(one, at=None) if one.at is not None and one.length < LEAST_HERE and _is_between(plain, index) else one
        for index, one in enumerate(plain)
    )
    return tuple(_joined(kept))


def _block_by_block(size: int, block: int, places: Places, first: int) -> Iterator[Segment]:
    start = 0
    for number, at in enumerate(places):
        length = min((number + 1) * block - first - start, size - start)
        yield Segment(start, length, None if at == MISSING else at)
        start += length


def _joined(one_by_one: Iterator[Segment]) -> list[Segment]:
    joined: list[Segment] = []
    for one in one_by_one:
        if joined and one.continues(joined[-1]):
            joined[-1] = replace(joined[-1], length=joined[-1].length + one.length)
        else:
            joined.append(one)
    return joined


def _is_between(all_of_them: Sequence[Segment], at: int) -> bool:
    return 0 < at < len(all_of_them) - 1 and all_of_them[at - 1].at is None and all_of_them[at + 1].at is None


def blocks_of(size: int, block: int, *, first: int = 0) -> int:
    """How many blocks of `block` bytes a file of `size` bytes has that begins `first` bytes within the first of them."""
    return -(-(first + size) // block)


def to_fetch(plan: Sequence[Segment]) -> int:
    """How many bytes are fetched."""
    return sum(one.length for one in plan if one.at is None)
