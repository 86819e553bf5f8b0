"""Naming torrents: what a person may give is a .torrent file, its address, a magnet link or an info hash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from isomanager.errors import UsageError
from isomanager.library.opening import Library
from isomanager.model import Torrent
from isomanager.transfer.torrent.presence import require_possible


@dataclass(frozen=True)
class NamedTorrent:
    """The torrent, the name of its image as far as it is known, and its size in bytes where it is known."""

    torrent: Torrent
    filename: str
    size: int | None = None


def require_torrent(library: Library, text: str) -> None:
    """Refuse, asking nobody, what names no torrent, or cannot be used here: UsageError, ConfigurationError."""
    require_possible(library.settings, "What is named")
    if not _is_address(text) and not _file(text).is_file():
        from isomanager.transfer.torrent.magnet import is_magnet, read_magnet

        if not is_magnet(text) and text.endswith(".torrent"):
            raise UsageError(f"There is no file {text}.", hint="Give a .torrent that is there, or its address.")
        read_magnet(text)


def named_torrent(library: Library, text: str) -> NamedTorrent:
    """What `text` names. A .torrent is read, and fetched for that: its image's name and size are known then.

    Raises UsageError, FetchRefused and TransientError.
    """
    from isomanager.library.torrenting import keep_metainfo, obtain, user_policy
    from isomanager.transfer.torrent.magnet import read_magnet
    from isomanager.transfer.torrent.metainfo import MAX_TORRENT_BYTES, read_metainfo, wanted_file

    if _is_address(text):
        torrent = Torrent(url=text, asked=True)
        metainfo, _ = obtain(library, torrent, user_policy(torrent), library.stop)
    elif _file(text).is_file():
        metainfo = read_metainfo(_read(_file(text), MAX_TORRENT_BYTES), _file(text).name)
        torrent = Torrent(info_hash=metainfo.info_hash, asked=True)
        keep_metainfo(library, metainfo.info_hash, metainfo.content)
    else:
        magnet = read_magnet(text)
        return NamedTorrent(
            Torrent(url=text if "?" in text else "", info_hash=magnet.info_hash, asked=True), magnet.name
        )
    image = wanted_file(metainfo, "", None, metainfo.name)
    return NamedTorrent(torrent, image.name, image.size)


def _is_address(text: str) -> bool:
    return urlsplit(text).scheme in ("http", "https")


def _file(text: str) -> Path:
    return Path(text).expanduser()


def _read(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(most + 1)
    except OSError as wrong:
        raise UsageError(f"{file} cannot be read: {wrong.strerror}.") from wrong
