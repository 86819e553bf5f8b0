"""What a signature covers: bytes, or a file, which is read as a stream or mapped, so that its size costs no memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Data = bytes | Path
"""A document in memory, or a file on this machine."""

Buffer = bytes | memoryview

_PIECE = 4 << 20


def pieces_of(data: Data) -> Iterator[bytes]:
    """The bytes one piece after the other."""
    if isinstance(data, bytes):
        yield data
        return
    with data.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


@contextmanager
def mapped(data: Data) -> Iterator[Buffer]:
    """The whole of the bytes as one buffer; a file is mapped read-only."""
    if isinstance(data, bytes):
        yield data
    elif data.stat().st_size == 0:
        yield b""
    else:
        with data.open("rb") as file, _mapping(file.fileno()) as view:
            yield view


@contextmanager
def _mapping(descriptor: int) -> Iterator[memoryview]:
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as whole, memoryview(whole) as view:
        yield view


def content_of(data: Data) -> bytes:
    """The bytes of a document; a file that carries its own signature is a document too."""
    return data if isinstance(data, bytes) else data.read_bytes()
