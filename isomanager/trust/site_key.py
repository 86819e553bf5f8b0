"""A site's own key: Ed25519 in minisign's files, so that minisign itself checks what a site signed, and could sign with the key.

The forms, from minisign's description. Secret: `Ed`, two zero bytes (no password), `B2`, 48 bytes that only a password needs, then
key number, seed and public key, and the BLAKE2b-256 of `Ed`, number and key. Public: `Ed`, number, key. Signature: see minisign.py.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from isomanager.errors import ConfigurationError, UsageError
from isomanager.trust.signify import COMMENT, decode_key

_PLAIN = b"Ed\0\0B2" + bytes(48)
_NUMBER, _SEED = 8, 32
_LENGTH = len(_PLAIN) + _NUMBER + _SEED + 32 + 32
_MAX_FILE = 4096


@dataclass(frozen=True)
class SiteKey:
    """Signs what a site hands to others. The secret is in `_private` and never shown."""

    number: bytes
    _private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> str:
        """The public key as one line of base64: what others are told."""
        return base64.b64encode(b"Ed" + self.number + self._private.public_key().public_bytes_raw()).decode("ascii")

    def sign(self, message: bytes, *, comment: str) -> bytes:
        """A minisign signature over `message`; `comment`, one line, is signed with it."""
        made = self._private.sign(hashlib.blake2b(message).digest())
        told = comment.encode()
        whole = self._private.sign(made + told)
        first = base64.b64encode(b"ED" + self.number + made)
        untrusted = COMMENT + b" signature of an isomanager site"
        return b"\n".join((untrusted, first, b"trusted comment: " + told, base64.b64encode(whole), b""))


def create_site_key(file: Path, *, now: datetime) -> SiteKey:
    """A fresh key in `file`, for its owner's eyes only. ConfigurationError when there is one already."""
    key = SiteKey(secrets.token_bytes(_NUMBER), Ed25519PrivateKey.generate())
    seed = key._private.private_bytes_raw() + key._private.public_key().public_bytes_raw()
    check = hashlib.blake2b(b"Ed" + key.number + seed, digest_size=32).digest()
    text = base64.b64encode(_PLAIN + key.number + seed + check)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as wrong:
        told = f"There is a site key in {file} already."
        raise ConfigurationError(told, hint="Move it away first if you want another one.") from wrong
    with os.fdopen(handle, "wb") as opened:
        opened.write(COMMENT + f" secret key of an isomanager site, made {now:%Y-%m-%d}\n".encode() + text + b"\n")
        opened.flush()
        os.fsync(opened.fileno())
    return key


def read_site_key(file: Path) -> SiteKey | None:
    """The key in `file`, None when there is none. ConfigurationError for what is no key without a password, and for one that
    others than its owner can read."""
    try:
        with file.open("rb") as opened:
            mode, content = os.fstat(opened.fileno()).st_mode, opened.read(_MAX_FILE)
    except FileNotFoundError:
        return None
    except OSError as wrong:
        raise ConfigurationError(f"The site key {file} cannot be read: {wrong.strerror}.") from wrong
    if os.name == "posix" and mode & 0o077:
        told = f"Others than its owner may read the site key {file}."
        raise ConfigurationError(
            told, hint=f"If nobody has: chmod 600 {file}. Otherwise move it away and make a new one."
        )
    return _decoded(file, content)


def _decoded(file: Path, content: bytes) -> SiteKey:
    lines = content.splitlines()
    try:
        raw = base64.b64decode(lines[1], validate=True)
    except (IndexError, ValueError):
        raw = b""
    number, rest = raw[len(_PLAIN) :][:_NUMBER], raw[len(_PLAIN) + _NUMBER :]
    key, check = rest[:64], rest[64:]
    good = len(raw) == _LENGTH and raw[:6] == _PLAIN[:6]
    if not good or hashlib.blake2b(b"Ed" + number + key, digest_size=32).digest() != check:
        raise ConfigurationError(f"{file} is no minisign secret key without a password.", hint="Move it away.")
    return SiteKey(number, Ed25519PrivateKey.from_private_bytes(key[:_SEED]))


def public_key(text: str) -> str:
    """The public key that a person gave: the line itself, or the path of minisign's public file. UsageError for what is neither."""
    if decode_key(text.strip()) is not None:
        return text.strip()
    try:
        lines = Path(text).read_bytes()[:_MAX_FILE].decode("ascii").splitlines()
    except (OSError, ValueError):
        lines = []
    found = next((line.strip() for line in lines if decode_key(line.strip()) is not None), "")
    if not found:
        raise UsageError(
            f"'{text[:200]}' is no public key of a site, nor a file with one.", hint="See: isomanager keys site"
        )
    return found
