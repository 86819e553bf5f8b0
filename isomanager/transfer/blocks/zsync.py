"""The .zsync format: what a file consists of, block by block, so that only what differs need be fetched.

Colin Phipps' zsync 0.6 (http://zsync.moria.org.uk/): a header of `Name: value` lines, an empty line, then for each block of
`Blocksize` bytes the last `rsum` bytes of its rolling sum (a and b, 16 bits each, big-endian) and the first `checksum` bytes of its
MD4. `Hash-Lengths: matches,rsum,checksum`; where `matches` is 2, two blocks in a row must match before either counts. The last
block is filled up with zeros. The sums are short: they tell where to look, and the whole file is proved by other digests.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from isomanager.errors import FetchRefused
from isomanager.transfer.blocks.checking import Matches

if TYPE_CHECKING:
    from Crypto.Hash import MD4

MAX_ZSYNC_BYTES = 128 << 20
"""One of an 8 GiB image in blocks of 2 KiB has at most 84 MiB."""
_MAX_HEADER = 64 << 10


@dataclass(frozen=True)
class BlockSums:
    """A .zsync, read. `block` and `size` in bytes; `sums` as they stand in the file, `width` bytes for each block."""

    filename: str
    block: int
    size: int
    in_a_row: int
    rsum_bytes: int
    checksum_bytes: int
    sums: bytes

    @property
    def width(self) -> int:
        """Bytes of the sums of one block."""
        return self.rsum_bytes + self.checksum_bytes

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return -(-self.size // self.block)

    def checksum(self, number: int) -> bytes:
        """The beginning of the MD4 of a block."""
        return self.sums[number * self.width + self.rsum_bytes : (number + 1) * self.width]


def is_installed() -> bool:
    """Whether what the sums need is there: MD4, which OpenSSL 3 no longer has, and arrays for rolling sums."""
    return all(importlib.util.find_spec(name) is not None for name in ("Crypto", "numpy"))


def md4(block: bytes) -> bytes:
    """The MD4 of a block, 16 bytes."""
    return _md4_class()(block).digest()


@cache
def _md4_class() -> type[MD4.MD4Hash]:
    from Crypto.Hash import MD4  # the extra `delta` brings it

    return MD4.MD4Hash


def read_zsync(content: bytes, told: str) -> BlockSums:
    """The sums in `content`; FetchRefused (bad-data) that names `told` when there are none, or they contradict themselves."""
    try:
        return _read(content)
    except (ValueError, KeyError) as wrong:
        raise FetchRefused(f"{told} is not a usable .zsync: {wrong}.", code="bad-data", url=told) from wrong


def _read(content: bytes) -> BlockSums:
    head, found, sums = content[:_MAX_HEADER].partition(b"\n\n")
    if not found or not head.startswith(b"zsync:"):
        raise ValueError("it has no header")
    sums = content[len(head) + 2 :]
    said = dict(line.split(": ", 1) for line in head.decode("utf-8", "replace").splitlines() if ": " in line)
    if "Z-Map2" in said:
        raise ValueError("it is of a compressed file")
    in_a_row, rsum_bytes, checksum_bytes = (_number(one) for one in said.get("Hash-Lengths", "1,4,16").split(","))
    read = BlockSums(
        said.get("Filename", ""),
        _number(said["Blocksize"]),
        _number(said["Length"]),
        in_a_row,
        rsum_bytes,
        checksum_bytes,
        sums,
    )
    if in_a_row not in (1, 2) or not 1 <= rsum_bytes <= 4 or not 3 <= checksum_bytes <= 16:
        raise ValueError("its sums have lengths that do not exist")
    if not 512 <= read.block <= 1 << 20 or read.block & (read.block - 1):
        raise ValueError(f"its blocks have {read.block} bytes")
    if len(sums) != read.count * read.width or not read.count:
        raise ValueError("its sums are not as many as its size needs")
    return read


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 15:
        raise ValueError(f"'{text:.20}' is no number")
    return int(text)


def zsync_matches(sums: BlockSums) -> Matches:
    """Whether a block is as its MD4 says, as far as the .zsync tells it."""

    def matches(number: int, content: bytes) -> bool:
        return md4(content.ljust(sums.block, b"\0"))[: sums.checksum_bytes] == sums.checksum(number)

    return matches
