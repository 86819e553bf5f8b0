"""Digests taken behind the front while the network brings more: one pass, in the file's order, off the receiving threads.

Where a store can read back what is unfinished, the bytes are read again behind the front, out of the system's page cache:
whatever the size and however many connections, no memory is held. Where it cannot, what came early waits in memory, bounded
by the window.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread
from typing import Protocol

from isomanager.errors import StoreError
from isomanager.model import Digests
from isomanager.storage.contract import Partial
from isomanager.transfer.digesting import PIECE, Buffer, new_hash


class Follower(Protocol):
    """Takes the digests of a file whose bytes come out of order."""

    @property
    def hashed(self) -> int:
        """Bytes from the start that are in the digests."""
        ...

    def wrote(self, offset: int, piece: memoryview, front: int) -> None:
        """`piece` is written at `offset`; the file has no hole before `front`."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait a moment for everything up to the front; whether it is in the digests. Raises what went wrong."""
        ...

    def digests(self) -> Digests:
        """Of what is hashed so far."""
        ...

    def abandon(self) -> None:
        """Stop. A repeat does nothing."""
        ...


class _Following:
    """A thread that hashes up to the front what `piece` gives for a place and the most bytes."""

    def __init__(self, algorithms: tuple[str, ...], piece: Callable[[int, int], Buffer], front: int = 0) -> None:
        self._piece = piece
        self._hashes = {algorithm: new_hash(algorithm) for algorithm in algorithms}
        self._moved = Condition()
        self._front, self._over = front, False
        self._wrong: Exception | None = None
        self.hashed = 0
        self._thread = Thread(target=self._run, name="following", daemon=True)
        self._thread.start()

    def _reached(self, front: int) -> None:
        with self._moved:
            if front > self._front:
                self._front = front
                self._moved.notify_all()

    def _run(self) -> None:
        while (length := self._wait_for_more()) > 0:
            try:
                piece = self._piece(self.hashed, min(length, PIECE))
            except Exception as wrong:  # noqa: BLE001 - raised again in the thread that waits for the digests
                with self._moved:
                    self._wrong = wrong
                    self._moved.notify_all()
                return
            for one in self._hashes.values():
                one.update(piece)
            with self._moved:
                self.hashed += len(piece)
                self._moved.notify_all()

    def _wait_for_more(self) -> int:
        with self._moved:
            self._moved.wait_for(lambda: self._over or self._front > self.hashed)
            return 0 if self._over else self._front - self.hashed

    def wait(self, seconds: float) -> bool:
        """Wait a moment for everything up to the front; whether it is in the digests. Raises what went wrong."""
        with self._moved:
            self._moved.wait_for(lambda: self._wrong is not None or self.hashed >= self._front, seconds)
            if self._wrong is not None:
                raise self._wrong
            return self.hashed >= self._front

    def digests(self) -> Digests:
        """Of what is hashed so far."""
        return {algorithm: one.hexdigest() for algorithm, one in self._hashes.items()}

    def abandon(self) -> None:
        """Stop. A repeat does nothing."""
        with self._moved:
            self._over = True
            self._moved.notify_all()
        self._thread.join()


class ReadingFollower(_Following):
    """Reads back what it hashes, beginning at byte 0, whatever was there before this run included."""

    def __init__(self, partial: Partial, algorithms: tuple[str, ...], front: int) -> None:
        self._partial = partial
        super().__init__(algorithms, self._read, front)

    def wrote(self, offset: int, piece: memoryview, front: int) -> None:  # noqa: ARG002 - read back, not kept
        """The front moved."""
        self._reached(front)

    def _read(self, offset: int, length: int) -> bytes:
        piece = self._partial.read(offset, length)
        if len(piece) != length:
            key = self._partial.ref.key
            raise StoreError(
                f"The unfinished file {key} has fewer bytes than were written to it.",
                code="changed",
                hint="Something else changed it; the download starts again when it is run again.",
                key=key,
            )
        return piece


class KeepingFollower(_Following):
    """Keeps what it is to hash in memory until its turn comes. The pieces are kept as they are handed over, not copied."""

    def __init__(self, algorithms: tuple[str, ...]) -> None:
        self._kept: dict[int, memoryview] = {}
        super().__init__(algorithms, self._next)

    def wrote(self, offset: int, piece: memoryview, front: int) -> None:
        """Keep the piece until everything before it is hashed."""
        with self._moved:
            self._kept[offset] = piece
        self._reached(front)

    def _next(self, offset: int, length: int) -> memoryview:  # noqa: ARG002 - whole pieces, as they came
        with self._moved:
            return self._kept.pop(offset)
