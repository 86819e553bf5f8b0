"""Finding the blocks of a .zsync in a file that is held, wherever in it they are. Needs numpy.

Every sector is looked at first: files in an ISO image begin at multiples of 2048, so that this finds whatever was moved as it is.
A smaller stride then looks again where nothing was found: a stride of 1 also finds what moved by some bytes inside of a file (in a
squashfs, say). Where a block is found, the next one is expected right after it: what did not change costs one MD4 a block.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from isomanager.errors import Cancelled
from isomanager.transfer.blocks.segments import Places, ReadAt
from isomanager.transfer.blocks.wanted import WantedBlocks
from isomanager.transfer.blocks.zsync import BlockSums, md4
from isomanager.transfer.progress import Progress, Stop, silent

SECTOR = 2048
"""What files in an ISO image are aligned to, in bytes (ECMA-119, section 6.1.2)."""
_STRETCH = 256 << 10
_CLOSE_STRETCH = 64 << 10
"""Bytes looked at in one go, sector by sector and byte by byte: what is made of them stays in the processor's caches."""
_NEAR = 32 << 10
"""Bytes: to look at so many once more costs less than to begin anew after them."""

Stretch = tuple[int, int]
"""The first byte of the donor, and the first that does not belong to it."""


def find_blocks(
    sums: BlockSums,
    read: ReadAt,
    size: int,
    *,
    places: Places,
    stop: Stop,
    stride: int = SECTOR,
    progress: Progress = silent,
) -> None:
    """Put into `places` where in the donor of `size` bytes, which `read` reads, each block is.

    FetchRefused (bad-data) for sums that are too much alike to be told apart in a reasonable time.
    """
    search = _Search(sums, read, size, places, stop)
    sector = min(SECTOR, sums.block)
    rest = search.through([(0, size)], sector, progress)
    if stride < sector:
        search.through(rest, stride, progress)
    search.wanted.place_alike(places)


class _Donor:
    """What is held, filled up with zeros at its end, as the last block is."""

    def __init__(self, read: ReadAt, size: int, block: int) -> None:
        self._read, self._size, self._block = read, size, block
        self._start, self._text = 0, b""

    def text(self, start: int, length: int) -> bytes:
        """So many bytes from `start`; fewer where it ends, but with the zeros."""
        text = self._read(start, min(length, self._size - start))
        return text + bytes(self._block) if start + len(text) >= self._size else text

    def digest(self, at: int) -> bytes:
        """The MD4 of the block at `at`."""
        if not self._start <= at <= self._start + len(self._text) - self._block:
            self._start, self._text = at, self.text(at, max(_STRETCH, self._block))
        offset = at - self._start
        return md4(self._text[offset : offset + self._block])


class _Search:
    """One donor, looked through once or twice."""

    def __init__(self, sums: BlockSums, read: ReadAt, size: int, places: Places, stop: Stop) -> None:
        self._sums, self._size, self._places, self._stop = sums, size, places, stop
        self._donor = _Donor(read, size, sums.block)
        self.wanted = WantedBlocks(sums, size)

    def through(self, stretches: list[Stretch], stride: int, progress: Progress) -> list[Stretch]:
        """Look for blocks that begin at every `stride` bytes of `stretches`; those in which nothing was found."""
        rest: list[Stretch] = []
        for first, last in stretches:
            known = first
            for at, end in self._runs(first, last, stride):
                progress(min(end, self._size), self._size)
                _add(rest, known, at)
                known = max(known, end)
            _add(rest, known, last)
        return rest

    def _runs(self, first: int, last: int, stride: int) -> Iterator[Stretch]:
        """From where to where in the donor there are blocks, in order; each is noted."""
        length, more = _STRETCH if stride > 1 else _CLOSE_STRETCH, self._sums.block * self._sums.in_a_row - 1
        start = first
        while start < last and self.wanted.left:
            self._heed_stop()
            likely = self.wanted.likely(self._donor.text(start, min(length, last - start) + more), stride)
            end, index = start, 0
            while index < len(likely.places):
                at = start + likely.places[index]
                numbers = self.wanted.are_at(at, likely.numbers(index), self._donor.digest)
                end = self._run(at, numbers) if numbers else end
                index = bisect_left(likely.places, end - start) if numbers else index + 1
                if numbers:
                    yield at, end
            start = max(start + length, end)

    def _run(self, at: int, numbers: list[int]) -> int:
        """Note that each of these blocks is at `at`, and what follows there as it should; where that ends."""
        row = range(self._sums.in_a_row)
        fresh = [self._note(at + step * self._sums.block, number + step) for number in numbers for step in row]
        at, number = at + len(row) * self._sums.block, numbers[0] + len(row)
        while any(fresh) and self.wanted.misses(number) and self.wanted.is_block(number, self._donor.digest, at):
            self._heed_stop()
            if not self._note(at, number):
                break
            at, number = at + self._sums.block, number + 1
        # what is known already is passed block by block: others may begin within the row that was looked at
        return at if any(fresh) else at - (len(row) - 1) * self._sums.block

    def _note(self, at: int, number: int) -> bool:
        """Whether it was not known before where that block is."""
        is_whole = at + self._sums.block <= self._size or number == self._sums.count - 1
        if not is_whole or not self.wanted.misses(number):
            return False
        self.wanted.found(number)
        self._places[number] = at
        return True

    def _heed_stop(self) -> None:
        if self._stop.is_set():
            raise Cancelled("Stopped while blocks were looked for.")


def _add(stretches: list[Stretch], first: int, last: int) -> None:
    """One more, after all others; together with the one before if that is near."""
    if last <= first:
        return
    if stretches and first - stretches[-1][1] <= _NEAR:
        stretches[-1] = (stretches[-1][0], last)
    else:
        stretches.append((first, last))
