"""From one store into another: read by ranges, hashed as it passes, continued where an earlier run stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from isomanager.errors import FetchRefused
from isomanager.model import Received
from isomanager.storage.contract import CopiesByServer, Partial, PartialRef, Store, Validators
from isomanager.storage.sources import StoredFile
from isomanager.transfer.digesting import Digester
from isomanager.transfer.download import Request
from isomanager.transfer.flushing import Flusher
from isomanager.transfer.limits import Limits
from isomanager.transfer.progress import Progress, Stop, silent
from isomanager.transfer.reading import PIECE, file_ranges, partial_pieces
from isomanager.transfer.resuming import partial_named
from isomanager.transfer.stopping import cancelled


def receive_stored(
    file: StoredFile,
    request: Request,
    store: Store,
    *,
    limits: Limits,
    progress: Progress = silent,
    stop: Stop,
) -> Received:
    """The whole of `file` in a closed, durable partial of `store`, with its digests; what came stays for another try.

    FetchRefused when its size is not the one that is expected, StoreError when it changes while it is read, Cancelled, and
    whatever the stores raise.
    """
    if request.size not in (None, file.size):
        raise FetchRefused(
            f"{file.told} has {file.size} bytes; {request.size} are expected.", code="wrong-size", url=file.told
        )
    started = monotonic()
    seen = Validators(etag=file.entry.etag, size=file.size, digests=tuple(sorted(request.expected.items())))
    partial = store.begin(request.final, file.size, seen, key=request.key, resume=_resumable(store, request.key))
    if isinstance(partial, CopiesByServer):
        partial.copy_from(file.store, file.path, file.entry.etag)
    digester = Digester(request.algorithms, limits.window)
    with _kept(partial, digester):
        front = partial.front()
        for piece in _watched(partial_pieces(partial, front), stop, file):
            digester.update(piece)
        _copy(file, front, partial, digester, store.traits.granule, limits, progress, stop)
        digests = digester.finish()
    seconds = monotonic() - started
    return Received(
        partial=request.key,
        size=file.size,
        digests=digests,
        url=file.told,
        etag=file.entry.etag,
        seconds=seconds,
        resumed_at=front,
    )


def _resumable(store: Store, key: str) -> PartialRef | None:
    """What an earlier run left, where it can be read back for the digest."""
    return partial_named(store, key) if store.traits.readable_partial else None


def _copy(
    file: StoredFile,
    front: int,
    partial: Partial,
    digester: Digester,
    granule: int,
    limits: Limits,
    progress: Progress,
    stop: Stop,
) -> None:
    flusher, offset = Flusher(partial, limits, monotonic), front
    progress(offset, file.size)
    try:
        for piece in _watched(file_ranges(file, front, piece=_whole_granules(file, granule)), stop, file):
            partial.write(offset, piece)
            digester.update(piece)
            offset += len(piece)
            flusher.wrote(len(piece))
            progress(offset, file.size)
    finally:
        flusher.settle()


def _whole_granules(file: StoredFile, granule: int) -> int:
    """Bytes to read at a time, so that the other store can take them."""
    worth = max(PIECE, file.store.traits.read_size)
    return max(granule, worth // granule * granule)


def _watched(pieces: Iterator[bytes], stop: Stop, file: StoredFile) -> Iterator[bytes]:
    for piece in pieces:
        if stop.is_set():
            raise cancelled(file.told)
        yield piece


@contextmanager
def _kept(partial: Partial, digester: Digester) -> Iterator[None]:
    """Close whatever happens: what came is durable, and another try goes on from there."""
    try:
        yield
    finally:
        digester.abandon()
        partial.close()
