"""Finding the blocks of a .zsync in a file that is held, wherever in it they are. Needs numpy: plain Python is far too slow.

Sums are taken at every `stride` bytes: files in an ISO image begin at multiples of 2048, so that this stride finds whatever was
moved as it is; a stride of 1 also finds what moved by some bytes inside of a file (within a squashfs, say), and takes far longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from isomanager.errors import Cancelled
from isomanager.transfer.blocks.segments import MISSING, Places, ReadAt
from isomanager.transfer.blocks.zsync import BlockSums, md4
from isomanager.transfer.progress import Progress, Stop, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Keys = NDArray[np.uint64]

SECTOR = 2048
"""What files in an ISO image are aligned to, in bytes (ECMA-119, section 6.1.2)."""
_STRETCH = 2 << 20
_FILTER_BITS = 25


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
    """Put into `places` where in the donor of `size` bytes, which `read` reads, each block is."""
    wanted = _Wanted(sums)
    reach, stride = sums.block * sums.in_a_row, min(stride, sums.block)
    for start in range(0, size, _STRETCH):
        if stop.is_set():
            raise Cancelled("Stopped while blocks were looked for.")
        text = read(start, min(_STRETCH + reach - 1, size - start))
        if start + len(text) >= size:
            text += bytes(sums.block)  # the last block is filled up with zeros
        for offset, number in wanted.seen_in(text, stride):
            is_whole = start + offset + sums.block <= size or number == sums.count - 1
            if is_whole and places[number] == MISSING:
                places[number] = start + offset
        progress(min(start + _STRETCH, size), size)


class _Wanted:
    """The blocks that are looked for, by their rolling sums. Where two in a row must match, a key is the sums of both."""

    def __init__(self, sums: BlockSums) -> None:
        import numpy as np

        self._sums, self._found = sums, bytearray(sums.count)
        table = np.frombuffer(sums.sums, np.uint8).reshape(sums.count, sums.width)
        rolling = np.zeros(sums.count, np.uint64)
        for column in range(sums.rsum_bytes):
            rolling = (rolling << np.uint64(8)) | table[:, column]
        keys = rolling
        if sums.in_a_row == 2:
            keys = (rolling[:-1] << np.uint64(32)) | rolling[1:]
        self._mask = np.uint64((1 << 8 * sums.rsum_bytes) - 1)
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]
        self._filter = np.zeros(1 << _FILTER_BITS, np.bool_)
        self._filter[_spread(self._keys)] = True

    def seen_in(self, text: bytes, stride: int) -> Iterator[tuple[int, int]]:
        """Offsets in `text`, and the blocks that are there."""
        import numpy as np

        keys = self._keys_of(text, stride)
        if not len(keys) or not len(self._keys):
            return
        likely = np.flatnonzero(self._filter[_spread(keys)])
        first = np.searchsorted(self._keys, keys[likely])
        sure = (first < len(self._keys)) & (self._keys[np.minimum(first, len(self._keys) - 1)] == keys[likely])
        after = 0
        for at, lowest in zip((likely[sure] * stride).tolist(), first[sure].tolist(), strict=True):
            if at >= after:
                hits = self._hits(text, at, lowest)
                yield from hits
                after = at + self._sums.block if hits else after

    def _hits(self, text: bytes, at: int, lowest: int) -> list[tuple[int, int]]:
        """The blocks at `at`, and those that follow them where two in a row must match."""
        sums, key = self._sums, self._keys[lowest]
        seen: dict[int, bytes] = {}
        hits: list[tuple[int, int]] = []
        for place in range(lowest, len(self._keys)):
            if self._keys[place] != key:
                break
            number = int(self._order[place])
            if self._found[number] and self._found[min(number + sums.in_a_row - 1, sums.count - 1)]:
                hits.append((at, number))
                break  # these very bytes were found before: so were all the others like them
            if all(_is(sums, text, at, number, step, seen) for step in range(sums.in_a_row)):
                for step in range(sums.in_a_row):
                    self._found[number + step] = 1
                    hits.append((at + step * sums.block, number + step))
        return hits

    def _keys_of(self, text: bytes, stride: int) -> Keys:
        """The key at every `stride` bytes, as far as there is enough text after it."""
        import numpy as np

        block, data = self._sums.block, np.frombuffer(text, np.uint8).astype(np.uint32)
        if len(data) < block * self._sums.in_a_row:
            return np.zeros(0, np.uint64)
        total = np.concatenate((np.zeros(1, np.uint32), np.cumsum(data, dtype=np.uint32)))
        weighed = np.concatenate(
            (np.zeros(1, np.uint32), np.cumsum(data * np.arange(len(data), dtype=np.uint32), dtype=np.uint32))
        )
        begin = np.arange(0, len(data) - block + 1, stride)
        low = total[begin + block] - total[begin]
        high = (begin + block).astype(np.uint32) * low - (weighed[begin + block] - weighed[begin])
        rolling: Keys = ((low.astype(np.uint64) & np.uint64(0xFFFF)) << np.uint64(16)) | (high & np.uint32(0xFFFF))
        rolling &= self._mask
        if self._sums.in_a_row == 1:
            return rolling
        apart = block // stride
        both: Keys = (rolling[:-apart] << np.uint64(32)) | rolling[apart:]
        return both


def _is(sums: BlockSums, text: bytes, at: int, number: int, step: int, seen: dict[int, bytes]) -> bool:
    start = at + step * sums.block
    if step not in seen:
        seen[step] = md4(text[start : start + sums.block])[: sums.checksum_bytes]
    return seen[step] == sums.checksum(number + step)


def _spread(keys: Keys) -> Keys:
    """Where in the filter a key stands: the high bits of a product with the golden ratio."""
    import numpy as np

    return (keys * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - _FILTER_BITS)
