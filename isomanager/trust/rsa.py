"""RSA signatures as `openssl dgst -sha256 -sign` makes them (PKCS #1 v1.5, RFC 8017, section 8.2), plain or in base64.

OPNsense signs each image so, under a key of its series. Nothing in the signature says whose it is: the pinned keys are tried.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, SHA512, HashAlgorithm

from isomanager.trust.certificates import normalised
from isomanager.trust.keyring import Keyring
from isomanager.trust.public_keys import PublicKey
from isomanager.trust.signature import SignatureResult, refused
from isomanager.trust.signed_data import Data, pieces_of

FEWEST_BITS = 2048
"""A shorter RSA key proves nothing any more (NIST SP 800-131A)."""

_SIZES = range(64, 2049)


def read_rsa_signature(signature: bytes) -> bytes | None:
    """The signature's number as bytes, out of base64 or plain; None when it is neither of a size that RSA keys have."""
    try:
        decoded = base64.b64decode(b"".join(signature.split()), validate=True)
    except (binascii.Error, ValueError):
        decoded = signature
    return decoded if len(decoded) in _SIZES else None


def inspect_rsa(signature: bytes, keyring: Keyring, pinned: tuple[str, ...]) -> SignatureResult | None:
    """What speaks against a signature before the bytes it covers are there; None when nothing does yet."""
    if not signature.strip():
        return refused("no-signature", "The signature is empty.")
    number, keys = read_rsa_signature(signature), _pinned_keys(keyring, pinned)
    if number is None:
        return refused("bad-signature", "The signature cannot be read as RSA.")
    if not keys:
        wanted = " or ".join(normalised(one) for one in pinned) or "no key"
        return refused("unknown-key", f"The pinned RSA key ({wanted}) has not been obtained yet.")
    fitting = [one for one in keys if one.bits == 8 * len(number)]
    if not fitting:
        sizes = " or ".join(str(one.bits) for one in keys)
        note = f"The signature has {8 * len(number)} bits; the pinned key has {sizes}: another key made it."
        return refused("bad-signature", note, primary=_only(keys))
    if all(one.bits < FEWEST_BITS for one in fitting):
        note = f"The pinned key has fewer than {FEWEST_BITS} bits, which can be broken."
        return refused("weak-signature", note, primary=_only(fitting))
    return None


def verify_rsa(data: Data, signature: bytes, keyring: Keyring, pinned: tuple[str, ...]) -> SignatureResult:
    """Whether a pinned key made `signature` over `data`; `pinned` are SHA-256 fingerprints, looked up in `keyring` only."""
    against = inspect_rsa(signature, keyring, pinned)
    if against is not None:
        return against
    number, digests = read_rsa_signature(signature) or b"", _digests(data)
    keys = [one for one in _pinned_keys(keyring, pinned) if one.bits >= FEWEST_BITS]
    signer = next((one for one in keys if _made(one, number, digests)), None)
    if signer is not None:
        return SignatureResult(True, primary_fingerprint=signer.fingerprint)
    stranger = next((one for one in keyring.public_keys() if _made(one, number, digests)), None)
    if stranger is not None:
        note = f"It was made by the RSA key {stranger.fingerprint}, which is not pinned here."
        return refused("foreign-key", note, primary=stranger.fingerprint)
    note = "The signature does not match: the file or the signature has been changed, or another key made it."
    return refused("bad-signature", note, primary=_only(keys))


def _pinned_keys(keyring: Keyring, pinned: tuple[str, ...]) -> list[PublicKey]:
    return [found for one in pinned if (found := keyring.public_key(one)) is not None]


def _only(keys: Sequence[PublicKey]) -> str | None:
    """The key that is meant, where only one can be."""
    return keys[0].fingerprint if len(keys) == 1 else None


def _digests(data: Data) -> tuple[tuple[HashAlgorithm, bytes], ...]:
    taken = hashlib.sha256(), hashlib.sha512()
    for piece in pieces_of(data):
        for one in taken:
            one.update(piece)
    return (SHA256(), taken[0].digest()), (SHA512(), taken[1].digest())


def _made(signer: PublicKey, number: bytes, digests: tuple[tuple[HashAlgorithm, bytes], ...]) -> bool:
    for algorithm, digest in digests:
        try:
            signer.key.verify(number, digest, PKCS1v15(), Prehashed(algorithm))
        except (InvalidSignature, ValueError):
            continue
        return True
    return False
