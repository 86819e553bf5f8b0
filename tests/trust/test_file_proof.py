"""Signatures over the file itself, of every kind: judged as far as can be before the bytes, and then on the bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from isomanager.model import Assurance, Expectation, Refusal, SignatureKind, SignatureRef
from isomanager.trust.expectation import judge
from isomanager.trust.file_proof import prove_file
from isomanager.trust.keyring import Keyring
from trust.authors import Ed25519Author, RsaAuthor

BYTES = bytes(range(256)) * 40


@dataclass(frozen=True)
class Way:
    """One kind of signature: its signer's pin, how it signs, how somebody else of the same kind does, and the keys."""

    kind: SignatureKind
    pin: str
    sign: Callable[[bytes], bytes]
    forge: Callable[[bytes], bytes]
    ring: Keyring


WAYS = ["openpgp", "signify", "minisign", "minisign-unhashed", "rsa"]


@pytest.fixture(scope="module")
def ways(vendor: Any, stranger: Any, ring: Keyring) -> dict[str, Way]:
    ed, other, rsa, other_rsa = Ed25519Author(), Ed25519Author(), RsaAuthor(), RsaAuthor()
    empty, public = Keyring.of(), Keyring.of(rsa.public, other_rsa.public)
    return {
        "openpgp": Way(SignatureKind.OPENPGP, vendor.fingerprint, vendor.detached, stranger.detached, ring),
        "signify": Way(SignatureKind.SIGNIFY, ed.pin, ed.signify, other.signify, empty),
        "minisign": Way(SignatureKind.MINISIGN, ed.pin, ed.minisign, other.minisign, empty),
        "minisign-unhashed": Way(
            SignatureKind.MINISIGN,
            ed.pin,
            lambda data: ed.minisign(data, hashed=False),
            lambda data: other.minisign(data, hashed=False),
            empty,
        ),
        "rsa": Way(SignatureKind.RSA, rsa.fingerprint, rsa.sign, other_rsa.sign, public),
    }


def judged(make: Any, way: Way, signature: bytes, now: datetime) -> Expectation | Refusal:
    reference = SignatureRef(kind=way.kind, url=make.signature_url, over="file")
    proof = make.proof(document=None, signature=reference, signers=(way.pin,))
    return judge(make.offer(proof), (make.signature(signature),), way.ring, now=now)


@pytest.mark.parametrize("name", WAYS)
def test_a_good_signature_over_the_file_proves_it_and_a_changed_file_is_refused(
    make: Any, ways: dict[str, Way], name: str, now: datetime, tmp_path: Path
) -> None:
    way = ways[name]
    expected = judged(make, way, way.sign(BYTES), now)
    assert isinstance(expected, Expectation)
    assert expected.assurance is Assurance.SIGNED
    file = tmp_path / "image.iso"
    file.write_bytes(BYTES)
    result = prove_file(file, expected, way.ring, now=now)
    assert (result.valid, result.primary_fingerprint) == (True, way.pin)
    for wrong in (BYTES[:-1] + b"!", BYTES + b"\0", BYTES[1:], b""):
        file.write_bytes(wrong)
        assert prove_file(file, expected, way.ring, now=now).reason == "bad-signature"


@pytest.mark.parametrize("name", WAYS)
def test_somebody_else_s_signature_over_the_file_is_never_good(
    make: Any, ways: dict[str, Way], name: str, now: datetime
) -> None:
    way = ways[name]
    found = judged(make, way, way.forge(BYTES), now)
    if isinstance(found, Refusal):
        assert found.code in ("foreign-key", "unknown-key", "bad-signature")
    else:
        assert prove_file(BYTES, found, way.ring, now=now).reason in ("foreign-key", "bad-signature")


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("signature", [b"", b"\n", b"junk", b"<html>404</html>", b"untrusted comment: x\nAAAA\n"])
def test_what_is_no_signature_refuses_the_file_before_its_bytes(
    make: Any, ways: dict[str, Way], name: str, signature: bytes, now: datetime
) -> None:
    assert isinstance(judged(make, ways[name], signature, now), Refusal)


@pytest.mark.parametrize("name", WAYS)
def test_a_missing_signature_refuses_the_file(make: Any, ways: dict[str, Way], name: str, now: datetime) -> None:
    way = ways[name]
    reference = SignatureRef(kind=way.kind, url=make.signature_url, over="file")
    proof = make.proof(document=None, signature=reference, signers=(way.pin,))
    refused = judge(make.offer(proof), (), way.ring, now=now)
    assert isinstance(refused, Refusal)
    assert refused.code == "no-signature"
