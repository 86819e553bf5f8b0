"""A folder as a web server shows it: files, index pages in a vendor's dialect, addresses that redirect."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from isomanager.sample.answers import Resource
from isomanager.sample.indexes import DIALECTS, IndexEntry

_TYPES = {
    ".iso": "application/x-iso9660-image",
    ".json": "application/json",
    ".gpg": "application/pgp-signature",
    ".asc": "application/pgp-signature",
    ".xz": "application/x-xz",
    ".torrent": "application/x-bittorrent",
}


@dataclass(frozen=True)
class Moved:
    """The address leads elsewhere: to a path of this server."""

    to: str
    status: int


def _no_aliases() -> Mapping[str, str]:
    return {}


def _apache(_path: str) -> str:
    return "apache"


@dataclass(frozen=True)
class ServedFolder:
    """What is served: the files under `root`, `aliases()` that redirect, and the index `dialect` of each path.

    Names that begin with a dot are files being written, and are not there yet.
    """

    root: Path
    dialect: Callable[[str], str] = _apache
    aliases: Callable[[], Mapping[str, str]] = _no_aliases

    def find(self, path: str) -> Resource | Moved | None:
        """What stands at the decoded absolute `path`; None for nothing, and for whatever tries to leave the folder."""
        pieces = PurePosixPath(path).parts[1:]
        if not path.startswith("/") or "\0" in path or "\\" in path or any(one.startswith(".") for one in pieces):
            return None
        place = self.root.joinpath(*pieces)
        if place.is_dir():
            return self._index(path, place) if path.endswith("/") else Moved(f"{path}/", 301)
        found = None if path.endswith("/") else _file(place)
        return found or self._alias("/".join(pieces))

    def _alias(self, path: str) -> Moved | None:
        target = self.aliases().get(path)
        return None if target is None else Moved(f"/{target}", 302)

    def _index(self, path: str, place: Path) -> Resource:
        entries = [_entry(one) for one in sorted(place.iterdir()) if not one.name.startswith(".")]
        page = DIALECTS[self.dialect(path)](path, [one for one in entries if one is not None])
        return Resource(page.encode(), "text/html;charset=utf-8")


def _file(place: Path) -> Resource | None:
    # one open file gives both bytes and date, so that a replacement in between cannot mix two files
    try:
        with place.open("rb") as file:
            content, modified = file.read(), os.fstat(file.fileno()).st_mtime_ns
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    content_type = _TYPES.get(place.suffix, "text/plain" if len(content) < 1 << 20 else "application/octet-stream")
    etag = f'"{len(content):x}-{modified:x}"'  # strong, in Apache's way: size and date
    return Resource(content, content_type, etag, datetime.fromtimestamp(modified / 1e9, UTC))


def _entry(place: Path) -> IndexEntry | None:
    try:
        stat = place.stat()
    except FileNotFoundError:  # gone since the folder was read
        return None
    return IndexEntry(place.name, place.is_dir(), stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))
