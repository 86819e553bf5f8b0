"""What a .torrent says: which files, in pieces of which hashes, and where a swarm may be met. Judged before anything is fetched.

BEP 3 (files, pieces), BEP 12 (tracker tiers), BEP 19 (web seeds), BEP 47 (padding files), BEP 52 (version 2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from isomanager.errors import FetchRefused
from isomanager.storage.paths import IMAGE_EXTENSIONS, PACKED_EXTENSIONS
from isomanager.transfer.torrent.bencode import Bencoded, Placed, outermost

MAX_TORRENT_BYTES = 32 << 20
"""No .torrent is read beyond this: one of a 20 GiB image in pieces of 256 KiB has 1.6 MiB."""
_MAX_ADDRESSES = 64
_MAX_PIECE = 256 << 20


@dataclass(frozen=True)
class Contained:
    """A file of the torrent: its path as the torrent spells it (never used as a path), sizes and places in bytes."""

    path: str
    size: int
    offset: int

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Metainfo:
    """A torrent, read. `content` is the whole .torrent, `essence` what is left of it without addresses: files and hashes.

    `sha1_pieces` are 20 bytes for each piece of `piece_length` bytes over all files in order; empty in a version 2 torrent.
    """

    content: bytes
    essence: bytes
    info_hash: str
    name: str
    files: tuple[Contained, ...]
    piece_length: int
    sha1_pieces: bytes
    trackers: tuple[str, ...]
    web_seeds: tuple[str, ...]

    @property
    def is_single(self) -> bool:
        """Whether it is one file and nothing else."""
        return len(self.files) == 1 and "/" not in self.files[0].path


def read_metainfo(content: bytes, told: str) -> Metainfo:
    """The torrent in `content`; FetchRefused (bad-data) that names `told` when it is none, or contradicts itself."""
    try:
        return _read(content)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as wrong:
        raise FetchRefused(f"{told} is not a usable .torrent: {wrong}.", code="bad-data", url=told) from wrong


def _read(content: bytes) -> Metainfo:
    if len(content) > MAX_TORRENT_BYTES:
        raise ValueError(f"it is larger than {MAX_TORRENT_BYTES} bytes")
    top = outermost(content)
    if b"info" not in top:
        raise ValueError("it has no info")
    info = _dictionary(top[b"info"].value)
    length = _number(info.get(b"piece length"))
    if not 0 < length <= _MAX_PIECE:
        raise ValueError(f"its pieces have {length} bytes")
    pieces = _text(info.get(b"pieces", b""))
    files = tuple(_files(info, length))
    if pieces and len(pieces) != 20 * -(-sum(one.size for one in files) // length):
        raise ValueError("its pieces are not as many as its size needs")
    kept = [one for one in files if not one.path.startswith("\0")]
    if not kept or any(one.size < 0 for one in files):
        raise ValueError("it has no file, or one of a negative size")
    return Metainfo(
        content=content,
        essence=_essence(top),
        info_hash=_info_hash(info, top[b"info"].raw),
        name=_word(info.get(b"name", b"")),
        files=tuple(kept),
        piece_length=length,
        sha1_pieces=pieces,
        trackers=tuple(_trackers(top))[:_MAX_ADDRESSES],
        web_seeds=tuple(_web_seeds(top))[:_MAX_ADDRESSES],
    )


def _essence(top: dict[bytes, Placed]) -> bytes:
    layers = top.get(b"piece layers")
    return b"d4:info" + top[b"info"].raw + (b"12:piece layers" + layers.raw if layers else b"") + b"e"


def _info_hash(info: dict[bytes, Bencoded], raw: bytes) -> str:
    """SHA-1 of the info as it stands; of a torrent that is only of version 2, SHA-256 (BEP 52)."""
    if b"pieces" in info:
        return hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    return hashlib.sha256(raw).hexdigest()


def _files(info: dict[bytes, Bencoded], piece_length: int) -> Iterator[Contained]:
    """The files in their order; padding has a path that begins with a zero byte."""
    name = _word(info.get(b"name", b""))
    if b"length" in info:
        yield Contained(name.replace("/", "-"), _number(info[b"length"]), 0)
    elif b"files" in info:
        yield from _listed(info[b"files"], name)
    else:
        yield from _tree(_dictionary(info.get(b"file tree")), name, piece_length)


def _listed(listed: Bencoded, name: str) -> Iterator[Contained]:
    offset = 0
    for one in _list(listed):
        said = _dictionary(one)
        path = "/".join([name, *(_word(part) for part in _list(said.get(b"path")))])
        padding = b"p" in _text(said.get(b"attr", b""))
        size = _number(said.get(b"length"))
        yield Contained(f"\0{path}" if padding else path, size, offset)
        offset += size


def _tree(tree: dict[bytes, Bencoded], name: str, piece_length: int) -> Iterator[Contained]:
    """Version 2: each file begins at a piece of its own."""
    offset = 0
    single = len(tree) == 1 and b"" in _dictionary(next(iter(tree.values())))
    for path, size in _leaves(tree):
        yield Contained(path if single else f"{name}/{path}", size, offset)
        offset += -(-size // piece_length) * piece_length


def _leaves(tree: dict[bytes, Bencoded]) -> Iterator[tuple[str, int]]:
    for key, value in tree.items():
        below = _dictionary(value)
        if b"" in below:
            yield _word(key), _number(_dictionary(below[b""]).get(b"length"))
        else:
            yield from ((f"{_word(key)}/{path}", size) for path, size in _leaves(below))


def _trackers(top: dict[bytes, Placed]) -> Iterator[str]:
    tiers = top.get(b"announce-list")
    if tiers is None:
        announce = top.get(b"announce")
        yield from [_word(announce.value)] if announce else []
        return
    for tier in _list(tiers.value):
        yield from (_word(one) for one in _list(tier))


def _web_seeds(top: dict[bytes, Placed]) -> Iterator[str]:
    seeds = top.get(b"url-list")
    if seeds is not None and seeds.value:
        yield from (_word(one) for one in (seeds.value if isinstance(seeds.value, list) else [seeds.value]))


def wanted_file(metainfo: Metainfo, filename: str, size: int | None, told: str) -> Contained:
    """The one file of the torrent that is the image `filename` of `size` bytes (whatever size where that is None).

    An empty name means the only image there is. FetchRefused: not-an-iso, wrong-size, bad-data.
    """
    if filename:
        fitting = [one for one in metainfo.files if one.name == filename]
    else:
        fitting = [one for one in metainfo.files if _is_image(one.name)]
    if len(fitting) != 1:
        there = ", ".join(one.name for one in metainfo.files[:5])
        raise FetchRefused(
            f"The torrent {told} should hold {filename or 'one image'} once; it holds {there}.",
            code="not-an-iso",
            url=told,
        )
    (found,) = fitting
    if size not in (None, found.size):
        raise FetchRefused(
            f"The torrent {told} has {found.name} with {found.size} bytes; the evidence says {size}.",
            code="wrong-size",
            url=told,
            expected=size,
            got=found.size,
        )
    return found


def _is_image(name: str) -> bool:
    lowered = name.lower()
    packing = next((end for end in PACKED_EXTENSIONS if lowered.endswith(end)), "")
    return lowered.removesuffix(packing).endswith(IMAGE_EXTENSIONS)


def _dictionary(value: Bencoded | None) -> dict[bytes, Bencoded]:
    if not isinstance(value, dict):
        raise ValueError("a dictionary is missing")
    return value


def _list(value: Bencoded | None) -> list[Bencoded]:
    if not isinstance(value, list):
        raise ValueError("a list is missing")
    return value


def _number(value: Bencoded | None) -> int:
    if not isinstance(value, int):
        raise ValueError("a number is missing")
    return value


def _text(value: Bencoded | None) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("a text is missing")
    return value


def _word(value: Bencoded | None) -> str:
    return _text(value).decode("utf-8", "replace").replace("\0", "-")
