"""OpenPGP certificates as far as judging a signature needs them: keys, revocation and expiry.

pysequoia applies Sequoia's policy when it is asked about a certificate, and gives no answer for one whose self-signatures use
SHA-1 (openSUSE 2022, Fedora 32, Qubes 3). Those answers are read from the packets here (RFC 9580, section 10.1).
Revocation fails closed: one that the key made counts whether or not the policy would accept it, and so does one that cannot be
checked (`revocations`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pysequoia import Cert
from pysequoia.packet import HashAlgorithm, Packet, PacketPile, SignatureType, Tag

from isomanager.errors import ConfigurationError
from isomanager.trust.revocations import is_by

WEAK_HASHES = (HashAlgorithm.MD5, HashAlgorithm.SHA1, HashAlgorithm.RipeMD)

_PUBLIC_KEYS = (Tag.PublicKey, Tag.PublicSubkey)

_SELF_SIGNATURES = (
    SignatureType.DirectKey,
    SignatureType.GenericCertification,
    SignatureType.PersonaCertification,
    SignatureType.CasualCertification,
    SignatureType.PositiveCertification,
)

_ARMOR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----.*?-----END PGP PUBLIC KEY BLOCK-----[^\n]*(?:\n|\Z)", re.DOTALL
)


@dataclass(frozen=True)
class Key:
    """A primary key or subkey. `weakly_bound`: only MD5, SHA-1 or RIPEMD signatures tie it to its primary key (or, for a primary
    key, to its user); `bound_at` is when the first sound one was made.
    """

    fingerprint: str
    key_id: str
    revoked: bool = False
    expires_at: datetime | None = None
    weakly_bound: bool = False
    bound_at: datetime | None = None


@dataclass(frozen=True)
class Certificate:
    """A public certificate; `keys[0]` is the primary key."""

    cert: Cert
    keys: tuple[Key, ...]

    @property
    def fingerprint(self) -> str:
        """The primary key's full fingerprint, in upper case."""
        return self.keys[0].fingerprint

    @property
    def primary(self) -> Key:
        """The primary key."""
        return self.keys[0]

    def key(self, issuer: str) -> Key | None:
        """The key whose fingerprint or key id is `issuer`."""
        wanted = issuer.upper()
        return next((one for one in self.keys if wanted in (one.fingerprint, one.key_id)), None)

    @property
    def users(self) -> tuple[str, ...]:
        """Whom the key says to belong to, fit to be shown. Nobody has checked it: only the fingerprint counts."""
        return tuple("".join(one for one in str(user) if one.isprintable())[:200] for user in self.cert.user_ids)[:20]

    @property
    def material(self) -> bytes:
        """The certificate in binary form, without any secret."""
        return bytes(self.cert)

    @property
    def armored(self) -> str:
        """The certificate in ASCII armor."""
        return str(self.cert)


def normalised(fingerprint: str) -> str:
    """A fingerprint without spaces and `0x`, in upper case."""
    return re.sub(r"\s+", "", fingerprint).upper().removeprefix("0X")


def read_certificates(material: bytes, name: str = "key material") -> tuple[Certificate, ...]:
    """Every certificate in `material`, binary or armored, several blocks allowed; ConfigurationError when there is none."""
    blocks = _ARMOR.findall(material) or [material]
    try:
        certs = [cert for block in blocks for cert in Cert.split_bytes(block)]
        found = tuple(_certificate(cert) for cert in certs)
    except RuntimeError as error:
        raise _unreadable(name, _first_line(error)) from error
    if not found:
        raise _unreadable(name, "there is no OpenPGP certificate in it")
    return found


def _unreadable(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} cannot be read as OpenPGP public keys: {why}.",
        code="bad-key-material",
        hint="Give the vendor's public key, armored or binary.",
        file=name,
    )


def _first_line(error: RuntimeError) -> str:
    # pysequoia puts a stack trace into the message of its errors
    return str(error).partition("\n")[0].rstrip(". ")


def _certificate(cert: Cert) -> Certificate:
    packets = tuple(PacketPile.from_bytes(bytes(cert)))
    groups = list(_by_key(packets))
    primary = _primary(cert, groups[0], packets)
    return Certificate(cert, (primary, *(_subkey(group, primary, groups[0][0]) for group in groups[1:])))


def _by_key(packets: tuple[Packet, ...]) -> Iterator[list[Packet]]:
    group: list[Packet] = []
    for packet in packets:
        if packet.tag in _PUBLIC_KEYS and group:
            yield group
            group = []
        group.append(packet)
    yield group


def _identity(packet: Packet) -> tuple[str, str]:
    return (packet.fingerprint or "").upper(), (packet.key_id or "").upper()


def _primary(cert: Cert, packets: list[Packet], everywhere: tuple[Packet, ...]) -> Key:
    _, key_id = _identity(packets[0])
    # one that Sequoia cannot check may stand behind a subkey
    revocations = (one for one in everywhere if one.signature_type == SignatureType.KeyRevocation)
    revoked = cert.is_revoked or any(is_by(packets[0].body, one.body) for one in revocations)
    return _key(packets, key_id, revoked, _SELF_SIGNATURES)


def _subkey(packets: list[Packet], primary: Key, primary_packet: Packet) -> Key:
    revocations = (one for one in packets if one.signature_type == SignatureType.SubkeyRevocation)
    revoked = any(is_by(primary_packet.body, one.body, packets[0].body) for one in revocations)
    return _key(packets, primary.key_id, revoked, (SignatureType.SubkeyBinding,))


def _key(packets: list[Packet], signer: str, revoked: bool, kinds: tuple[SignatureType, ...]) -> Key:
    """The key that `packets` begin with, as the signatures of these kinds by the primary key `signer` describe it."""
    fingerprint, key_id = _identity(packets[0])
    own = [
        (one.signature_created, one)
        for one in packets
        if one.signature_type in kinds and one.signature_created and (one.issuer_key_id or "").upper() == signer
    ]
    sound = [made for made, one in own if one.hash_algorithm not in WEAK_HASHES]
    return Key(fingerprint, key_id, revoked, _expiry(packets[0], own), not sound, min(sound, default=None))


def _expiry(key: Packet, signatures: list[tuple[datetime, Packet]]) -> datetime | None:
    """When `key` expires by the newest of its owner's signatures (RFC 9580, section 5.2.3.13)."""
    if not signatures or key.key_created is None:
        return None
    newest = max(signatures, key=lambda pair: pair[0])[1]
    return key.key_created + newest.key_validity_period if newest.key_validity_period else None
