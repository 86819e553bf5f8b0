"""Writing a bundle as a tar archive, which goes on where an earlier run ended.

What that run wrote whole is proved by reading it, and kept. No note says how far it came: one could be there without the bytes it
speaks of. Members are read back in the manifest's order and hashed; the first that is not what it should be ends what is kept. In a
.zst every member is a frame of its own: its end is found by the headers of its blocks, and readers take one frame after the other.
"""

from __future__ import annotations

import hashlib
import logging
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from isomanager.errors import IsoManagerError
from isomanager.inventory.exchange.bundle_form import Manifest, read_manifest
from isomanager.storage.durable import PositionedFile, make_folders, sync_folder
from isomanager.storage.os_failures import store_errors
from isomanager.transfer.bundle_reading import MAX_ZSTD_WINDOW, open_bundle
from isomanager.transfer.bundle_writing import LEVEL, BundleWriter, Member, Watch, as_they_come

_log = logging.getLogger(__name__)

_BLOCK = 512
_RECORD = 20 * _BLOCK
_PIECE = 1 << 20
_FASTEST = -7
_MAX_FRAME_HEADER = 18
_REPEATED, _RESERVED = 1, 3
_FLUSHED_EVERY = 64 << 20
"""Bytes, counted at the end of members: nothing else can be gone on from."""


def unfinished(file: Path) -> Path:
    """Where an archive is while it is written."""
    return file.with_name(f".{file.name}.part")


def earlier_manifest(file: Path) -> Manifest | None:
    """What the unfinished archive of that name is of; None when there is none that can be read."""
    with suppress(IsoManagerError), open_bundle(unfinished(file)) as reader:
        return read_manifest(reader.manifest()[0])
    return None


@contextmanager
def tar_writer(file: Path, *, packed: bool) -> Iterator[BundleWriter]:
    """A writer of an archive, which has its name only when it is whole.

    Until then it is at `unfinished(file)`, and stays there when it is interrupted with an image in it: the same bundle goes on from
    there. StoreError and StoreUnavailable as a store raises them.
    """
    fresh = unfinished(file)
    with store_errors(f"Writing the bundle {file}"):
        make_folders(file.parent)
        if fresh.is_symlink():
            fresh.unlink()
        opened = PositionedFile(fresh, create=not fresh.exists())
        writer = TarArchive(opened, str(fresh), packed=packed)
        try:
            yield writer
            writer.finish()
        except BaseException:
            _leave(opened, fresh, writer)
            raise
        opened.close()
        fresh.replace(file)
        sync_folder(file.parent)


def _leave(opened: PositionedFile, fresh: Path, writer: TarArchive) -> None:
    with suppress(OSError):
        opened.truncate(writer.whole)
    opened.close()
    if writer.images:
        _log.warning("%s has %s whole; the same export goes on from there", fresh, _images(writer.images))
    else:
        fresh.unlink(missing_ok=True)


class TarArchive:
    """Honours BundleWriter in an unfinished archive. `images` are those that are whole in it, `whole` is where the last ends."""

    def __init__(self, file: PositionedFile, told: str, *, packed: bool) -> None:
        self._file, self._told, self._packed = file, told, packed
        self._end, self._plain, self._flushed = 0, 0, 0
        self._earlier = bool(file.read_at(0, 1))
        self.written = self.images = self.whole = 0

    def manifest(self, name: str, data: bytes) -> None:
        self.small(name, data)

    def small(self, name: str, data: bytes) -> None:
        file = Member(name, len(data), hashlib.sha256(data).hexdigest())
        if not self._keeps(file, as_they_come):
            self._member(file, [data], shrinks=True)

    def has(self, file: Member, watched: Watch = as_they_come) -> bool:
        kept = self._keeps(file, watched)
        self.images += kept
        return kept

    def image(self, file: Member, pieces: Iterable[bytes], *, shrinks: bool) -> None:
        self._member(file, pieces, shrinks=shrinks)
        self.images += 1

    def _keeps(self, file: Member, watched: Watch) -> bool:
        if not self._earlier:
            return False
        length = len(_header(file)) + file.size + -file.size % _BLOCK
        end = _frame_end(self._file, self._end) if self._packed else self._end + length
        if end is None or not self._is_there(file, end, watched):
            self._cut_off()
            return False
        self.whole = self._end = self._flushed = end
        self._plain += length
        return True

    def _is_there(self, file: Member, end: int, watched: Watch) -> bool:
        """Whether exactly the member `file` is between what is proved and `end`."""
        stream = cast("BinaryIO", _Range(self._file, self._end, end))
        if self._packed:
            unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW)
            stream = cast("BinaryIO", unpacker.stream_reader(stream, read_size=_PIECE))
        digest, padding = hashlib.sha256(), -file.size % _BLOCK
        try:
            if _exactly(stream, _BLOCK) != _header(file):
                return False
            for piece in watched(_pieces(stream, file.size)):
                digest.update(piece)
            return digest.hexdigest() == file.sha256 and _exactly(stream, padding + 1) == bytes(padding)
        except zstandard.ZstdError:
            return False

    def _cut_off(self) -> None:
        self._earlier = False
        if self.images:
            _log.info("%s is gone on with after %s", self._told, _images(self.images))
        else:
            _log.warning("%s is of another selection, or has no whole image: it is written anew", self._told)
        self._file.truncate(self._end)

    def _member(self, file: Member, pieces: Iterable[bytes], *, shrinks: bool) -> None:
        header = _header(file)
        self._frame(_member_pieces(header, file.size, pieces), shrinks=shrinks)
        self._plain += len(header) + file.size + -file.size % _BLOCK
        self.whole = self._end
        if self._end - self._flushed >= _FLUSHED_EVERY:
            self._flush()

    def _frame(self, pieces: Iterable[bytes], *, shrinks: bool) -> None:
        if not self._packed:
            for piece in pieces:
                self._put(piece)
            return
        level, threads = (LEVEL, -1) if shrinks else (_FASTEST, 0)
        packing = zstandard.ZstdCompressor(level=level, threads=threads).compressobj()
        for piece in pieces:
            self._put(packing.compress(piece))
        self._put(packing.flush())

    def _put(self, data: bytes) -> None:
        self._file.write_at(self._end, data)
        self._end += len(data)
        self.written += len(data)

    def _flush(self) -> None:
        self._file.sync()
        self._flushed = self._end

    def finish(self) -> None:
        """The end of an archive: two empty blocks, and as many as make the last record whole."""
        if self._earlier:
            self._cut_off()
        length = 2 * _BLOCK
        length += -(self._plain + length) % _RECORD
        self._frame([bytes(length)], shrinks=True)
        self._flush()


class _Range:
    """The bytes of a file between two offsets, as a stream."""

    def __init__(self, file: PositionedFile, start: int, end: int) -> None:
        self._file, self._at, self._end = file, start, end

    def read(self, size: int = -1, /) -> bytes:
        left = self._end - self._at
        data = self._file.read_at(self._at, left if size < 0 else min(size, left))
        self._at += len(data)
        return data


def _exactly(stream: BinaryIO, length: int) -> bytes:
    """The next `length` bytes; fewer only at the end."""
    pieces = []
    while length and (piece := stream.read(length)):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def _pieces(stream: BinaryIO, length: int) -> Iterator[bytes]:
    while length and (piece := stream.read(min(length, _PIECE))):
        yield piece
        length -= len(piece)


def _frame_end(file: PositionedFile, start: int) -> int | None:
    """Where the zstd frame at `start` ends, by its blocks' headers (RFC 8878, 3.1.1); None where none begins, or it is cut off."""
    beginning = file.read_at(start, _MAX_FRAME_HEADER)
    try:
        about = zstandard.get_frame_parameters(beginning)
        at = start + zstandard.frame_header_size(beginning)
    except zstandard.ZstdError:
        return None
    last = False
    while not last:
        header = file.read_at(at, 3)
        number = int.from_bytes(header, "little")
        last, kind = bool(number & 1), number >> 1 & 3
        if len(header) < 3 or kind == _RESERVED:
            return None
        at += 3 + (1 if kind == _REPEATED else number >> 3)
    at += 4 if about.has_checksum else 0
    return at if len(file.read_at(at - 1, 1)) else None


def _header(file: Member) -> bytes:
    told = tarfile.TarInfo(file.name)
    told.size, told.mode = file.size, 0o644
    return told.tobuf(tarfile.GNU_FORMAT, "ascii", "strict")


def _member_pieces(header: bytes, size: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield header
    yield from pieces
    yield bytes(-size % _BLOCK)


def _images(count: int) -> str:
    return f"{count} image" if count == 1 else f"{count} images"
