"""Writing a bundle: into a folder, file by file, or as one tar archive, compressed where that is worth anything.

Installation media are packed inside: they hardly shrink. So a sample of every image is compressed first, and one that would not
lose a twentieth goes in as it is, at the speed of the disk. Each file is a zstd frame of its own; `zstd -d` and `tar` read them.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol

import zstandard

from isomanager.errors import StoreError
from isomanager.storage.durable import make_folders, sync_folder
from isomanager.storage.sources import StoredFile
from isomanager.transfer.reading import file_ranges

Compress = Literal["auto", "always", "never"]

_BLOCK = 512
_RECORD = 20 * _BLOCK
_LEVEL = 6
_SAMPLES, _SAMPLE = 16, 256 << 10
WORTH = 0.95
"""An image is compressed when its sample is no larger than this part of itself."""


class BundleWriter(Protocol):
    """Files come in the manifest's order. `written` is how many bytes the bundle has."""

    written: int

    def manifest(self, name: str, data: bytes) -> None:
        """The manifest or its signature: first in an archive, last in a folder."""
        ...

    def small(self, name: str, data: bytes) -> None:
        """A key or a receipt."""
        ...

    def image(self, name: str, file: StoredFile, pieces: Iterable[bytes], *, shrinks: bool) -> None:
        """An image; `pieces` are the bytes of `file`."""
        ...


@contextmanager
def folder_writer(folder: Path) -> Iterator[BundleWriter]:
    """A writer into a folder. What an earlier run wrote whole is kept; a manifest is there only when everything is."""
    writer = _Folder(folder)
    make_folders(folder)
    yield writer
    writer.finish()


@contextmanager
def tar_writer(file: Path, *, packed: bool) -> Iterator[BundleWriter]:
    """A writer of an archive, which has its name only when it is whole."""
    make_folders(file.parent)
    fresh = file.with_name(f".{file.name}.part")
    try:
        with fresh.open("wb") as opened:
            writer = _Tar(opened.write, packed=packed)
            yield writer
            writer.finish()
            opened.flush()
            os.fsync(opened.fileno())
        fresh.replace(file)
        sync_folder(file.parent)
    finally:
        fresh.unlink(missing_ok=True)


def shrinks(file: StoredFile) -> bool:
    """Whether a sample of the file, taken all over it, compresses to less than `WORTH` of itself."""
    step = max(_SAMPLE, file.size // _SAMPLES)
    pieces = [file.read(start, min(_SAMPLE, file.size - start)) for start in range(0, file.size, step)]
    sample = b"".join(pieces)
    return len(zstandard.ZstdCompressor(level=_LEVEL).compress(sample)) < WORTH * len(sample)


def proved_pieces(file: StoredFile, sha256: str) -> Iterator[bytes]:
    """The file's bytes; StoreError(code="wrong-digest") at the end when they are not those that are meant."""
    digest = hashlib.sha256()
    for piece in file_ranges(file):
        digest.update(piece)
        yield piece
    if digest.hexdigest() != sha256:
        told = f"{file.told} has the SHA-256 {digest.hexdigest()}, and its receipt says {sha256}."
        raise StoreError(told, code="wrong-digest", hint="`isomanager verify` says more. No bundle was written.")


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._root, self.written = folder, 0
        self._last: list[tuple[str, bytes]] = []

    def manifest(self, name: str, data: bytes) -> None:
        self._last.append((name, data))
        (self._root / name).unlink(missing_ok=True)  # of an earlier bundle: it says nothing of this one

    def small(self, name: str, data: bytes) -> None:
        self._write(name, [data])

    def image(self, name: str, file: StoredFile, pieces: Iterable[bytes], *, shrinks: bool) -> None:  # noqa: ARG002
        there = self._root / name
        if there.is_file() and there.stat().st_size == file.size:
            return  # files have their names only when they are whole; whoever imports them hashes them
        self._write(name, pieces)

    def _write(self, name: str, pieces: Iterable[bytes]) -> None:
        final = self._root / name
        make_folders(final.parent)
        fresh = final.with_name(f".{final.name}.part")
        try:
            with fresh.open("wb") as opened:
                for piece in pieces:
                    opened.write(piece)
                    self.written += len(piece)
                opened.flush()
                os.fsync(opened.fileno())
            fresh.replace(final)
            sync_folder(final.parent)
        finally:
            fresh.unlink(missing_ok=True)

    def finish(self) -> None:
        for name, data in reversed(self._last):  # the signature before what it signs: the manifest ends it
            self._write(name, [data])


class _Write(Protocol):
    def __call__(self, data: bytes, /) -> int: ...


class _Tar:
    def __init__(self, write: _Write, *, packed: bool) -> None:
        self._write, self._packed = write, packed
        self.written, self._plain = 0, 0

    def manifest(self, name: str, data: bytes) -> None:
        self._member(name, len(data), [data], shrinks=True)

    def small(self, name: str, data: bytes) -> None:
        self._member(name, len(data), [data], shrinks=True)

    def image(self, name: str, file: StoredFile, pieces: Iterable[bytes], *, shrinks: bool) -> None:
        self._member(name, file.size, pieces, shrinks=shrinks)

    def _member(self, name: str, size: int, pieces: Iterable[bytes], *, shrinks: bool) -> None:
        told = tarfile.TarInfo(name)
        told.size, told.mode = size, 0o644
        header = told.tobuf(tarfile.GNU_FORMAT, "ascii", "strict")
        self._frame(_member_pieces(header, size, pieces), shrinks=shrinks)
        self._plain += len(header) + size + -size % _BLOCK

    def _frame(self, pieces: Iterable[bytes], *, shrinks: bool) -> None:
        if not self._packed:
            for piece in pieces:
                self.written += self._write(piece)
            return
        packing = zstandard.ZstdCompressor(level=_LEVEL if shrinks else -7, threads=-1 if shrinks else 0).compressobj()
        for piece in pieces:
            self.written += self._write(packing.compress(piece))
        self.written += self._write(packing.flush())

    def finish(self) -> None:
        """The end of an archive: two empty blocks, and as many as make the last record whole."""
        length = 2 * _BLOCK
        length += -(self._plain + length) % _RECORD
        self._frame([bytes(length)], shrinks=True)


def _member_pieces(header: bytes, size: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield header
    yield from pieces
    yield bytes(-size % _BLOCK)
