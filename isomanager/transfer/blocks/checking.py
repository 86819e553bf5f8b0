"""Which blocks of a file are still good: each at its own place, by the hashes of a torrent or of a .zsync, or by another copy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from isomanager.errors import Cancelled
from isomanager.transfer.blocks.segments import Places, ReadAt, blocks_of, nowhere
from isomanager.transfer.progress import Progress, Stop, silent
from isomanager.transfer.torrent.metainfo import Contained, Metainfo

_READ = 4 << 20

Matches = Callable[[int, bytes], bool]
"""Whether the block of that number is these bytes."""


def good_blocks(
    read: ReadAt,
    size: int,
    block: int,
    matches: Matches,
    *,
    stop: Stop,
    first: int = 0,
    progress: Progress = silent,
) -> Places:
    """The blocks of `block` bytes that are as they should be, of a file of `size` bytes that begins `first` bytes within block 0.

    The file may be shorter or longer than it should be. Blocks that reach beyond it are looked at as far as it goes.
    """
    good = nowhere(blocks_of(size, block, first=first))
    for number, start, content in _blocks(read, size, block, first):
        if stop.is_set():
            raise Cancelled("Stopped while good blocks were looked for.")
        expected = min((number + 1) * block - first, size) - start
        if len(content) == expected and matches(number, content):
            good[number] = start
        progress(start + len(content), size)
    return good


def _blocks(read: ReadAt, size: int, block: int, first: int) -> Iterator[tuple[int, int, bytes]]:
    number, start = 0, 0
    while start < size:
        whole = max(1, _READ // block)
        end = min((number + whole) * block - first, size)
        content = read(start, end - start)
        offset = 0
        while offset < len(content):
            length = min((number + 1) * block - first - (start + offset), len(content) - offset)
            yield number, start + offset, content[offset : offset + length]
            number, offset = number + 1, offset + length
        if len(content) < end - start:  # it is shorter than it should be
            return
        start = end


def torrent_matches(metainfo: Metainfo, wanted: Contained) -> tuple[int, Matches]:
    """How many bytes before the file's first one its first piece begins, and whether a piece is as its SHA-1 says.

    A piece that other files share cannot be judged, and counts as bad.
    """
    length = metainfo.piece_length
    before, first = divmod(wanted.offset, length)
    last_end = sum(one.size for one in metainfo.files) if metainfo.is_single else 0

    def matches(number: int, content: bytes) -> bool:
        piece = before + number
        is_whole = len(content) == length or (metainfo.is_single and number * length + len(content) == last_end)
        expected = metainfo.sha1_pieces[20 * piece : 20 * piece + 20]
        return is_whole and hashlib.sha1(content, usedforsecurity=False).digest() == expected

    return first, matches
