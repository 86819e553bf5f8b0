"""Writing a bundle: what every writer offers, whether an image is worth compressing, and the writer into a folder, file by file.

Installation media are packed inside: they hardly shrink. So a sample of every image is compressed first, and one that would not
lose a twentieth goes in as it is, at the speed of the disk.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import zstandard

from isomanager.errors import StoreError
from isomanager.inventory.exchange.bundle_form import FOLDERS
from isomanager.storage.durable import make_folders, sync_folder
from isomanager.storage.os_failures import store_errors
from isomanager.storage.sources import StoredFile
from isomanager.transfer.reading import file_ranges

Compress = Literal["auto", "always", "never"]

LEVEL = 6
"""Of zstd."""
_PIECE = 1 << 20
_SAMPLES, _SAMPLE = 16, 256 << 10
WORTH = 0.95
"""An image is compressed when its sample is no larger than this part of itself."""


Watch = Callable[[Iterator[bytes]], Iterator[bytes]]
"""Passes pieces on, and tells of them or ends them."""


def as_they_come(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Watched by nobody."""
    return pieces


class Member(NamedTuple):
    """A file of a bundle; `size` in bytes."""

    name: str
    size: int
    sha256: str


class BundleWriter(Protocol):
    """Files come in the manifest's order. `written` is how many bytes of the bundle this run wrote."""

    written: int

    def manifest(self, name: str, data: bytes) -> None:
        """The manifest or its signature: first in an archive, last in a folder."""
        ...

    def small(self, name: str, data: bytes) -> None:
        """A key or a receipt."""
        ...

    def has(self, file: Member, watched: Watch = as_they_come) -> bool:
        """Whether an earlier run wrote the image whole: it is read, hashed and kept. Asked before `image`."""
        ...

    def image(self, file: Member, pieces: Iterable[bytes], *, shrinks: bool) -> None:
        """An image; `pieces` are its bytes."""
        ...


@contextmanager
def folder_writer(folder: Path) -> Iterator[BundleWriter]:
    """A writer into a folder. What an earlier run wrote whole is kept; a manifest is there only when everything is.

    StoreError and StoreUnavailable as a store raises them.
    """
    with store_errors(f"Writing the bundle {folder}"):
        writer = _Folder(folder)
        make_folders(folder)
        for left in (one for name in FOLDERS for one in (folder / name).glob(".*.part")):
            left.unlink()
        yield writer
        writer.finish()


def shrinks(file: StoredFile) -> bool:
    """Whether a sample of the file, taken all over it, compresses to less than `WORTH` of itself."""
    step = max(_SAMPLE, file.size // _SAMPLES)
    pieces = [file.read(start, min(_SAMPLE, file.size - start)) for start in range(0, file.size, step)]
    sample = b"".join(pieces)
    return len(zstandard.ZstdCompressor(level=LEVEL).compress(sample)) < WORTH * len(sample)


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

    def has(self, file: Member, watched: Watch = as_they_come) -> bool:
        there = self._root / file.name
        if there.is_symlink() or not there.is_file() or there.stat().st_size != file.size:
            return False
        digest = hashlib.sha256()
        with there.open("rb") as opened:
            for piece in watched(iter(lambda: opened.read(_PIECE), b"")):
                digest.update(piece)
        return digest.hexdigest() == file.sha256

    def image(self, file: Member, pieces: Iterable[bytes], *, shrinks: bool) -> None:  # noqa: ARG002
        self._write(file.name, pieces)

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
