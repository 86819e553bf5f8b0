"""Small files by which the makers of an image say what it is. Each becomes one line, which rules in product files may name.

disk-info      `.disk/info` of Debian, Ubuntu, Mint and theirs: its first line
treeinfo       `.treeinfo` (productmd): `family|version|variant|architecture`
discinfo       `.discinfo` (anaconda): `name|architecture`
os-release     os-release(5): `ID|VERSION_ID|VARIANT_ID`
media          `media.1/products` of SUSE: its first line
cd-info        `.cd-info` of Proxmox: `product|release|iso release`
alpine-release, arch-version   the version, alone in a file
windows        `install.wim` or `install.esd`: `client|6.1|7601.17514|x86_64|en-us|edition, edition`
windows-build  `sources/idwbinfo.txt`: `architecture|branch`
"""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from isomanager.media.wim import WindowsImage
from isomanager.model import architecture

Content = Callable[[str, int], bytes | None]
"""The first bytes of a file of the image, None where there is no such file."""

_MOST = 64 << 10


@dataclass(frozen=True)
class _Marker:
    name: str
    paths: tuple[str, ...]
    line: Callable[[str], str]


def read_markers(content: Content) -> dict[str, str]:
    """The line of every marker that the image has."""
    return dict(_found(content))


def _found(content: Content) -> Iterator[tuple[str, str]]:
    for marker in MARKERS:
        for path in marker.paths:
            raw = content(path, _MOST)
            line = marker.line(_text(raw)) if raw is not None else ""
            if line:
                yield marker.name, _printable(line)
                break


def _text(raw: bytes) -> str:
    """A marker's text: UTF-8, or UTF-16 where its first two bytes say so, as editors on Windows write it."""
    form = "utf-16" if raw[:2] in (BOM_UTF16_LE, BOM_UTF16_BE) else "utf-8"
    return raw.decode(form, "replace")


def windows_line(images: tuple[WindowsImage, ...]) -> str:
    """The marker `windows` for the editions of an imaging file; "" where it tells of no Windows."""
    told = [one for one in images if one.build]
    if not told:
        return ""
    first = told[0]
    kind = "server" if first.kind.lower().startswith("server") else "client"
    editions = ", ".join(dict.fromkeys(one.edition for one in told if one.edition))
    language = first.languages[0] if first.languages else ""
    return _printable(f"{kind}|{first.version}|{first.build}|{first.architecture}|{language}|{editions}"[:1000])


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _treeinfo(text: str) -> str:
    """productmd's `[release]` where there is one, else the older `[general]`."""
    parser = _ini(text)
    release, general = parser.get("release", {}), parser.get("general", {})
    family = release.get("name") or general.get("family", "")
    version = release.get("version") or general.get("version", "")
    spelled = parser.get("tree", {}).get("arch") or general.get("arch", "")
    return f"{family}|{version}|{general.get('variant', '')}|{architecture(spelled)}" if family else ""


def _discinfo(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    return f"{lines[1]}|{architecture(lines[2])}" if len(lines) > 2 and lines[0].replace(".", "").isdigit() else ""


def _os_release(text: str) -> str:
    values = _assignments(text)
    return f"{values['ID']}|{values.get('VERSION_ID', '')}|{values.get('VARIANT_ID', '')}" if values.get("ID") else ""


def _cd_info(text: str) -> str:
    values = _assignments(text)
    return (
        f"{values['PRODUCT']}|{values.get('RELEASE', '')}|{values.get('ISORELEASE', '')}" if "PRODUCT" in values else ""
    )


def _windows_build(text: str) -> str:
    values = {name.upper(): value for name, value in _ini(text).get("buildinfo", {}).items()}
    branch, built = values.get("BUILDBRANCH", ""), values.get("BUILDARCH", "")
    return f"{architecture(built)}|{branch}" if branch else ""


def _ini(text: str) -> dict[str, dict[str, str]]:
    """Sections of an INI file, names in lower case. Python's own reader falls over some of what a disc may hold."""
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in map(str.strip, text.lstrip("\ufeff").splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = sections.setdefault(line[1:-1].strip().lower(), {})
        elif line and line[0] not in "#;":
            name, _, value = line.partition("=" if "=" in line else ":")
            section[name.strip().lower()] = value.strip()
    return sections


def _assignments(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, found, value in pairs if found}


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in line)[:1000]


MARKERS = (
    _Marker("disk-info", (".disk/info",), _first_line),
    _Marker("treeinfo", (".treeinfo", "treeinfo"), _treeinfo),
    _Marker("discinfo", (".discinfo",), _discinfo),
    _Marker("os-release", ("os-release", "etc/os-release", "usr/lib/os-release", ".disk/os-release"), _os_release),
    _Marker("media", ("media.1/products",), _first_line),
    _Marker("cd-info", (".cd-info",), _cd_info),
    _Marker("alpine-release", (".alpine-release",), _first_line),
    _Marker("arch-version", ("arch/version",), _first_line),
    _Marker("windows-build", ("sources/idwbinfo.txt",), _windows_build),
)
"""Where each marker stands, and how its line is made."""
