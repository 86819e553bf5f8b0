"""minisign: Ed25519 signatures in signify's form, with a signed comment besides.

The form, from minisign's description: `untrusted comment: ...`, base64 of two letters (`ED`: the signature is over the BLAKE2b-512
digest of the file; `Ed`: over the file itself), key number and signature, then `trusted comment: ...` and base64 of a second
signature over the first one and that comment. Both must hold. A signature without the last two lines is signify's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from isomanager.trust.signature import SignatureResult, refused
from isomanager.trust.signify import SIGNATURE_BYTES, decode_line, is_signed_by, pinned_key, verify_signify

_TRUSTED = b"trusted comment: "


def verify_minisign(message: bytes, signature: bytes, pinned: tuple[str, ...]) -> SignatureResult:
    """Whether a minisign signature over `message` was made by one of the `pinned` public keys (base64, as minisign prints)."""
    lines = [line.rstrip(b"\r") for line in signature.rstrip(b"\r\n").split(b"\n")]
    if len(lines) == 2:
        return verify_signify(signature.rstrip(b"\n") + b"\n", pinned, message)
    if len(lines) != 4 or not lines[0].startswith(b"untrusted comment:") or not lines[2].startswith(_TRUSTED):
        return refused("no-signature", "There is no minisign signature.")
    found, whole = decode_line(lines[1], SIGNATURE_BYTES), _decode(lines[3])
    if found is None or whole is None or found.algorithm not in (b"ED", b"Ed"):
        return refused("bad-signature", "The minisign signature cannot be read.")
    pin = pinned_key(found.number, pinned)
    if pin is None:
        number = found.number[::-1].hex().upper()
        return refused("unknown-key", f"It was made by the minisign key {number}, which is not pinned here.")
    signed = hashlib.blake2b(message).digest() if found.algorithm == b"ED" else message
    commented = found.data + lines[2].removeprefix(_TRUSTED)
    if not (is_signed_by(pin, found.data, signed) and is_signed_by(pin, whole, commented)):
        return refused("bad-signature", "The signature does not match the text or its comment.", primary=pin)
    return SignatureResult(True, primary_fingerprint=pin)


def _decode(line: bytes) -> bytes | None:
    try:
        raw = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == SIGNATURE_BYTES else None
