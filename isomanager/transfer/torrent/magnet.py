"""Magnet links (BEP 9, BEP 53): an identity, and where a swarm of it may be met."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from isomanager.errors import UsageError

_MAX_LENGTH = 16_384
_MAX_ADDRESSES = 64
_V1 = re.compile(r"[0-9a-f]{40}")
_V2 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Magnet:
    """What a magnet link says. `info_hash` in lower-case hexadecimal: 40 digits for version 1, 64 for version 2."""

    info_hash: str
    name: str = ""
    trackers: tuple[str, ...] = ()
    peers: tuple[tuple[str, int], ...] = ()

    @property
    def address(self) -> str:
        """The link with the identity alone: it holds no secret."""
        kind = "btih:" if len(self.info_hash) == 40 else "btmh:1220"
        return f"magnet:?xt=urn:{kind}{self.info_hash}"


def is_magnet(text: str) -> bool:
    """Whether `text` is meant as a magnet link."""
    return text.lower().startswith("magnet:")


def read_magnet(text: str) -> Magnet:
    """The magnet link, or a bare info hash. UsageError when it is neither."""
    if not is_magnet(text):
        return Magnet(_known_hash(text.strip().lower()) or _none())
    if len(text) > _MAX_LENGTH:
        raise UsageError(f"The magnet link is longer than {_MAX_LENGTH} letters.")
    said = parse_qsl(urlsplit(text).query)
    hashes = [found for name, value in said if name == "xt" and (found := _topic(value))]
    if not hashes:
        _none()
    return Magnet(
        # a swarm of both versions is met under the older one
        info_hash=min(hashes, key=len),
        name=next((value for name, value in said if name == "dn"), ""),
        trackers=tuple(value for name, value in said if name == "tr" or name.startswith("tr."))[:_MAX_ADDRESSES],
        peers=tuple(peer for name, value in said if name == "x.pe" and (peer := _peer(value)))[:_MAX_ADDRESSES],
    )


def _topic(text: str) -> str:
    lowered = text.lower()
    if lowered.startswith("urn:btmh:1220"):
        return _known_hash(lowered.removeprefix("urn:btmh:1220"))
    return _known_hash(lowered.removeprefix("urn:btih:")) if lowered.startswith("urn:btih:") else ""


def _known_hash(text: str) -> str:
    """The hash in hexadecimal; empty when it is none."""
    if _V1.fullmatch(text) or _V2.fullmatch(text):
        return text
    try:
        return base64.b32decode(text.upper()).hex() if len(text) == 32 else ""
    except binascii.Error:
        return ""


def _peer(text: str) -> tuple[str, int] | None:
    host, _, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdigit() and 0 < int(port) < 65536 else None


def _none() -> str:
    raise UsageError(
        "That names no torrent.", hint="Give a .torrent file, its address, a magnet: link, or an info hash."
    )
