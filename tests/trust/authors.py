"""Throw-away signers that are no OpenPGP keys: signify and minisign (Ed25519), and RSA as openssl signs with it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@dataclass(frozen=True)
class Ed25519Author:
    """A throw-away signify or minisign key, number and all."""

    number: bytes = b"\x01\x02\x03\x04\x05\x06\x07\x08"
    secret: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def pin(self) -> str:
        return base64.b64encode(b"Ed" + self.number + self.secret.public_key().public_bytes_raw()).decode()

    @property
    def public(self) -> bytes:
        """The public key file."""
        return f"untrusted comment: public key\n{self.pin}\n".encode()

    def signify(self, message: bytes) -> bytes:
        line = base64.b64encode(b"Ed" + self.number + self.secret.sign(message))
        return b"untrusted comment: verify with sample.pub\n" + line + b"\n"

    def minisign(self, message: bytes, *, hashed: bool = True, comment: bytes = b"timestamp:1") -> bytes:
        letters, signed = (b"ED", hashlib.blake2b(message).digest()) if hashed else (b"Ed", message)
        first = self.secret.sign(signed)
        lines = (
            b"untrusted comment: signature",
            base64.b64encode(letters + self.number + first),
            b"trusted comment: " + comment,
            base64.b64encode(self.secret.sign(first + comment)),
        )
        return b"\n".join(lines) + b"\n"


@dataclass(frozen=True)
class RsaAuthor:
    """A throw-away RSA key that signs as `openssl dgst -sha256 -sign` does."""

    bits: int = 2048

    @cached_property
    def secret(self) -> RSAPrivateKey:
        return generate_private_key(65537, self.bits)

    @property
    def fingerprint(self) -> str:
        der = self.secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest().upper()

    @property
    def public(self) -> bytes:
        return self.secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, message: bytes, algorithm: HashAlgorithm = SHA256()) -> bytes:  # noqa: B008 - it has no state
        return base64.encodebytes(self.secret.sign(message, PKCS1v15(), algorithm))
