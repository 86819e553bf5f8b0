"""minisign: Ed25519 signatures in signify's form, with a signed comment besides.

The form, from minisign's description: `untrusted comment: ...`, base64 of two letters (`ED`: the signature is over the BLAKE2b-512
digest of the file; `Ed`: over the file itself), key number and signature, then `trusted comment: ...` and base64 of a second
signature over the first one and that comment. Both must hold. A signature without the last two lines is signify's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from isomanager.trust.signature import SignatureResult, refused
from isomanager.trust.signed_data import Data, mapped, pieces_of
from isomanager.trust.signify import (
    COMMENT,
    SIGNATURE_BYTES,
    NumberedBytes,
    decode_line,
    inspect_signify,
    is_signed_by,
    pinned_key,
    verify_signify,
)

_TRUSTED = b"trusted comment: "


@dataclass(frozen=True)
class _Signed:
    """A signature that names a pinned key, its comment checked."""

    made: NumberedBytes
    pin: str


def inspect_minisign(signature: bytes, pinned: tuple[str, ...]) -> SignatureResult | None:
    """What speaks against a signature before the bytes it covers are there; None when nothing does yet.

    The second signature covers no more than the first one and its comment: it is checked at once.
    """
    if _is_signify(signature):
        return inspect_signify(signature, pinned)
    read = _read(signature, pinned)
    return read if isinstance(read, SignatureResult) else None


def verify_minisign(message: Data, signature: bytes, pinned: tuple[str, ...]) -> SignatureResult:
    """Whether a minisign signature over `message` was made by one of the `pinned` public keys (base64, as minisign prints).

    A file is read as a stream where the signature is over its digest, and mapped where it is over the bytes themselves.
    """
    if _is_signify(signature):
        return verify_signify(signature, pinned, message)
    read = _read(signature, pinned)
    if isinstance(read, SignatureResult):
        return read
    if read.made.algorithm == b"ED":
        valid = is_signed_by(read.pin, read.made.data, _blake2b(message))
    else:
        with mapped(message) as whole:
            valid = is_signed_by(read.pin, read.made.data, whole)
    if not valid:
        return refused("bad-signature", "The signature does not match: the text or file is another.", primary=read.pin)
    return SignatureResult(True, primary_fingerprint=read.pin)


def _is_signify(signature: bytes) -> bool:
    return len(signature.rstrip(b"\r\n").split(b"\n")) == 2


def _read(signature: bytes, pinned: tuple[str, ...]) -> _Signed | SignatureResult:
    lines = [line.rstrip(b"\r") for line in signature.rstrip(b"\r\n").split(b"\n")]
    if len(lines) != 4 or not lines[0].startswith(COMMENT) or not lines[2].startswith(_TRUSTED):
        return refused("no-signature", "There is no minisign signature.")
    made, whole = decode_line(lines[1], SIGNATURE_BYTES), _decode(lines[3])
    if made is None or whole is None or made.algorithm not in (b"ED", b"Ed"):
        return refused("bad-signature", "The minisign signature cannot be read.")
    pin = pinned_key(made.number, pinned)
    if pin is None:
        number = made.number[::-1].hex().upper()
        return refused("unknown-key", f"It was made by the minisign key {number}, which is not pinned here.")
    if not is_signed_by(pin, whole, made.data + lines[2].removeprefix(_TRUSTED)):
        return refused("bad-signature", "The signature does not match its comment.", primary=pin)
    return _Signed(made, pin)


def _blake2b(message: Data) -> bytes:
    digest = hashlib.blake2b()
    for piece in pieces_of(message):
        digest.update(piece)
    return digest.digest()


def _decode(line: bytes) -> bytes | None:
    try:
        raw = base64.b64decode(line.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == SIGNATURE_BYTES else None
