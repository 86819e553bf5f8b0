"""UDF by ranges: the names and files of a disc, as far as installation media use it.

Formats: ECMA-167 (3rd edition) and OSTA UDF 1.02 to 2.60. Read are plain (type 1) partitions with file entries and extended file
entries; virtual, sparable and metadata partitions, which recorders write, are said to be unsupported. Windows' discs are UDF 1.02
with an ISO 9660 side that holds nothing but a README. pycdlib reads UDF too, but all folders at once and without bound.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from isomanager.media.iso9660 import SECTOR, Extent
from isomanager.media.source import Source

_ANCHOR = 256 * SECTOR  # ECMA-167 3/8.4.2.1
_MOST_DESCRIPTORS = 64
_MOST_EXTENTS = 4096
_MOST_CHAINS = 32
_LARGEST_FOLDER = 8 << 20
_TAGS = {
    "anchor": 2,
    "partition": 5,
    "logical": 6,
    "end": 8,
    "files": 256,
    "name": 257,
    "chain": 258,
    "file": 261,
    "extended": 266,
}


@dataclass(frozen=True)
class Entry:
    """A name of a folder: its file entry's block."""

    name: str
    is_folder: bool
    block: int


@dataclass(frozen=True)
class File:
    """A file entry: length in bytes, its extents, or its bytes where they are embedded."""

    is_folder: bool
    length: int
    extents: tuple[Extent, ...] = ()
    embedded: bytes = b""


class UdfTree:
    """The files of a UDF volume. MediaError for what contradicts the format or is not supported."""

    def __init__(self, source: Source) -> None:
        self._source = source
        anchor = self._tagged(_ANCHOR, "anchor")
        length, location = struct.unpack_from("<II", anchor, 16)
        self.label, self._start, self._block, files = self._sequence(location * SECTOR, length)
        descriptor = self._tagged(self._start + files * self._block, "files")
        self._root = struct.unpack_from("<I", descriptor, 404)[0]
        self._folders: dict[int, tuple[Entry, ...]] = {}

    def find(self, path: str) -> File | None:
        """The file entry of a path, letters' case aside; None when there is none."""
        block, is_folder = self._root, True
        for name in path.split("/"):
            if not is_folder:
                return None
            wanted = name.casefold()
            entry = next((one for one in self._folder(block) if one.name.casefold() == wanted), None)
            if entry is None:
                return None
            block, is_folder = entry.block, entry.is_folder
        return self._file(block)

    def content(self, path: str, most: int) -> bytes | None:
        """The first `most` bytes of a file; None when there is no such file."""
        found = self.find(path)
        return None if found is None or found.is_folder else self.read(found, 0, most)

    def read(self, file: File, offset: int, length: int) -> bytes:
        """Bytes of a file from `offset` on; fewer where it ends."""
        length = max(0, min(length, file.length - offset))
        if file.embedded:
            return file.embedded[offset : offset + length]
        pieces: list[bytes] = []
        for start, size in file.extents:
            if length <= 0:
                break
            if offset < size:
                piece = self._source.exactly(start + offset, min(size - offset, length), "a file")
                pieces.append(piece)
                length -= len(piece)
            offset = max(0, offset - size)
        return b"".join(pieces)

    def length_of(self, entry: Entry) -> int:
        """Bytes of the file that a name stands for."""
        return self._file(entry.block).length

    def walk(self) -> Iterator[tuple[str, Entry]]:
        """Every path and entry; a folder that was seen is not entered again."""
        waiting, seen = [("", self._root)], {self._root}
        while waiting:
            above, block = waiting.pop()
            for entry in self._folder(block):
                path = f"{above}{entry.name}"
                yield path, entry
                if entry.is_folder and entry.block not in seen:
                    seen.add(entry.block)
                    waiting.append((f"{path}/", entry.block))

    def _sequence(self, offset: int, length: int) -> tuple[str, int, int, int]:
        """Of the volume descriptor sequence: label, the partition's offset, the block size, the file set's block."""
        label, start, block, files = "", None, 0, 0
        for place in range(min(_MOST_DESCRIPTORS, length // SECTOR)):
            raw = self._source.exactly(offset + place * SECTOR, SECTOR, "a volume descriptor")
            tag = struct.unpack_from("<H", raw)[0]
            if tag == _TAGS["end"]:
                break
            if tag == _TAGS["partition"]:
                start = struct.unpack_from("<I", raw, 188)[0] * SECTOR
            elif tag == _TAGS["logical"]:
                block, files = struct.unpack_from("<I", raw, 212)[0], struct.unpack_from("<I", raw, 252)[0]
                label = dstring(raw[84:212])
                if raw[440:442] != b"\x01\x06":
                    raise self._source.damaged("its UDF partition is of a kind that is not supported")
        if start is None or not 512 <= block <= 32768:
            raise self._source.damaged("its UDF volume has no partition")
        return label, start, block, files

    def _folder(self, block: int) -> tuple[Entry, ...]:
        if block not in self._folders:
            folder = self._file(block)
            if not folder.is_folder or folder.length > _LARGEST_FOLDER:
                raise self._source.damaged("a folder's file entry is none")
            self._folders[block] = tuple(self._names(self.read(folder, 0, folder.length)))
        return self._folders[block]

    def _names(self, folder: bytes) -> Iterator[Entry]:
        """File identifier descriptors, ECMA-167 4/14.4."""
        place = 0
        while place + 38 <= len(folder):
            self._source.step()
            if struct.unpack_from("<H", folder, place)[0] != _TAGS["name"]:
                return
            marks, name_length = folder[place + 18], folder[place + 19]
            block, use_length = (
                struct.unpack_from("<I", folder, place + 24)[0],
                struct.unpack_from("<H", folder, place + 36)[0],
            )
            start = place + 38 + use_length
            if not marks & 0x0C:  # neither deleted nor the one above
                yield Entry(cs0(folder[start : start + name_length]), bool(marks & 0x02), block)
            place = (start + name_length + 3) // 4 * 4

    def _file(self, block: int) -> File:
        """ECMA-167 4/14.9 and 4/14.17."""
        raw = self._source.exactly(self._start + block * self._block, self._block, "a file entry")
        tag = struct.unpack_from("<H", raw)[0]
        if tag not in (_TAGS["file"], _TAGS["extended"]):
            raise self._source.damaged("a file entry is none")
        self._source.step()
        head = 176 if tag == _TAGS["file"] else 216
        attributes, size = struct.unpack_from("<II", raw, head - 8)
        length = struct.unpack_from("<Q", raw, 56)[0]
        body = raw[head + attributes : head + attributes + size]
        form, is_folder = struct.unpack_from("<H", raw, 34)[0] & 7, raw[27] == 4
        if form == 3:
            return File(is_folder, min(length, len(body)), embedded=body)
        return File(is_folder, length, tuple(self._extents(body, form)))

    def _extents(self, body: bytes, form: int) -> Iterator[Extent]:
        """Short (form 0) and long (1) allocation descriptors, 4/14.14; kind 3 leads to the next list of them."""
        step, count = {0: 8, 1: 16}.get(form, 0), 0
        if not step:
            raise self._source.damaged("a file entry's extents are of an unknown form")
        for _ in range(_MOST_CHAINS):
            following = None
            for place in range(0, len(body) - step + 1, step):
                length, position = struct.unpack_from("<II", body, place)
                kind, length, count = length >> 30, length & 0x3FFFFFFF, count + 1
                if not length or count > _MOST_EXTENTS:
                    break
                if kind == 3:
                    following = position
                    break
                yield self._start + position * self._block, length
            if following is None:
                return
            raw = self._source.exactly(self._start + following * self._block, self._block, "a list of extents")
            body = raw[24 : 24 + struct.unpack_from("<I", raw, 20)[0]]
        raise self._source.damaged("a file's extents lead on and on")

    def _tagged(self, offset: int, name: str) -> bytes:
        """A descriptor whose tag (3/7.2) is of the kind `name` and whose checksum is right."""
        raw = self._source.exactly(offset, SECTOR, f"the UDF descriptor '{name}'")
        checksum = sum(raw[0:4] + raw[5:16]) & 0xFF
        if struct.unpack_from("<H", raw)[0] != _TAGS[name] or raw[4] != checksum:
            raise self._source.damaged(f"it has no UDF descriptor '{name}' where there should be one")
        return raw


def cs0(raw: bytes) -> str:
    """OSTA CS0 text (UDF 2.1.1): a byte that says 8 or 16 bits, then the letters."""
    if not raw:
        return ""
    text = raw[1:].decode("utf-16-be", "replace") if raw[0] == 16 else raw[1:].decode("latin-1")
    return "".join(letter for letter in text if letter.isprintable())


def dstring(raw: bytes) -> str:
    """A fixed-length text (ECMA-167 1/7.2.12): CS0, its length in the last byte."""
    return cs0(raw[: raw[-1]]).rstrip()
