"""Who may end a key: the key itself, and nobody who puts a packet beside it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from pysequoia.packet import PacketPile, SignatureType

from isomanager.trust.certificates import read_certificates
from isomanager.trust.keyring import Keyring
from isomanager.trust.openpgp import verify_detached
from isomanager.trust.revocations import is_by

DATA = b"a document"
KEYS = ("revoked-rsa2048.key.asc", "revoked-dsa2048.key.asc", "revoked-nistp256.key.asc")


def parts(material: bytes) -> tuple[bytes, bytes]:
    """The bodies of the primary key and of its revocation."""
    (certificate,) = read_certificates(material)
    packets = list(PacketPile.from_bytes(certificate.material))
    revocation = next(one for one in packets if one.signature_type == SignatureType.KeyRevocation)
    return packets[0].body, revocation.body


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_ended_itself_is_revoked_whatever_its_algorithm(name: str, built: Callable[[str], bytes]) -> None:
    (certificate,) = read_certificates(built(name))
    assert certificate.primary.revoked
    primary, revocation = parts(built(name))
    assert is_by(primary, revocation)


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("place", [-1, -20, 12])
def test_a_revocation_with_a_byte_changed_is_nobody_s(name: str, place: int, built: Callable[[str], bytes]) -> None:
    primary, revocation = parts(built(name))
    forged = bytearray(revocation)
    forged[place] ^= 1
    assert not is_by(primary, bytes(forged))


def test_another_key_s_revocation_beside_a_key_does_not_end_it(vendor: Any, stranger: Any, now: datetime) -> None:
    foreign = bytes(stranger.cert.revoke(stranger.secret.certifier()))
    (certificate,) = read_certificates(vendor.material + foreign)
    assert not certificate.primary.revoked
    ring = Keyring.of(vendor.material + foreign)
    assert verify_detached(DATA, vendor.detached(DATA), ring, (vendor.fingerprint,), now=now).valid


def test_a_forged_revocation_in_a_fetched_copy_takes_the_key_from_nobody(vendor: Any, now: datetime) -> None:
    forged = bytearray(bytes(vendor.cert.revoke(vendor.secret.certifier())))
    forged[-1] ^= 1
    ring = Keyring.of(vendor.material, vendor.material + bytes(forged))
    assert verify_detached(DATA, vendor.detached(DATA), ring, (vendor.fingerprint,), now=now).valid


@pytest.mark.parametrize("signature", [b"", b"\x05", b"\x06" + bytes(40), b"\x04\x20\x63\x63" + bytes(20), bytes(200)])
def test_what_cannot_be_judged_counts(signature: bytes, vendor: Any) -> None:
    primary = next(iter(PacketPile.from_bytes(vendor.material))).body
    assert is_by(primary, signature)
