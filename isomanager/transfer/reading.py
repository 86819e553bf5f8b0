"""Reading back what a store holds, in pieces: the next ones are on their way while one is used, and memory stays bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from isomanager.storage.contract import Partial, Store
from isomanager.storage.sources import StoredFile, look_up

PIECE = 4 << 20
_AHEAD = 4
"""Pieces asked for at the same time at most: a server answers while others are hashed or written."""
_MOST_AHEAD = 32 << 20
"""Bytes that may wait."""


def stored_pieces(store: Store, path: str) -> Iterator[bytes]:
    """The file's bytes from start to end; StoreError when it is missing, or changes while it is read."""
    yield from file_ranges(look_up(store, path))


def file_ranges(file: StoredFile, start: int = 0, *, piece: int = 0) -> Iterator[bytes]:
    """The bytes of `file` from `start` on, `piece` (else what is worth a read) at a time, in order."""
    yield from ahead(file.read, start, file.size, piece=piece or max(PIECE, file.store.traits.read_size))


def partial_pieces(partial: Partial, length: int) -> Iterator[bytes]:
    """The first `length` bytes of an unfinished file."""
    yield from ahead(partial.read, 0, length)


def ahead(read: Callable[[int, int], bytes], start: int, end: int, *, piece: int = 0) -> Iterator[bytes]:
    """What `read` gives for the ranges between `start` and `end`, in order, several asked for at once."""
    piece = piece or PIECE
    ranges = ((offset, min(piece, end - offset)) for offset in range(start, end, piece))
    if end - start <= piece:  # one piece or none: no thread is worth while
        yield from (read(*one) for one in ranges)
        return
    under_way: deque[Future[bytes]] = deque()
    count = max(2, min(_AHEAD, _MOST_AHEAD // piece))
    with ThreadPoolExecutor(count, thread_name_prefix="reading") as pool:
        try:
            under_way.extend(pool.submit(read, *one) for one in islice(ranges, count))
            while under_way:
                came = under_way.popleft().result()
                under_way.extend(pool.submit(read, *one) for one in islice(ranges, 1))
                yield came
        finally:
            for one in under_way:
                one.cancel()
