"""What is in a key file, whatever its kind: OpenPGP certificates, RSA keys in PEM, or one signify or minisign key."""

from __future__ import annotations

from dataclasses import dataclass

from isomanager.trust.certificates import Certificate, read_certificates
from isomanager.trust.public_keys import PublicKey, holds_public_key, read_public_keys
from isomanager.trust.signify import decode_key

_SMALL = 4096


@dataclass(frozen=True)
class KeyMaterial:
    """The keys of one file. `spelled` is a signify or minisign key as products pin it: whole."""

    certificates: tuple[Certificate, ...] = ()
    public_keys: tuple[PublicKey, ...] = ()
    spelled: str = ""

    @property
    def pins(self) -> tuple[str, ...]:
        """How a product would pin each of them."""
        found = (*(one.fingerprint for one in self.certificates), *(one.fingerprint for one in self.public_keys))
        return (*found, self.spelled) if self.spelled else found


def read_key_material(material: bytes, name: str = "key material") -> KeyMaterial:
    """The keys in `material`; ConfigurationError when there is none."""
    spelled = _spelled(material)
    if spelled:
        return KeyMaterial(spelled=spelled)
    if holds_public_key(material):
        return KeyMaterial(public_keys=read_public_keys(material, name))
    return KeyMaterial(certificates=read_certificates(material, name))


def _spelled(material: bytes) -> str:
    """The one line of a signify or minisign public key file that is the key; its comment is never believed."""
    if len(material) > _SMALL:
        return ""
    lines = [line.strip() for line in material.decode("ascii", "replace").splitlines()]
    keys = [line for line in lines if line and decode_key(line) is not None]
    return keys[0] if len(keys) == 1 and len([line for line in lines if line]) <= 2 else ""
