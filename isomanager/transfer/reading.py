"""Reading back what a store holds, in pieces: memory stays bounded whatever the size."""

from __future__ import annotations

from collections.abc import Iterator

from isomanager.errors import StoreError
from isomanager.storage.contract import Partial, Store

PIECE = 4 << 20


def stored_pieces(store: Store, path: str) -> Iterator[bytes]:
    """The file's bytes from start to end; StoreError when it is missing, or changes while it is read."""
    entry = store.stat(path)
    if entry is None:
        raise StoreError(f"'{path}' is not in {store.url}.", code="missing", path=path)
    for offset in range(0, entry.size, PIECE):
        yield store.read(path, offset, min(PIECE, entry.size - offset), if_match=entry.etag)


def partial_pieces(partial: Partial, length: int) -> Iterator[bytes]:
    """The first `length` bytes of an unfinished file."""
    for offset in range(0, length, PIECE):
        yield partial.read(offset, min(PIECE, length - offset))
