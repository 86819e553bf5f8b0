"""Documents signed anew by a key that nobody pinned: what a careful reader must refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from isomanager.sample.signing import SigningKey, clearsigned_payload

SIGNATURE_SUFFIXES = (".gpg", ".sig", ".asc", ".sign")
"""How the names of detached signatures end."""

Forger = Callable[[str, bytes], bytes]
"""A path as requested and the content that stands there, to the forged content."""


def forger(www: Path) -> Forger:
    """A forger for the documents under `www`: detached signatures and clearsigned texts; anything else stays as it is."""
    foreign = SigningKey.generate("Somebody Else <else@sample.invalid>")

    def forge(path: str, content: bytes) -> bytes:
        signed = _signed_by_neighbour(www, path)
        if signed is not None:
            return foreign.detached(signed)
        payload = clearsigned_payload(content)
        return content if payload is None else foreign.clearsigned(payload)

    return forge


def _signed_by_neighbour(www: Path, path: str) -> bytes | None:
    if not path.endswith(SIGNATURE_SUFFIXES):
        return None
    document = www / path.rpartition(".")[0].lstrip("/")
    return document.read_bytes() if document.is_file() else None
