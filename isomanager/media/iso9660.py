"""ISO 9660: volume descriptors and the tree of one of them, with Joliet and Rock Ridge names, by ranges.

Formats: ECMA-119 (4th edition); Joliet Specification 1995; SUSP 1.12 and RRIP 1.12. pycdlib, which makes our images, reads every
folder of a disc when it opens one and follows what it finds without bound; here only what is asked for is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from isomanager.media.source import Source

SECTOR = 2048
_FIRST_DESCRIPTOR = 16 * SECTOR
_MOST_DESCRIPTORS = 64
_LARGEST_FOLDER = 8 << 20
_MOST_CONTINUATIONS = 8
_MOST_EXTENTS = 256
_JOLIET = {b"%/@": 1, b"%/C": 2, b"%/E": 3}

Extent = tuple[int, int]
"""Offset and length in bytes."""


@dataclass(frozen=True)
class Volume:
    """A primary (`kind` 1) or supplementary (2) volume descriptor; sizes in bytes, text as recorded."""

    kind: int
    system: str
    volume: str
    volume_set: str
    publisher: str
    preparer: str
    application: str
    block: int
    space: int
    root: Extent
    created: datetime | None
    modified: datetime | None
    joliet: int = 0


@dataclass(frozen=True)
class Descriptors:
    """What stands from sector 16 on: volumes, the boot catalog's address, and marks of UDF (ECMA-167, 2/8)."""

    volumes: tuple[Volume, ...]
    boot_catalog: int | None
    udf: str

    @property
    def primary(self) -> Volume | None:
        """The primary volume."""
        return next((one for one in self.volumes if one.kind == 1), None)

    @property
    def joliet(self) -> Volume | None:
        """The supplementary volume with Joliet names."""
        return next((one for one in self.volumes if one.joliet), None)


@dataclass(frozen=True)
class Record:
    """One name of a folder. A file above 4 GiB has several directory records, one an extent (ECMA-119, 9.1.6, bit 7)."""

    name: str
    is_folder: bool
    extents: tuple[Extent, ...]
    rock_ridge: bool = False
    goes_on: bool = False

    @property
    def extent(self) -> Extent:
        """The first or only extent."""
        return self.extents[0]

    @property
    def length(self) -> int:
        """Bytes of the whole."""
        return sum(length for _, length in self.extents)


def read_descriptors(source: Source) -> Descriptors:
    """Every descriptor up to the terminator; none at all where the file is no ISO 9660 or UDF image."""
    volumes: list[Volume] = []
    catalog: int | None = None
    udf = ""
    for place in range(_MOST_DESCRIPTORS):
        sector = source.read(_FIRST_DESCRIPTOR + place * SECTOR, SECTOR)
        mark = sector[1:6]
        if len(sector) < SECTOR or mark not in (b"CD001", b"BEA01", b"NSR02", b"NSR03", b"TEA01", b"BOOT2"):
            break
        if mark in (b"NSR02", b"NSR03"):
            udf = mark.decode()
        elif mark == b"CD001" and sector[0] in (1, 2):
            volumes.append(_volume(sector))
        elif mark == b"CD001" and sector[0] == 0 and sector[7:30] == b"EL TORITO SPECIFICATION":
            catalog = int(struct.unpack_from("<I", sector, 71)[0]) * SECTOR
    return Descriptors(tuple(volumes), catalog, udf)


def _volume(sector: bytes) -> Volume:
    joliet = _JOLIET.get(sector[88:91], 0) if sector[0] == 2 else 0
    block = struct.unpack_from("<H", sector, 128)[0] or SECTOR
    blocks, (root, root_length) = struct.unpack_from("<I", sector, 80)[0], struct.unpack_from("<I4xI", sector, 158)

    def text(start: int, end: int) -> str:
        return _joliet_text(sector[start:end]) if joliet else identifier(sector[start:end])

    return Volume(
        kind=sector[0],
        system=text(8, 40),
        volume=text(40, 72),
        volume_set=text(190, 318),
        publisher=text(318, 446),
        preparer=text(446, 574),
        application=text(574, 702),
        block=block,
        space=blocks * block,
        root=(root * block, root_length),
        created=digits_date(sector[813:830]),
        modified=digits_date(sector[830:847]),
        joliet=joliet,
    )


def identifier(raw: bytes) -> str:
    """An identifier as recorded, without its padding; many discs use letters that the standard forbids."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return "".join(letter for letter in text if letter.isprintable()).rstrip()


def _joliet_text(raw: bytes) -> str:
    text = raw.decode("utf-16-be", "replace")
    return "".join(letter for letter in text if letter.isprintable()).rstrip()


def digits_date(raw: bytes) -> datetime | None:
    """ECMA-119, 8.4.26.1: sixteen digits and an offset from UTC in quarters of an hour; None where it is unset or no date."""
    try:
        when = datetime.strptime(raw[:14].decode("ascii") + "+0000", "%Y%m%d%H%M%S%z")
        return (when - timedelta(minutes=15 * struct.unpack("b", raw[16:17])[0])).astimezone(UTC)
    except (ValueError, UnicodeDecodeError, OverflowError, struct.error):
        return None


class Tree:
    """The files of one volume. Rock Ridge names count where there are any."""

    def __init__(self, source: Source, volume: Volume) -> None:
        self._source = source
        self._volume = volume
        self._folders: dict[Extent, tuple[Record, ...]] = {}

    @property
    def root(self) -> Extent:
        """Where the root folder is."""
        return self._volume.root

    @property
    def has_rock_ridge(self) -> bool:
        """Whether the root's records carry Rock Ridge entries."""
        return any(record.rock_ridge for record in self.folder(self._volume.root))

    def find(self, path: str) -> Record | None:
        """The record of a path such as `.disk/info`, letters' case aside; None when there is none."""
        extent, found = self._volume.root, None
        for name in path.split("/"):
            if found is not None and not found.is_folder:
                return None
            wanted = name.casefold()
            found = next((one for one in self.folder(extent) if one.name.casefold() == wanted), None)
            if found is None:
                return None
            extent = found.extent
        return found

    def content(self, path: str, most: int) -> bytes | None:
        """The first `most` bytes of a file; None when there is no such file."""
        record = self.find(path)
        return None if record is None or record.is_folder else self.read(record, 0, most)

    def read(self, record: Record, offset: int, length: int) -> bytes:
        """Bytes of a file from `offset` on; fewer where it, or the image, ends."""
        pieces: list[bytes] = []
        for start, size in record.extents:
            if length <= 0:
                break
            if offset < size:
                pieces.append(self._source.read(start + offset, min(size - offset, length)))
                length -= min(size - offset, length)
            offset = max(0, offset - size)
        return b"".join(pieces)

    def walk(self) -> Iterator[tuple[str, Record]]:
        """Every path and record; a folder that was seen is not entered again, so a loop ends."""
        waiting, seen = [("", self._volume.root)], {self._volume.root[0]}
        while waiting:
            above, extent = waiting.pop()
            for record in self.folder(extent):
                path = f"{above}{record.name}"
                yield path, record
                if record.is_folder and record.extent[0] not in seen:
                    seen.add(record.extent[0])
                    waiting.append((f"{path}/", record.extent))

    def folder(self, extent: Extent) -> tuple[Record, ...]:
        """The records of the folder at `extent`, but for itself and the one above."""
        if extent not in self._folders:
            offset, length = extent
            if length > _LARGEST_FOLDER:
                raise self._source.damaged(f"a folder is said to be {length} bytes long")
            self._folders[extent] = tuple(_joined(self._records(self._source.exactly(offset, length, "a folder"))))
        return self._folders[extent]

    def _records(self, folder: bytes) -> Iterator[Record]:
        place = 0
        while place + 33 < len(folder):
            self._source.step()
            size = folder[place]
            if size == 0:  # a record never crosses a sector: the rest of this one is empty
                place += SECTOR - place % SECTOR
                continue
            raw = folder[place : place + size]
            if size < 34 or len(raw) < size or 33 + raw[32] > size:
                raise self._source.damaged("a directory record is shorter than what it holds")
            if raw[33 : 33 + raw[32]] not in (b"\0", b"\1"):
                yield self._record(raw)
            place += size

    def _record(self, raw: bytes) -> Record:
        block, (first, length) = self._volume.block, struct.unpack_from("<I4xI", raw, 2)
        name = raw[33 : 33 + raw[32]]
        system_use = raw[33 + raw[32] + (1 - raw[32] % 2) :]
        rock_ridge, alternate = (False, "") if self._volume.joliet else self._rock_ridge(system_use)
        plain = _joliet_text(name) if self._volume.joliet else identifier(name)
        short = plain.partition(";")[0]
        return Record(
            name=alternate or short.rstrip(".") or short,
            is_folder=bool(raw[25] & 2),
            extents=(((first + raw[1]) * block, length),),
            rock_ridge=rock_ridge,
            goes_on=bool(raw[25] & 0x80),
        )

    def _rock_ridge(self, area: bytes) -> tuple[bool, str]:
        """Whether there are Rock Ridge entries, and the alternate name (`NM`, RRIP 4.1.4) with its continuations (`CE`)."""
        present, pieces = False, b""
        for _ in range(_MOST_CONTINUATIONS):
            following: tuple[int, int] | None = None
            place = 0
            while place + 4 <= len(area):
                mark, length = area[place : place + 2], area[place + 2]
                if length < 4 or place + length > len(area):
                    break
                present = present or mark in (b"RR", b"PX", b"NM", b"TF")
                if mark == b"NM":
                    pieces += area[place + 5 : place + length]
                elif mark == b"CE" and length >= 28:
                    block, start, size = struct.unpack_from("<I4xI4xI", area, place + 4)
                    following = (block * self._volume.block + start, min(size, SECTOR))
                place += length
            if following is None:
                break
            self._source.step()
            area = self._source.read(*following)
        return present, identifier(pieces)


def _joined(records: Iterator[Record]) -> Iterator[Record]:
    """Records of one file in several extents as one."""
    waiting: list[Record] = []
    for record in records:
        waiting.append(record)
        if not record.goes_on or len(waiting) >= _MOST_EXTENTS:
            yield replace(waiting[0], extents=tuple(extent for one in waiting for extent in one.extents), goes_on=False)
            waiting = []
    yield from waiting[:1]
