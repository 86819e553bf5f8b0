"""Bytes that are on this machine, or come by other ways than one answer, into a partial: in order, hashed as they pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from isomanager.errors import Cancelled
from isomanager.model import Received
from isomanager.storage.contract import Partial, Store, Validators
from isomanager.transfer.digesting import PIECE, Digester
from isomanager.transfer.download import Request
from isomanager.transfer.progress import Progress, Stop, silent


def store_pieces(
    request: Request,
    store: Store,
    pieces: Iterator[bytes],
    *,
    algorithms: tuple[str, ...],
    window: int,
    stop: Stop,
    size: int | None = None,
    progress: Progress = silent,
) -> Received:
    """The whole of `pieces` in a closed, durable partial of `store`, with its digests.

    `size` in bytes where it is known beforehand, `window` the bytes that may wait for the digest. Whatever ends it early
    removes the partial: what it was made from is still there to begin again. Raises Cancelled, StoreError and whatever
    `pieces` raises.
    """
    started, offset = monotonic(), 0
    partial = store.begin(request.final, size, Validators(), key=request.key)
    digester = Digester(algorithms, window)
    with _kept(partial, digester):
        for piece in granules(pieces):
            if stop.is_set():
                raise Cancelled(f"{request.final}: stopped while it was being put together.")
            partial.write(offset, piece)
            digester.update(piece)
            offset += len(piece)
            progress(offset, size)
        digests = digester.finish()
    return Received(partial=request.key, size=offset, digests=digests, seconds=monotonic() - started)


@contextmanager
def _kept(partial: Partial, digester: Digester) -> Iterator[None]:
    try:
        yield
        partial.checkpoint()
    except BaseException:
        partial.discard()
        raise
    finally:
        digester.abandon()
        partial.close()


def file_pieces(file: Path) -> Iterator[bytes]:
    """The bytes of a file on this machine, in order."""
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece


def granules(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of exactly 1 MiB, but for the last."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        while len(gathered) >= PIECE:
            yield bytes(gathered[:PIECE])
            del gathered[:PIECE]
    if gathered:
        yield bytes(gathered)
