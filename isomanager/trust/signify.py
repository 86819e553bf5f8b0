"""signify: OpenBSD's Ed25519 signatures, detached or in front of the message they cover.

The form, from signify(1) and its source: a line `untrusted comment: ...`, then base64 of the two letters `Ed`, eight bytes that
number the key, and 32 bytes of public key or 64 of signature. With an embedded signature (`SHA256.sig`) the rest of the file is
the message. A key is pinned by that second line of its public file; the comments are never believed.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from isomanager.trust.signature import SignatureResult, refused
from isomanager.trust.signed_data import Buffer, Data, mapped

COMMENT = b"untrusted comment:"
"""How every signify and minisign file begins."""

_KEY_BYTES = 32
SIGNATURE_BYTES = 64


@dataclass(frozen=True)
class NumberedBytes:
    """A public key or a signature with the number of its key. `algorithm` is its two letters."""

    algorithm: bytes
    number: bytes
    data: bytes


def decode_line(line: str | bytes, size: int) -> NumberedBytes | None:
    """The key or signature in one base64 line, whose data must have `size` bytes; None when it is none."""
    try:
        raw = base64.b64decode(line.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 2 + 8 + size:
        return None
    return NumberedBytes(raw[:2], raw[2:10], raw[10:])


def decode_key(pinned: str) -> NumberedBytes | None:
    """The Ed25519 public key that a pin spells; None when it spells none."""
    key = decode_line(pinned, _KEY_BYTES) if pinned.isascii() else None
    return key if key is not None and key.algorithm == b"Ed" else None


def pinned_key(number: bytes, pinned: tuple[str, ...]) -> str | None:
    """The pin whose key has this number."""
    return next((pin for pin in pinned if (key := decode_key(pin)) is not None and key.number == number), None)


def is_signed_by(pin: str, signature: bytes, message: Buffer) -> bool:
    """Whether the Ed25519 signature over `message` is by the key that `pin` spells."""
    key = decode_key(pin)
    if key is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.data).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def read_signify(signature: bytes, pinned: tuple[str, ...]) -> tuple[NumberedBytes, str] | SignatureResult:
    """The signature and the pin whose key it names, or why it cannot count."""
    lines = signature.split(b"\n", 2)
    if len(lines) < 2 or not lines[0].startswith(COMMENT):
        return refused("no-signature", "There is no signify signature.")
    found = decode_line(lines[1], SIGNATURE_BYTES)
    if found is None or found.algorithm != b"Ed":
        return refused("bad-signature", "The signify signature cannot be read.")
    pin = pinned_key(found.number, pinned)
    if pin is None:
        return refused("unknown-key", f"It was made by the signify key {found.number.hex()}, which is not pinned here.")
    return found, pin


def inspect_signify(signature: bytes, pinned: tuple[str, ...]) -> SignatureResult | None:
    """What speaks against a signature before the bytes it covers are there; None when nothing does yet."""
    found = read_signify(signature, pinned)
    return found if isinstance(found, SignatureResult) else None


def verify_signify(signature: bytes, pinned: tuple[str, ...], message: Data | None = None) -> SignatureResult:
    """Whether a signify signature holds for `message`, or without one for the message that follows it.

    `pinned` are public keys as the second line of their files. The key's own text stands for its fingerprint. `payload` is the
    message that follows an embedded signature.
    """
    found = read_signify(signature, pinned)
    if isinstance(found, SignatureResult):
        return found
    made, pin = found
    payload = embedded_message(signature) if message is None else None
    with mapped(message if message is not None else payload or b"") as signed:
        if not is_signed_by(pin, made.data, signed):
            return refused("bad-signature", "The signature does not match the text.", primary=pin)
    return SignatureResult(True, primary_fingerprint=pin, payload=payload)


def embedded_message(document: bytes) -> bytes:
    """What follows the two lines of an embedded signature; nobody has checked it."""
    lines = document.split(b"\n", 2)
    return lines[2] if len(lines) == 3 else b""
