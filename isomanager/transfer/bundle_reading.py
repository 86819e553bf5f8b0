"""Reading a bundle: a folder, or a tar archive (zstd or plain) in one pass, without a second copy on disk.

Hostile archives: only plain files whose names, order and sizes are those of the manifest are read; everything else ends the
reading. So no link, no path out of the bundle and no endless member can do harm, whoever made it.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Condition
from typing import BinaryIO, Protocol, cast

import zstandard

from isomanager.errors import IsoManagerError, StoreError, StoreUnavailable, UsageError
from isomanager.inventory.exchange.bundle_form import (
    MANIFEST,
    MAX_MANIFEST,
    MAX_SIGNATURE,
    SIGNATURE,
    BundledFile,
    bad_bundle,
)
from isomanager.storage.contract import Entry, StoreTraits
from isomanager.storage.local import LocalStore
from isomanager.storage.sources import StoredFile, look_up

_BLOCK = 512
_PIECE = 1 << 20
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MAX_ZSTD_WINDOW = 128 << 20
"""Bytes of memory that an archive may ask for; zstd's own default limit."""


class BundleReader(Protocol):
    """Files are asked for in the manifest's order; those in between are passed over."""

    def manifest(self) -> tuple[bytes, bytes]:
        """The manifest and its signature, which is empty where there is none. Asked for first."""
        ...

    def file(self, wanted: BundledFile) -> StoredFile:
        """One file, to be read from start to end before the next one is asked for."""
        ...


@contextmanager
def open_bundle(place: Path) -> Iterator[BundleReader]:
    """A reader of the bundle. UsageError when nothing can be read there."""
    if place.is_dir():
        yield FolderBundle(LocalStore(place, create=False))
        return
    if place.exists() and not place.is_file():
        raise UsageError(f"{place} is neither a folder nor a file: no bundle can be read there.")
    try:
        with place.open("rb") as raw:
            packed = raw.read(len(_ZSTD_MAGIC)) == _ZSTD_MAGIC
            raw.seek(0)
            yield TarBundle(_unpacked(raw) if packed else raw, str(place), seekable=not packed)
    except OSError as wrong:
        raise UsageError(f"The bundle {place} cannot be read: {wrong.strerror or wrong}.") from wrong


def _unpacked(raw: BinaryIO) -> BinaryIO:
    unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW)
    return cast("BinaryIO", unpacker.stream_reader(raw, read_size=_PIECE, read_across_frames=True))


class FolderBundle:
    """Honours BundleReader in a folder."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store

    def manifest(self) -> tuple[bytes, bytes]:
        if self._store.stat(MANIFEST) is None:
            raise bad_bundle(f"there is no {MANIFEST} in {self._store.url}")
        signed = self._store.stat(SIGNATURE) is not None
        data = self._store.read(MANIFEST, 0, MAX_MANIFEST + 1)
        return data, self._store.read(SIGNATURE, 0, MAX_SIGNATURE) if signed else b""

    def file(self, wanted: BundledFile) -> StoredFile:
        if (self._store.root / wanted.name).is_symlink():
            raise bad_bundle(f"{wanted.name} is a link")
        found = look_up(self._store, wanted.name)
        if found.size != wanted.size:
            raise bad_bundle(f"{wanted.name} has {found.size} bytes, and the manifest says {wanted.size}")
        return found


class TarBundle:
    """Honours BundleReader over the bytes of an archive. Serves reads of the file that was asked for last, in order."""

    def __init__(self, stream: BinaryIO, told: str, *, seekable: bool) -> None:
        self._stream, self._seekable = stream, seekable
        self.url = told
        self.traits = StoreTraits()
        self._turn = Condition()
        self._name, self._size, self._at, self._end = "", 0, 0, 0
        self._broken: IsoManagerError | None = None
        self._ahead: tarfile.TarInfo | None = None

    def manifest(self) -> tuple[bytes, bytes]:
        data = self._whole(MANIFEST, MAX_MANIFEST)
        following = self._header()
        self._ahead = following
        if following is None or following.name != SIGNATURE:
            return data, b""
        return data, self._whole(SIGNATURE, MAX_SIGNATURE)

    def _whole(self, name: str, most: int) -> bytes:
        found = self._next(name)
        if found.size > most:
            raise bad_bundle(f"its {name} is larger than {most} bytes")
        return self.read(name, 0, found.size)

    def file(self, wanted: BundledFile) -> StoredFile:
        self._pass_over()
        found = self._header()
        while found is not None and found.name != wanted.name:
            self._begin(found)
            self._pass_over()
            found = self._header()
        if found is None:
            raise bad_bundle(f"{wanted.name} is not in it where its manifest says")
        if found.size != wanted.size:
            raise bad_bundle(f"{wanted.name} has {found.size} bytes, and the manifest says {wanted.size}")
        self._begin(found)
        return StoredFile(
            self, found.name, Entry(found.name, found.size, datetime.fromtimestamp(0, UTC), wanted.sha256)
        )

    def _next(self, name: str) -> tarfile.TarInfo:
        found = self._header()
        if found is None or found.name != name:
            raise bad_bundle(f"{name} is not where it belongs: it is no bundle, or was put together again")
        self._begin(found)
        return found

    def _begin(self, member: tarfile.TarInfo) -> None:
        with self._turn:
            self._name, self._size, self._at = member.name, member.size, 0
            self._end = -member.size % _BLOCK
            self._broken = None

    def _header(self) -> tarfile.TarInfo | None:
        """The next member; None at the end."""
        if self._ahead is not None:
            found, self._ahead = self._ahead, None
            return found
        self._pass_over()
        block = self._exactly(_BLOCK)
        if not block.strip(b"\0"):
            return None
        try:
            member = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        except (tarfile.TarError, ValueError) as wrong:
            raise bad_bundle("it is no tar archive, or is damaged") from wrong
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.linkname or member.size < 0:
            raise bad_bundle("it has a member that is no plain file")
        return member

    def _pass_over(self) -> None:
        with self._turn:
            left = self._size - self._at + self._end
            if self._seekable and left:
                self._stream.seek(left, 1)
            else:
                while left:
                    left -= len(self._exactly(min(left, _PIECE)))
            self._size = self._at = self._end = 0

    def read(self, path: str, start: int, length: int, *, if_match: str = "") -> bytes:  # noqa: ARG002
        """The range of the file that was asked for last. Whoever asks for a later range waits for its turn."""
        with self._turn:
            self._turn.wait_for(lambda: self._at >= start or self._broken is not None or self._name != path)
            if self._broken is not None:
                raise self._broken
            if (path, start) != (self._name, self._at) or start + length > self._size:
                raise StoreError(f"{path} of {self.url} can only be read once, in order.", code="changed", path=path)
            try:
                data = self._exactly(length)
            except IsoManagerError as wrong:
                self._broken = wrong
                raise
            finally:
                self._turn.notify_all()
            self._at += length
            return data

    def _exactly(self, length: int) -> bytes:
        pieces, left = [], length
        try:
            while left:
                piece = self._stream.read(left)
                if not piece:
                    raise bad_bundle("it ends too early")
                pieces.append(piece)
                left -= len(piece)
        except zstandard.ZstdError as wrong:
            raise bad_bundle(f"its compression is damaged ({wrong})") from wrong
        except OSError as wrong:
            raise StoreUnavailable(f"{self.url} cannot be read: {wrong.strerror}.", url=self.url) from wrong
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
