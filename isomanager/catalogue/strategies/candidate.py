"""What a strategy finds: one file that upstream seems to offer. Nothing has been chosen or believed yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from isomanager.model import DayLink, Digests

_LONGEST_NAME = 255
_FORBIDDEN = frozenset('/\\:*?"<>|')


@dataclass(frozen=True)
class Candidate:
    """A file by name. `url` is absolute ("" when only a template knows it); `groups` are what pattern, fields and way said.

    `size` in bytes; `digests` as the document claims them; `prerelease` when upstream itself says that it is one;
    `torrent_only` when nothing but a torrent of it is listed; `last_modified` as a HEAD request told it; `link` where its address
    is given for a day at a time.
    """

    name: str
    url: str = ""
    groups: dict[str, str] = field(default_factory=dict)
    version: str = ""
    size: int | None = None
    digests: Digests = field(default_factory=dict)
    available: bool = True
    prerelease: bool = False
    torrent: str = ""
    info_hash: str = ""
    torrent_only: bool = False
    last_modified: str = ""
    link: DayLink | None = None


def clean_name(text: str) -> str | None:
    """The last segment of a path or address as a file name that is safe on every system, or None when there is none.

    Upstream's text is hostile: no separators, control characters, `..`, names Windows cannot hold, nor endless ones.
    """
    name = unquote(text.split("?")[0].split("#")[0]).rstrip("/").rpartition("/")[2]
    safe = name.isprintable() and not _FORBIDDEN.intersection(name) and name.strip(". ") == name.lstrip(". ")
    sized = 0 < len(name.encode("utf-8", "replace")) <= _LONGEST_NAME
    return name if safe and sized and not name.startswith((".", "-", " ")) else None


def name_of_url(url: str) -> str | None:
    """The file name at the end of an address, cleaned."""
    return clean_name(urlsplit(url).path)
