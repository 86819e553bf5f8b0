"""Unpacking what vendors compress: one image out of one file, in pieces, never more bytes than allowed.

Decompressors are fed piece by piece and their output is bounded at every step, so that a small file which unpacks to a huge
one costs neither memory nor disk beyond `max_bytes`.
"""

from __future__ import annotations

import bz2
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Protocol

from isomanager.errors import Refused
from isomanager.model import Packing

PIECE = 1 << 20
_MEMORY_LIMIT = 512 << 20
"""What an .xz file may ask its decompressor to keep: the largest preset (-9) needs 65 MiB."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...


def unpack(file: Path, packing: Packing) -> Iterator[bytes]:
    """The image inside `file`, in pieces of at most 1 MiB.

    Raises Refused: `not-packed` when the file is damaged or not of that kind, `too-large` beyond `packing.max_bytes`,
    `ambiguous` when a zip archive holds several members that fit, `not-an-iso` when it holds none.
    """
    came = 0
    with _damage_is_refused(file, packing):
        for piece in _KINDS[packing.kind](file, packing):
            came += len(piece)
            if came > packing.max_bytes:
                raise Refused(
                    f"{file.name} unpacks to more than the {packing.max_bytes} bytes that are plausible.",
                    code="too-large",
                    hint="If the image really is that large, raise `max` under unpack in its product file.",
                )
            yield piece


@contextmanager
def _damage_is_refused(file: Path, packing: Packing) -> Iterator[None]:
    try:
        yield
    except (
        EOFError,
        OSError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        RuntimeError,
        NotImplementedError,
    ) as wrong:
        if isinstance(wrong, OSError) and wrong.errno is not None:
            raise  # the disk's trouble, not the file's
        raise Refused(f"{file.name} cannot be unpacked as {packing.kind}: {wrong}.", code="not-packed") from wrong


def _zip(file: Path, packing: Packing) -> Iterator[bytes]:
    with zipfile.ZipFile(file) as archive:
        fitting = [one for one in archive.infolist() if not one.is_dir() and _fits(one.filename, packing.member)]
        if len(fitting) != 1:
            told = ", ".join(one.filename for one in fitting[:5]) or "none"
            code = "ambiguous" if fitting else "not-an-iso"
            raise Refused(f"{file.name} should hold one {packing.member}; it holds {told}.", code=code)
        with archive.open(fitting[0]) as member:
            yield from _pieces(member)


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name.rpartition("/")[2].lower(), pattern.lower())


def _streamed(make: Callable[[], _Decompressor]) -> Callable[[Path, Packing], Iterator[bytes]]:
    """A kind that is one stream, or several one after the other (as `cat a.bz2 b.bz2` and parallel compressors make)."""

    def read(file: Path, _packing: Packing) -> Iterator[bytes]:
        with file.open("rb") as packed:
            one, waiting = make(), packed.read(PIECE)
            while waiting or not one.eof:
                if one.eof:
                    one = make()
                yield from _filled(one.decompress(waiting, PIECE))
                while not one.eof and not getattr(one, "needs_input", True):
                    yield from _filled(one.decompress(b"", PIECE))
                waiting = one.unused_data if one.eof else b""
                if not waiting:
                    waiting = packed.read(PIECE)
                    if not waiting and not one.eof:
                        raise EOFError("it ends in the middle")

    return read


def _filled(piece: bytes) -> Iterator[bytes]:
    if piece:
        yield piece


class _Gunzip:
    """zlib's gzip decompressor behind the interface that bz2 and lzma share."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max(max_length, 0))


def _pieces(opened: IO[bytes]) -> Iterator[bytes]:
    while piece := opened.read(PIECE):
        yield piece


_KINDS: dict[str, Callable[[Path, Packing], Iterator[bytes]]] = {
    "zip": _zip,
    "bz2": _streamed(bz2.BZ2Decompressor),
    "xz": _streamed(lambda: lzma.LZMADecompressor(memlimit=_MEMORY_LIMIT)),
    "gz": _streamed(_Gunzip),
}
