"""Bytes on their way to a bucket, handed to the HTTP client as they are."""

from __future__ import annotations

import io
import os


class Body(io.BytesIO):
    """Bytes that are read in place. A plain BytesIO is copied whole by aiohttp, which asks for its buffer to learn its size; that
    was a fifth of what sending a part costs, and nothing else was sent meanwhile."""

    def __init__(self, data: bytes | memoryview) -> None:
        super().__init__()
        self._bytes, self._at = memoryview(data), 0

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes: a view of them, which whatever sends them takes as well."""
        end = len(self._bytes) if size is None or size < 0 else min(self._at + size, len(self._bytes))
        begin, self._at = self._at, end
        return self._bytes[begin:end]  # type: ignore[return-value]

    def getbuffer(self) -> memoryview:
        """All of them; a view that may be released."""
        return memoryview(self._bytes)

    def getvalue(self) -> bytes:
        """All of them, copied."""
        return bytes(self._bytes)

    def tell(self) -> int:
        """How many were read."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go on from elsewhere: a request that is sent again begins again."""
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._bytes)}[whence]
        self._at = max(0, min(begin + offset, len(self._bytes)))
        return self._at


def kept(piece: memoryview) -> bytes | memoryview:
    """The bytes of `piece` as they are now, whatever becomes of the buffer: copied, unless it is one that never changes."""
    return piece if isinstance(piece.obj, bytes) else bytes(piece)
