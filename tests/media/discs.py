"""Small real discs, made by the library that makes ours: with what names, boot entries and contents a test asks for."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import pycdlib

from isomanager.media.metadata import Metadata
from isomanager.media.reading import read_metadata

HEADER_OFFSETS = {
    "system": (8, 32),
    "volume": (40, 32),
    "volume_set": (190, 128),
    "publisher": (318, 128),
    "preparer": (446, 128),
    "application": (574, 128),
}


def disc(
    files: Mapping[str, bytes] | None = None,
    *,
    rock_ridge: bool = True,
    joliet: bool = False,
    udf: bool = False,
    udf_only: bool = False,
    boot: bool = False,
    **header: str,
) -> bytes:
    """An image with these files (`a/b` at most one folder deep) and identifiers, which may use any letters, as real ones do."""
    iso = pycdlib.PyCdlib()
    iso.new(
        interchange_level=3,
        rock_ridge="1.09" if rock_ridge else None,
        joliet=3 if joliet else None,
        udf="2.60" if udf or udf_only else None,
    )
    kind = Kind(rock_ridge, joliet, udf or udf_only, not udf_only)
    folders = {"": ""}
    for number, (path, content) in enumerate((files or {"README.TXT": b"nothing\n"}).items()):
        folder, _, name = path.rpartition("/")
        if folder not in folders:
            folders[folder] = f"/D{number}"
            iso.add_directory(**kind.named(f"/D{number}", folder, f"/{folder}"))
        where = kind.named(f"{folders[folder]}/F{number}.;1", name, f"/{path}")
        iso.add_fp(io.BytesIO(content), len(content), **where)
    if boot:
        loader = b"\xfa\xf4".ljust(2048, b"\0")
        iso.add_fp(io.BytesIO(loader), len(loader), "/BOOT.;1", **({"rr_name": "boot"} if rock_ridge else {}))
        iso.add_eltorito("/BOOT.;1", "/BOOT.CAT;1", **({"rr_bootcatname": "boot.cat"} if rock_ridge else {}))
        iso.add_eltorito("/BOOT.;1", platform_id=0xEF, efi=True)
    out = io.BytesIO()
    iso.write_fp(out)
    iso.close()
    return with_header(out.getvalue(), **header)


@dataclass(frozen=True)
class Kind:
    """Which trees of names a disc has."""

    rock_ridge: bool
    joliet: bool
    udf: bool
    iso: bool

    def named(self, iso: str, rock_ridge_name: str, path: str) -> dict[str, str]:
        """The names of a file or folder in each of them, as the library wants them."""
        named = {"iso_path": iso} if self.iso else {}
        named |= {"rr_name": rock_ridge_name} if self.rock_ridge and self.iso else {}
        named |= {"joliet_path": path} if self.joliet and self.iso else {}
        return named | ({"udf_path": path} if self.udf else {})


def with_header(image: bytes, **header: str) -> bytes:
    """The image with other identifiers in its primary volume descriptor (ECMA-119, 8.4)."""
    changed = bytearray(image)
    for field, text in header.items():
        offset, width = HEADER_OFFSETS[field]
        changed[16 * 2048 + offset : 16 * 2048 + offset + width] = text.encode()[:width].ljust(width)
    return bytes(changed)


def wim(*editions: str, kind: str = "Client", build: int = 26100, arch: int = 9, language: str = "en-US") -> bytes:
    """A Windows imaging file without images: header and description, as they stand in `install.wim`."""
    images = "".join(
        f'<IMAGE INDEX="{place}"><WINDOWS><ARCH>{arch}</ARCH><PRODUCTNAME>Microsoft® Windows®</PRODUCTNAME>'
        f"<EDITIONID>{edition}</EDITIONID><INSTALLATIONTYPE>{kind}</INSTALLATIONTYPE><LANGUAGES><LANGUAGE>{language}"
        f"</LANGUAGE><DEFAULT>{language}</DEFAULT></LANGUAGES><VERSION><MAJOR>10</MAJOR><MINOR>0</MINOR><BUILD>{build}"
        f"</BUILD><SPBUILD>1742</SPBUILD></VERSION></WINDOWS><DISPLAYNAME>Windows {edition}</DISPLAYNAME></IMAGE>"
        for place, edition in enumerate(editions, 1)
    )
    return wim_of(f"<WIM><TOTALBYTES>1</TOTALBYTES>{images}</WIM>")


def wim_of(xml: str) -> bytes:
    """A Windows imaging file with this description."""
    body = b"\xff\xfe" + xml.encode("utf-16-le")
    header = bytearray(208)
    header[:8] = b"MSWIM\0\0\0"
    struct.pack_into("<I", header, 8, 208)
    struct.pack_into("<QQQ", header, 72, len(body) | 2 << 56, 208, len(body))
    return bytes(header) + body


def metadata_of(image: bytes, name: str = "x.iso", *, full: bool = False) -> Metadata:
    """What is read of an image in memory."""
    return read_metadata(name, len(image), lambda offset, length: image[offset : offset + length], full=full)
