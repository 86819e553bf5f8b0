"""The receiving half of a transfer: pieces from the network into a partial and a digest, in one pass, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic

import httpx

from isomanager.errors import BodyTruncated, FetchRefused, IsoManagerError, Stalled, StoreError
from isomanager.model import Digests
from isomanager.storage.contract import Partial
from isomanager.transfer.digesting import PIECE, Digester
from isomanager.transfer.flushing import Flusher
from isomanager.transfer.limits import Limits
from isomanager.transfer.progress import Progress, Stop
from isomanager.transfer.stopping import cancelled


@dataclass(frozen=True)
class Receiver:
    """Receives from one address; `told` is the address without secrets, `clock` gives seconds that only grow."""

    told: str
    algorithms: tuple[str, ...]
    limits: Limits
    progress: Progress
    stop: Stop
    clock: Callable[[], float] = monotonic

    def receive(
        self, pieces: Iterator[bytearray], partial: Partial, start: int, total: int | None
    ) -> tuple[Digests, int]:
        """Digests of the whole file and its size in bytes, `pieces` being what comes after byte `start`.

        `total` is the whole size, None when nobody says. What came is kept, whatever happens: BodyTruncated, Stalled,
        Cancelled and a broken connection leave a partial that can be continued.
        """
        digester = Digester(self.algorithms, self.limits.window)
        try:
            self._replay(digester, partial, start)
            self.progress(start, total)
            size = self._copy(pieces, partial, digester, start, total)
            return digester.finish(), size
        except FetchRefused:
            partial.discard()  # not the file it was said to be: nothing of it is worth keeping
            raise
        finally:
            digester.abandon()

    def reread(self, partial: Partial, length: int) -> Digests:
        """The digests of `length` bytes that are there already."""
        digester = Digester(self.algorithms, self.limits.window)
        try:
            self._replay(digester, partial, length)
            return digester.finish()
        finally:
            digester.abandon()

    def _replay(self, digester: Digester, partial: Partial, length: int) -> None:
        for offset in range(0, length, PIECE):
            if self.stop.is_set():
                raise cancelled(self.told)
            wanted = min(PIECE, length - offset)
            piece = partial.read(offset, wanted)
            if len(piece) != wanted:
                raise StoreError(
                    f"The unfinished file {partial.ref.key} has fewer bytes than were written to it.",
                    code="changed",
                    hint="Something else changed it; the download starts again when it is run again.",
                    key=partial.ref.key,
                )
            digester.update(piece)

    def _copy(
        self, pieces: Iterator[bytearray], partial: Partial, digester: Digester, start: int, total: int | None
    ) -> int:
        offset, ceiling = start, self.limits.max_bytes if total is None else total
        flusher = Flusher(partial, self.limits, self.clock)
        try:
            for piece in pieces:
                self._refuse_beyond(ceiling, offset + len(piece))
                partial.write(offset, piece)
                digester.update(piece)
                offset += len(piece)
                self.progress(offset, total)
                flusher.wrote(len(piece))
        finally:
            flusher.settle()
        if total is not None and offset != total:
            raise BodyTruncated(
                f"{self.told} ended after {offset} of {total} bytes.", url=self.told, got=offset, expected=total
            )
        return offset

    def _refuse_beyond(self, ceiling: int, reached: int) -> None:
        if reached > ceiling:
            raise FetchRefused(
                f"{self.told} sends more than the {ceiling} bytes it may have.", code="too-large", url=self.told
            )

    def watched(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The same pieces, until a stop is asked for or they come too slowly.

        Only the time spent waiting for the network counts: a slow disk or digest is not the server's fault.
        """
        waited, came = 0.0, 0
        while True:
            asked = self.clock()
            piece = self._next(pieces)
            if piece is None:
                return
            waited, came = waited + self.clock() - asked, came + len(piece)
            if waited >= self.limits.stall_timeout:
                if came < self.limits.stall_bytes_per_second * waited:
                    raise Stalled(f"{self.told}: only {came} bytes came in {waited:.0f} s.", url=self.told)
                waited, came = 0.0, 0
            yield piece

    def _next(self, pieces: Iterator[bytes]) -> bytes | None:
        if self.stop.is_set():
            raise cancelled(self.told)
        try:
            piece = next(pieces, None)
        except httpx.TransportError as wrong:
            if self.stop.is_set():
                raise cancelled(self.told) from wrong
            raise
        if piece is None and self.stop.is_set():
            # where no length is announced, a connection that the stop shut down looks like the end of the file
            raise cancelled(self.told)
        return piece


def aligned(pieces: Iterator[bytes], start: int) -> Iterator[bytearray]:
    """Gather network pieces into whole granules, the first one completing the granule in which a resume starts.

    What was gathered is handed on even when the transfer breaks off, so that a resume starts where the bytes really end: a
    server that never manages a granule at a time is still brought to the end.
    """
    granule, wanted = bytearray(), PIECE - start % PIECE
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while len(rest):
                taken = rest[: wanted - len(granule)]
                granule += taken
                rest = rest[len(taken) :]
                if len(granule) == wanted:
                    yield granule
                    granule, wanted = bytearray(), PIECE
    except (httpx.HTTPError, IsoManagerError):
        if granule:
            yield granule
        raise
    if granule:
        yield granule
