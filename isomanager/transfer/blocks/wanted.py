"""The blocks that are looked for, known again by their rolling sums first and by their MD4 then. Needs numpy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isomanager.errors import FetchRefused
from isomanager.transfer.blocks.rolling import rolling_sums
from isomanager.transfer.blocks.segments import MISSING, Places
from isomanager.transfer.blocks.zsync import BlockSums

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from isomanager.transfer.blocks.rolling import Sums

    Keys = NDArray[np.uint64]

_FILTER_BITS = (16, 25)
_FEW, _FURTHER = 1 << 20, 256
"""So many, and one for so many bytes of the donor, may turn out to be others by their MD4: some do, as rolling sums are short."""

DigestAt = Callable[[int], bytes]
"""Gives the MD4 of the donor's block at a byte."""


@dataclass(frozen=True)
class Likely:
    """`places` in a text at which a block may be, and from where to where in `order` the numbers of those blocks stand."""

    places: list[int]
    lowest: list[int]
    beyond: list[int]
    order: NDArray[np.int64]

    def numbers(self, index: int) -> list[int]:
        """Of the blocks that may be at the place of that index."""
        found: list[int] = self.order[self.lowest[index] : self.beyond[index]].tolist()
        return found


class WantedBlocks:
    """The blocks of `sums`, to be found in a donor of `size` bytes. Where two in a row must match, a key is the sums of both."""

    def __init__(self, sums: BlockSums, size: int) -> None:
        import numpy as np

        self._sums, self._tries = sums, _FEW + size // _FURTHER
        self._table = np.frombuffer(sums.sums, np.uint8).reshape(sums.count, sums.width)
        rolling = np.zeros(sums.count, np.uint32)
        for column in range(sums.rsum_bytes):
            rolling = (rolling << np.uint32(8)) | self._table[:, column]
        self._mask = np.uint32((1 << 8 * sums.rsum_bytes) - 1)
        keys = _keys(*self._pairs(rolling, 1))
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]
        self._bits = min(max((16 * sums.count).bit_length(), _FILTER_BITS[0]), _FILTER_BITS[1])
        self._filter = np.zeros(1 << self._bits, np.bool_)
        self._filter[_spread(*self._pairs(rolling, 1), self._bits)] = True
        self._found = bytearray(sums.count)
        self.left = sums.count

    def _pairs(self, rolling: Sums, apart: int) -> tuple[Sums, Sums | None]:
        """The sums that make a key: of each place, and of the block after it where that counts too, `apart` places further."""
        return (rolling[:-apart], rolling[apart:]) if self._sums.in_a_row == 2 else (rolling, None)

    def likely(self, text: bytes, stride: int) -> Likely:
        """At which of every `stride` bytes of `text` a block may be, by the rolling sums."""
        import numpy as np

        rolling = rolling_sums(text, self._sums.block, stride) & self._mask
        first, second = self._pairs(rolling, self._sums.block // stride)
        passed = np.flatnonzero(self._filter.take(_spread(first, second, self._bits), mode="clip"))
        keys = _keys(first[passed], None if second is None else second[passed])
        lowest, beyond = np.searchsorted(self._keys, keys), np.searchsorted(self._keys, keys, "right")
        known = lowest < beyond
        places = passed[known] * stride
        return Likely(places.tolist(), lowest[known].tolist(), beyond[known].tolist(), self._order)

    def are_at(self, at: int, numbers: list[int], digest: DigestAt) -> list[int]:
        """Which of these blocks, all with the same key, is at `at`, and the next one after it where two in a row must match.

        The first alone where all were found before. FetchRefused (bad-data) when far too many turned out to be others.
        """
        row = range(self._sums.in_a_row)
        if not any(self.misses(number + step) for number in (numbers[0], numbers[-1]) for step in row):
            return numbers[:1]
        read = [digest(at + step * self._sums.block) for step in row]
        alike = [one for one in numbers if all(self._is(one + step, read[step]) for step in row)]
        if not alike:
            self._tries -= len(numbers)
            if self._tries < 0:
                raise FetchRefused("The blocks of a .zsync are too much alike to be told apart.", code="bad-data")
        return alike

    def is_block(self, number: int, digest: DigestAt, at: int) -> bool:
        """Whether that block is at `at`."""
        return self._is(number, digest(at))

    def _is(self, number: int, digest: bytes) -> bool:
        return digest[: self._sums.checksum_bytes] == self._sums.checksum(number)

    def misses(self, number: int) -> bool:
        """Whether there is such a block, and it was not found."""
        return number < self._sums.count and not self._found[number]

    def found(self, number: int) -> None:
        """It was."""
        self._found[number] = 1
        self.left -= 1

    def place_alike(self, places: Places) -> None:
        """Give blocks without a place that of one with the very same sums."""
        import numpy as np

        if not self.left:
            return
        wide = np.zeros((self._sums.count, 24), np.uint8)
        wide[:, : self._sums.width] = self._table
        one, two, three = wide.view(np.uint64).T
        mixed = one ^ (two * np.uint64(0x9E3779B97F4A7C15)) ^ (three * np.uint64(0xC2B2AE3D27D4EB4F))
        here = np.array(places)
        missing = np.flatnonzero(here == MISSING)
        placed = np.flatnonzero(here[:-1] != MISSING)  # of the last block there may be less in the donor
        if not len(placed):
            return
        kinds, first = np.unique(mixed[placed], return_index=True)
        where = np.minimum(np.searchsorted(kinds, mixed[missing]), len(kinds) - 1)
        same = kinds[where] == mixed[missing]
        for number, like in zip(missing[same].tolist(), placed[first[where[same]]].tolist(), strict=True):
            places[number] = places[like]


def _keys(first: Sums, second: Sums | None) -> Keys:
    import numpy as np

    one: Keys = first.astype(np.uint64)
    return one if second is None else (one << np.uint64(32)) | second


def _spread(first: Sums, second: Sums | None, bits: int) -> Sums:
    """Where in a filter of 2^bits entries a key stands: the high bits of products with odd numbers (the golden ratio's first)."""
    import numpy as np

    mixed = first * np.uint32(0x9E3779B1)
    if second is not None:
        mixed += second * np.uint32(0x85EBCA6B)
    mixed >>= np.uint32(32 - bits)
    return mixed
