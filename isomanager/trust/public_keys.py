"""RSA public keys in PEM, as OPNsense prints one for each series: pinned by the SHA-256 of their SubjectPublicKeyInfo.

The fingerprint is that of `openssl pkey -pubin -outform DER | sha256sum`, in upper case. A block may stand in a text, each line
behind `# ` or `> ` (an announcement, a mail).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from isomanager.errors import ConfigurationError

_MOST_KEYS = 64
_BLOCK = re.compile(
    rb"-----BEGIN (RSA )?PUBLIC KEY-----[ \t\r]*\n(?:(?!-----)[^\n]{0,200}\n){1,200}?[#> \t]*-----END (?:RSA )?PUBLIC KEY-----"
)
_QUOTED = re.compile(rb"^[#>][#> \t]*", re.MULTILINE)


@dataclass(frozen=True)
class PublicKey:
    """An RSA public key. `fingerprint` is the SHA-256 of its SubjectPublicKeyInfo in DER, in upper-case hexadecimal."""

    fingerprint: str
    key: RSAPublicKey

    @property
    def bits(self) -> int:
        """The length of the modulus."""
        return self.key.key_size

    @property
    def pem(self) -> bytes:
        """The key in PEM."""
        return self.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def holds_public_key(material: bytes) -> bool:
    """Whether a PEM public key is in `material`."""
    return _BLOCK.search(material) is not None


def read_public_keys(material: bytes, name: str = "key material") -> tuple[PublicKey, ...]:
    """Every RSA public key in `material`, each once; ConfigurationError when there is none that can be read."""
    found: dict[str, PublicKey] = {}
    for block in list(_BLOCK.finditer(material))[:_MOST_KEYS]:
        try:
            key = load_pem_public_key(_QUOTED.sub(b"", block[0]))
        except (ValueError, UnsupportedAlgorithm):
            continue
        if isinstance(key, RSAPublicKey):
            der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            fingerprint = hashlib.sha256(der).hexdigest().upper()
            found[fingerprint] = PublicKey(fingerprint, key)
    if not found:
        raise ConfigurationError(
            f"{name} holds no RSA public key in PEM that can be read.",
            code="bad-key-material",
            hint="Give the vendor's public key, from -----BEGIN PUBLIC KEY----- to its end.",
            file=name,
        )
    return tuple(found.values())
