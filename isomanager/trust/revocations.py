"""Revocations: whether a revocation packet beside a key was made by that key. Pure.

Anybody may put a packet into a copy of a key. One that the primary key did not make must not end it, or a hostile key server could
take a vendor's key from everybody; one that it did make counts whatever Sequoia's policy thinks of its hash. What cannot be checked
here (an unknown form or algorithm) counts: revocation fails closed. See RFC 9580, sections 5.2.3, 5.2.4 and 5.5.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

_RSA, _DSA, _ECDSA, _EDDSA, _ED25519 = (1, 2, 3), 17, 19, 22, 27
_HASHES: dict[int, hashes.HashAlgorithm] = {
    1: hashes.MD5(), 2: hashes.SHA1(),  # noqa: S303 - a key that ended itself is ended, however weak the hash
    8: hashes.SHA256(), 9: hashes.SHA384(), 10: hashes.SHA512(), 11: hashes.SHA224(),
}  # fmt: skip
_CURVES: dict[bytes, ec.EllipticCurve] = {
    bytes.fromhex("2a8648ce3d030107"): ec.SECP256R1(),
    bytes.fromhex("2b81040022"): ec.SECP384R1(),
    bytes.fromhex("2b81040023"): ec.SECP521R1(),
}
_V3, _V4 = 3, 4
_HALF = 32


@dataclass
class _Reader:
    """Bytes taken from the front; ValueError where there are not so many."""

    data: bytes
    place: int = 0

    def take(self, count: int) -> bytes:
        taken = self.data[self.place : self.place + count]
        if len(taken) != count:
            raise ValueError("it ends too early")
        self.place += count
        return taken

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def integer(self) -> int:
        """A multi-precision integer: its length in bits, then its bytes."""
        return int.from_bytes(self.take((self.number(2) + 7) // 8), "big")


def is_by(primary: bytes, signature: bytes, revoked: bytes | None = None) -> bool:
    """Whether the revocation (a signature packet's body) was made by the primary key (its packet's body), over that key, or over
    the subkey `revoked`. True, too, for what cannot be judged."""
    try:
        return _is_by(primary, signature, revoked)
    except InvalidSignature:
        return False
    except (ValueError, KeyError, UnsupportedAlgorithm):
        return True


def _is_by(primary: bytes, signature: bytes, revoked: bytes | None) -> bool:
    reader = _Reader(signature)
    version = reader.number(1)
    if version == _V4:
        kind = reader.take(1)
        algorithm, hashing = reader.number(1), reader.number(1)
        reader.take(reader.number(2))
        hashed = signature[: reader.place]
        reader.take(reader.number(2))
        trailer = hashed + b"\x04\xff" + len(hashed).to_bytes(4, "big")
    elif version == _V3:
        reader.take(1)
        kind = reader.take(1)
        trailer = kind + reader.take(4)
        reader.take(8)
        algorithm, hashing = reader.number(1), reader.number(1)
    else:
        raise ValueError("it has an unknown form")
    start = reader.take(2)
    chosen = _HASHES[hashing]
    signed = b"".join(map(_framed, filter(None, (primary, revoked)))) + trailer
    digest = hashlib.new(chosen.name, signed, usedforsecurity=False).digest()
    if digest[:2] != start:
        return False
    _verifier(primary, algorithm)(reader, digest, chosen)
    return True


def _framed(key: bytes) -> bytes:
    return b"\x99" + len(key).to_bytes(2, "big") + key


def _verifier(primary: bytes, algorithm: int) -> Callable[[_Reader, bytes, hashes.HashAlgorithm], None]:
    """What raises InvalidSignature for a signature that the key did not make."""
    key = _Reader(primary)
    if key.number(1) != _V4:
        raise ValueError("the key has an unknown form")
    key.take(4)
    own = key.number(1)
    if own in _RSA and algorithm in _RSA:
        return _by_rsa(key)
    if own != algorithm:
        raise InvalidSignature
    return {_DSA: _by_dsa, _ECDSA: _by_ecdsa, _EDDSA: _by_eddsa, _ED25519: _by_ed25519}[own](key)


_Check = Callable[[_Reader, bytes, hashes.HashAlgorithm], None]


def _by_rsa(key: _Reader) -> _Check:
    modulus, exponent = key.integer(), key.integer()
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    size = (modulus.bit_length() + 7) // 8
    return lambda made, digest, chosen: public.verify(
        made.integer().to_bytes(size, "big"), digest, padding.PKCS1v15(), Prehashed(chosen)
    )


def _by_dsa(key: _Reader) -> _Check:
    prime, order, base, value = key.integer(), key.integer(), key.integer(), key.integer()
    public = dsa.DSAPublicNumbers(value, dsa.DSAParameterNumbers(prime, order, base)).public_key()
    return lambda made, digest, chosen: public.verify(_pair(made), digest, Prehashed(chosen))


def _by_ecdsa(key: _Reader) -> _Check:
    curve = _CURVES[key.take(key.number(1))]
    point = key.integer()
    public = ec.EllipticCurvePublicKey.from_encoded_point(curve, point.to_bytes((point.bit_length() + 7) // 8, "big"))
    return lambda made, digest, chosen: public.verify(_pair(made), digest, ec.ECDSA(Prehashed(chosen)))


def _pair(made: _Reader) -> bytes:
    return encode_dss_signature(made.integer(), made.integer())


def _by_eddsa(key: _Reader) -> _Check:
    key.take(key.number(1))  # the curve: of those that sign with two halves of 32 bytes there is one
    public = ed25519.Ed25519PublicKey.from_public_bytes(key.integer().to_bytes(_HALF + 1, "big")[1:])

    def check(made: _Reader, digest: bytes, _chosen: hashes.HashAlgorithm) -> None:
        first, second = made.integer(), made.integer()
        public.verify(first.to_bytes(_HALF, "big") + second.to_bytes(_HALF, "big"), digest)

    return check


def _by_ed25519(key: _Reader) -> _Check:
    public = ed25519.Ed25519PublicKey.from_public_bytes(key.take(_HALF))
    return lambda made, digest, _chosen: public.verify(made.take(2 * _HALF), digest)
