"""What is in a Windows imaging file (`install.wim`, `install.esd`): its header and its XML, without the images themselves.

Format: Microsoft, "Windows Imaging File Format (WIM) White Paper", 2007: a header of 208 bytes, in it the place of the XML data,
which is UTF-16 with a byte order mark and never compressed. An ESD has the same header.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree

from isomanager.media.source import Source

_HEADER = 208
_MAGIC = (b"MSWIM\0\0\0", b"WLPWM\0\0\0")
_LARGEST_XML = 2 << 20
_MOST_IMAGES = 500
_ARCHITECTURES = {"0": "i686", "5": "armv7", "6": "ia64", "9": "x86_64", "12": "aarch64"}

ReadPart = Callable[[int, int], bytes]


@dataclass(frozen=True)
class WindowsImage:
    """One edition in the file. `kind` is `Client`, `Server`, `Server Core` or `WindowsPE` (INSTALLATIONTYPE)."""

    index: int
    name: str
    edition: str
    kind: str
    architecture: str
    version: str
    build: str
    languages: tuple[str, ...]


def read_images(source: Source, read: ReadPart) -> tuple[WindowsImage, ...]:
    """The editions that the imaging file tells of; `read` gives its bytes. MediaError where it is no such file."""
    header = read(0, _HEADER)
    if len(header) < _HEADER or header[:8] not in _MAGIC:
        raise source.damaged("its Windows imaging file has no valid header")
    size, offset = struct.unpack_from("<QQ", header, 72)
    size &= (1 << 56) - 1  # the highest byte holds flags
    if not 2 <= size <= _LARGEST_XML:
        raise source.damaged("the description in its Windows imaging file is missing or too large")
    try:
        text = read(offset, size).decode("utf-16")
    except UnicodeDecodeError as error:
        raise source.damaged("the description in its Windows imaging file is no text") from error
    return _images(source, text)


def _images(source: Source, text: str) -> tuple[WindowsImage, ...]:
    if "<!" in text.replace("<![CDATA[", ""):  # no declarations, so nothing that could expand
        raise source.damaged("the description in its Windows imaging file declares entities")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - bounded, and without declarations there is nothing to expand
    except ElementTree.ParseError as error:
        raise source.damaged("the description in its Windows imaging file is not well-formed") from error
    return tuple(_image(one) for one in root.findall("IMAGE")[:_MOST_IMAGES])


def _image(element: ElementTree.Element) -> WindowsImage:
    def text(path: str) -> str:
        found = (element.findtext(path) or "").strip()
        return found[:200] if found.isprintable() else ""

    number = "WINDOWS/VERSION/"
    spelled = element.get("INDEX", "0")
    languages = (one.text or "" for one in element.findall("WINDOWS/LANGUAGES/LANGUAGE")[:100])
    return WindowsImage(
        index=int(spelled) if spelled.isdecimal() and len(spelled) < 9 else 0,
        name=text("DISPLAYNAME") or text("NAME"),
        edition=text("WINDOWS/EDITIONID") or text("FLAGS"),
        kind=text("WINDOWS/INSTALLATIONTYPE") or _older_kind(text("WINDOWS/PRODUCTTYPE")),
        architecture=_ARCHITECTURES.get(text("WINDOWS/ARCH"), text("WINDOWS/ARCH")),
        version=".".join(part for part in (text(f"{number}MAJOR"), text(f"{number}MINOR")) if part),
        build=".".join(part for part in (text(f"{number}BUILD"), text(f"{number}SPBUILD")) if part),
        languages=tuple(one.lower() for one in languages if one.isprintable()),
    )


def _older_kind(product_type: str) -> str:
    """Vista's files have no INSTALLATIONTYPE; PRODUCTTYPE tells workstations from servers."""
    return {"WinNT": "Client", "ServerNT": "Server"}.get(product_type, "")
