"""Small real bootable ISOs: ISO 9660 with Rock Ridge names, an El Torito entry, and a boot image that says its name.

The same specification gives the same bytes: every date in the image is the specification's own, not the clock's.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from isomanager.sample.placement import place

SECTOR = 2048
"""Bytes of a logical sector (ECMA-119, 6.1.2)."""

_DATA_SECTORS_FROM = 16  # the first sixteen sectors are the system area (ECMA-119, 6.2.1)
_LOAD_ADDRESS = (
    0x7C00  # where a BIOS puts a no-emulation boot image whose load segment is 0 (El Torito 1.0, section 2.2)
)

# 16-bit code, assembled by hand. The message follows it, closed by a zero byte.
_PRINT_AND_HALT = bytes.fromhex(
    "FC"  # 00        cld
    "31C0"  # 01      xor   ax, ax
    "8ED8"  # 03      mov   ds, ax
    "BE1A7C"  # 05    mov   si, 7C1Ah        ; the message
    "AC"  # 08  next: lodsb
    "84C0"  # 09      test  al, al
    "7409"  # 0B      jz    halt
    "B40E"  # 0D      mov   ah, 0Eh          ; teletype output
    "BB0700"  # 0F    mov   bx, 0007h        ; page 0, light grey
    "CD10"  # 12      int   10h
    "EBF2"  # 14      jmp   next
    "FA"  # 16  halt: cli
    "F4"  # 17  hlt:  hlt
    "EBFD"  # 18      jmp   hlt
)


@dataclass(frozen=True)
class IsoSpec:
    """What an image says of itself. `payload_bytes` of incompressible data pad it; `spin` tells a re-spin's bytes apart."""

    volume_id: str
    publisher: str
    product: str
    version: str
    flavor: str
    architecture: str
    made_at: datetime
    payload_bytes: int = 1 << 20
    spin: int = 0

    @property
    def info(self) -> str:
        """The one line of `.disk/info`, in the manner of Debian's and Ubuntu's images."""
        return f"{self.product} {self.version} {self.flavor} - Release {self.architecture} ({self.made_at:%Y%m%d}.{self.spin})"


def boot_image(message: str) -> bytes:
    """One 512-byte BIOS sector that prints `message` (ASCII) on the screen and halts."""
    text = message.encode("ascii", "replace")[: 510 - len(_PRINT_AND_HALT) - 1] + b"\0"
    return (_PRINT_AND_HALT + text).ljust(510, b"\0") + b"\x55\xaa"


def payload(spec: IsoSpec) -> bytes:
    """`payload_bytes` that no compressor shortens, the same for the same specification."""
    return hashlib.shake_256(repr(spec).encode()).digest(spec.payload_bytes)


def build_iso(path: Path, spec: IsoSpec) -> bytes:
    """Write the image to `path` in one step (a reader sees the old file or the new one), dated `made_at`; gives its bytes."""
    content = with_dates(_master(spec), spec.made_at)
    place(path, content, spec.made_at)
    return content


def _master(spec: IsoSpec) -> bytes:
    import pycdlib

    iso = pycdlib.PyCdlib()
    iso.new(
        interchange_level=3,
        rock_ridge="1.09",
        vol_ident=spec.volume_id[:32],
        pub_ident_str=spec.publisher,
        preparer_ident_str="ISOMANAGER SAMPLE UPSTREAM",
        app_ident_str=f"{spec.product} {spec.version}".upper(),
    )
    iso.add_directory("/DISK", rr_name=".disk")
    iso.add_directory("/BOOT", rr_name="boot")
    for place_in_iso, name, content in (
        ("/DISK/INFO.;1", "info", f"{spec.info}\n".encode()),
        ("/BOOT/BOOT.IMG;1", "boot.img", boot_image(f"\r\n{spec.info}\r\nA sample image. It halts here.\r\n")),
        ("/PAYLOAD.BIN;1", "payload.bin", payload(spec)),
    ):
        iso.add_fp(io.BytesIO(content), len(content), place_in_iso, rr_name=name)
    # four virtual sectors of 512 bytes: what every BIOS reads of a no-emulation image at the least
    iso.add_eltorito("/BOOT/BOOT.IMG;1", "/BOOT/BOOT.CAT;1", "boot.cat", boot_load_size=4)
    mastered = io.BytesIO()
    iso.write_fp(mastered)
    iso.close()
    return mastered.getvalue()


def with_dates(image: bytes, when: datetime) -> bytes:
    """The same image with every date set to `when`: volume descriptors, directory records and Rock Ridge time stamps.

    Formats: ECMA-119, 8.4.26.1 (17 bytes, digits) and 9.1.5 (7 bytes); Rock Ridge 1.09, `TF`, which uses the 7-byte form.
    """
    dated = bytearray(image)
    utc = when.astimezone(UTC)
    digits = utc.strftime("%Y%m%d%H%M%S").encode() + b"00" + b"\0"
    short = bytes([utc.year - 1900, utc.month, utc.day, utc.hour, utc.minute, utc.second, 0])
    for descriptor in _volume_descriptors(dated):
        dated[descriptor + 813 : descriptor + 847] = digits * 2  # creation, modification; expiration is left unset
        dated[descriptor + 864 : descriptor + 881] = digits  # effective
        dated[descriptor + 174 : descriptor + 181] = short  # the root directory's own record
        for record in _records(dated, *struct.unpack_from("<I4xI", dated, descriptor + 158)):
            dated[record + 18 : record + 25] = short
            _date_time_stamps(dated, record, short)
    return bytes(dated)


def _volume_descriptors(image: bytearray) -> Iterator[int]:
    """Offsets of the primary (type 1) and supplementary (2) descriptors, up to the terminator (255)."""
    offset = _DATA_SECTORS_FROM * SECTOR
    while image[offset] != 255:
        if image[offset] in (1, 2):
            yield offset
        offset += SECTOR


def _records(image: bytearray, extent: int, length: int) -> Iterator[int]:
    """Offsets of all directory records (ECMA-119, 9.1) of the directory at sector `extent`, and below it."""
    offset, end = extent * SECTOR, extent * SECTOR + length
    while offset < end:
        size = image[offset]
        if size == 0:  # a record never crosses a sector: the rest of this one is empty
            offset += SECTOR - offset % SECTOR
            continue
        yield offset
        is_directory, name = image[offset + 25] & 2, bytes(image[offset + 33 : offset + 33 + image[offset + 32]])
        if is_directory and name not in (b"\0", b"\1"):
            yield from _records(image, *struct.unpack_from("<I4xI", image, offset + 2))
        offset += size


def _date_time_stamps(image: bytearray, record: int, short: bytes) -> None:
    """Set the `TF` entry in a record's system use field (SUSP 1.10: signature, length, version, data)."""
    name_length = image[record + 32]
    entry, end = record + 33 + name_length + (1 - name_length % 2), record + image[record]
    while entry + 4 <= end and image[entry + 2] >= 4:
        if image[entry : entry + 2] == b"TF":
            stamps = (image[entry + 2] - 5) // 7
            image[entry + 5 : entry + 5 + 7 * stamps] = short * stamps
        entry += image[entry + 2]
