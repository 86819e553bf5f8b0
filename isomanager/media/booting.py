"""How an image boots: the El Torito catalog, and the partition tables of hybrid images.

Formats: El Torito 1.0 (1995); UEFI 2.10, chapter 5 (GPT) and 13.3.2.1 (El Torito for UEFI, platform 0xEF); Apple partition map.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from isomanager.media.iso9660 import SECTOR, identifier
from isomanager.media.source import Source

_PLATFORMS = {0x00: "bios", 0x01: "powerpc", 0x02: "mac", 0xEF: "uefi"}
_EMULATIONS = {0: "none", 1: "floppy 1.2 MB", 2: "floppy 1.44 MB", 3: "floppy 2.88 MB", 4: "hard disk"}
_MOST_ENTRIES = 64
_MOST_PARTITIONS = 128
_DISK_BLOCK = 512
_EFI_SYSTEM = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")


@dataclass(frozen=True)
class BootEntry:
    """An entry of the boot catalog; `offset` and `length` of its image in bytes."""

    platform: str
    emulation: str
    bootable: bool
    offset: int
    length: int


@dataclass(frozen=True)
class Partition:
    """A partition; `offset` and `length` in bytes."""

    table: str
    kind: str
    offset: int
    length: int
    name: str = ""

    @property
    def is_appended_system(self) -> bool:
        """Whether firmware boots from it: an EFI system partition."""
        return self.kind in ("0xef", str(_EFI_SYSTEM))


def read_boot_catalog(source: Source, offset: int) -> tuple[BootEntry, ...]:
    """The entries of the catalog at `offset`; MediaError where there is no valid one."""
    catalog = source.exactly(offset, SECTOR, "the boot catalog")
    words = struct.unpack_from("<16H", catalog)
    if catalog[0] != 1 or catalog[30:32] != b"\x55\xaa" or sum(words) & 0xFFFF:
        raise source.damaged("its boot catalog has no valid beginning")
    platform = _platform(catalog[1])
    return tuple(_entries(catalog, platform))


def _entries(catalog: bytes, platform: str) -> Iterator[BootEntry]:
    place = 32
    for _ in range(_MOST_ENTRIES):
        raw = catalog[place : place + 32]
        if len(raw) < 32:
            return
        if raw[0] in (0x90, 0x91):
            platform = _platform(raw[1])
        elif raw[0] in (0x88, 0x00) and any(raw):
            sectors, block = struct.unpack_from("<HI", raw, 6)
            emulation = _EMULATIONS.get(raw[1] & 0x0F, f"unknown {raw[1] & 0x0F}")
            yield BootEntry(platform, emulation, raw[0] == 0x88, block * SECTOR, sectors * _DISK_BLOCK)
        elif raw[0] != 0x44:  # an extension of the entry before it is passed over
            return
        place += 32


def _platform(number: int) -> str:
    return _PLATFORMS.get(number, f"0x{number:02x}")


def read_partitions(source: Source) -> tuple[Partition, ...]:
    """Partitions of a hybrid image: MBR, GPT and Apple's map, whichever there are."""
    head = source.read(0, 2 * SECTOR)
    if len(head) < 2 * SECTOR:
        return ()
    return (*_mbr(head), *_gpt(source, head), *_apple(head))


def _mbr(head: bytes) -> Iterator[Partition]:
    if head[510:512] != b"\x55\xaa":
        return
    for place in range(446, 510, 16):
        kind = head[place + 4]
        first, count = struct.unpack_from("<II", head, place + 8)
        if kind and count:
            yield Partition("mbr", f"0x{kind:02x}", first * _DISK_BLOCK, count * _DISK_BLOCK)


def _gpt(source: Source, head: bytes) -> Iterator[Partition]:
    if head[512:520] != b"EFI PART":
        return
    table, count, size = struct.unpack_from("<QII", head, 512 + 72)
    if not 128 <= size <= 512 or count > _MOST_PARTITIONS:
        return
    entries = source.read(table * _DISK_BLOCK, count * size)
    for place in range(0, len(entries) - size + 1, size):
        kind = UUID(bytes_le=entries[place : place + 16])
        first, last = struct.unpack_from("<QQ", entries, place + 32)
        if kind.int and first <= last:
            name = entries[place + 56 : place + 128].decode("utf-16-le", "replace").partition("\0")[0]
            length = (last - first + 1) * _DISK_BLOCK
            yield Partition("gpt", str(kind), first * _DISK_BLOCK, length, name if name.isprintable() else "")


def _apple(head: bytes) -> Iterator[Partition]:
    for step in (512, SECTOR):
        if head[step : step + 2] == b"PM":
            first, count = struct.unpack_from(">II", head, step + 8)
            kind = identifier(head[step + 48 : step + 80].rstrip(b"\0"))
            yield Partition(
                "apple", kind, first * step, count * step, identifier(head[step + 16 : step + 48].rstrip(b"\0"))
            )
            return
