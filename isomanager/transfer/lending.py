"""A file of this machine, read into a few buffers that are used again and again.

Fresh memory for each piece costs as much as copying it does: the system has to find every page, and to empty it first.
"""

from __future__ import annotations

from collections.abc import Iterator
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self

from isomanager.storage.local import SteadyFile
from isomanager.transfer.digesting import Buffer

LENT = 512 << 10
"""Bytes of a piece."""
_BUFFERS = 8
"""A few may wait for each of those who read, write and hash: more would only leave the processor's cache."""


class Lender:
    """The pieces of `file` in order, read ahead by a thread of its own. Whoever is done with a piece gives it back, and looks at it
    no more; reading waits for that. Used in a `with` block, at whose end the file is closed."""

    def __init__(self, file: SteadyFile) -> None:
        self._file = file
        self._free: SimpleQueue[memoryview | None] = SimpleQueue()
        self._filled: SimpleQueue[memoryview | BaseException | None] = SimpleQueue()
        self._thread = Thread(target=self._read, name="reading", daemon=True)

    def __enter__(self) -> Self:
        """Begin to read."""
        for _ in range(_BUFFERS):
            self._free.put(memoryview(bytearray(LENT)))
        self._thread.start()
        return self

    def __iter__(self) -> Iterator[memoryview]:
        """The pieces. Raises what reading raises."""
        while (piece := self._filled.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    def give_back(self, piece: Buffer) -> None:
        """Nobody looks at `piece` any more."""
        self._free.put(memoryview(memoryview(piece).obj))

    def _read(self) -> None:
        try:
            left = self._file.size
            while left > 0 and (buffer := self._free.get()) is not None:
                piece = buffer[: min(left, LENT)]
                self._file.fill(piece)
                left -= len(piece)
                self._filled.put(piece)
            self._filled.put(None)
        except BaseException as wrong:  # noqa: BLE001 - raised again in the thread that takes the pieces
            self._filled.put(wrong)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._free.put(None)
        self._thread.join()
        self._file.close()
