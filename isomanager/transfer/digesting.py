"""Digests taken beside the transfer: a thread hashes behind the front while the next bytes arrive. Memory is bounded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from queue import Queue
from threading import Event, Thread

from isomanager.model import ALGORITHMS, Digests

Buffer = bytes | bytearray | memoryview

PIECE = 1 << 20
"""Bytes handed from network to disk and digest at a time."""


def new_hash(algorithm: str) -> hashlib._Hash:
    """A hashlib object; `blake2b` is the 512-bit form that b2sum prints."""
    if algorithm not in ALGORITHMS:
        raise ValueError(f"{algorithm} is not one of {', '.join(ALGORITHMS)}")
    return hashlib.new(algorithm, usedforsecurity=False)


def digests_of(pieces: Iterable[Buffer], algorithms: Iterable[str]) -> Digests:
    """The digests of `pieces` one after the other."""
    hashes = {algorithm: new_hash(algorithm) for algorithm in algorithms}
    for piece in pieces:
        for one in hashes.values():
            one.update(piece)
    return {algorithm: one.hexdigest() for algorithm, one in hashes.items()}


class Digester:
    """Hashes what it is given, in order, in a thread of its own; at most `window` bytes wait, in pieces of `piece`.

    Who wants a piece back names `done`, which is called with each once it is hashed, or never will be.
    """

    def __init__(
        self,
        algorithms: Iterable[str],
        window: int,
        *,
        piece: int = PIECE,
        done: Callable[[Buffer], None] | None = None,
    ) -> None:
        self._hashes = {algorithm: new_hash(algorithm) for algorithm in algorithms}
        self._waiting: Queue[Buffer | None] = Queue(maxsize=max(2, window // piece))
        self._done = done
        self._abandoned = Event()
        self._thread = Thread(target=self._run, name="digester", daemon=True)
        self._thread.start()

    def update(self, piece: Buffer) -> None:
        """Hand over the next bytes; waits while the window is full."""
        self._waiting.put(piece)

    def finish(self) -> Digests:
        """Wait until everything is hashed, and return the digests."""
        self._end()
        return {algorithm: one.hexdigest() for algorithm, one in self._hashes.items()}

    def abandon(self) -> None:
        """Let the thread go without hashing what still waits. After `finish` this does nothing."""
        self._abandoned.set()
        self._end()

    def _end(self) -> None:
        if self._thread.is_alive():
            self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (piece := self._waiting.get()) is not None:
            for one in self._hashes.values():
                if not self._abandoned.is_set():
                    one.update(piece)
            if self._done is not None:
                self._done(piece)
