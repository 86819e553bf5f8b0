"""RSA signatures as OPNsense makes them: a published key, pinned by the SHA-256 of its SubjectPublicKeyInfo."""

from __future__ import annotations

import base64
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1, SHA512
from hypothesis import given, settings
from hypothesis import strategies as st

from isomanager.errors import ConfigurationError, Refused
from isomanager.model import Assurance, Expectation, Refusal, SignatureKind, SignatureRef
from isomanager.trust.expectation import judge
from isomanager.trust.keyring import Keyring
from isomanager.trust.public_keys import read_public_keys
from isomanager.trust.rsa import inspect_rsa, verify_rsa
from trust.authors import RsaAuthor

BYTES = b"OPNsense-sample-dvd.iso.bz2" * 100


@pytest.fixture(scope="module")
def author() -> RsaAuthor:
    return RsaAuthor()


@pytest.fixture(scope="module")
def other() -> RsaAuthor:
    return RsaAuthor()


@pytest.fixture(scope="module")
def keys(author: RsaAuthor, other: RsaAuthor) -> Keyring:
    """Knows both; tests pin the author."""
    return Keyring.of(author.public, other.public)


def test_a_signature_over_bytes_or_a_file_is_good_in_base64_and_plain(
    author: RsaAuthor, keys: Keyring, tmp_path: Path
) -> None:
    file = tmp_path / "image"
    file.write_bytes(BYTES)
    for signature in (author.sign(BYTES), base64.b64decode(author.sign(BYTES)), author.sign(BYTES, SHA512())):
        for data in (BYTES, file):
            result = verify_rsa(data, signature, keys, (author.fingerprint,))
            assert (result.valid, result.primary_fingerprint) == (True, author.fingerprint)


def test_what_was_changed_signed_by_another_or_with_sha1_is_refused(
    author: RsaAuthor, other: RsaAuthor, keys: Keyring
) -> None:
    def reason(data: bytes, signature: bytes, *pins: str) -> str:
        return verify_rsa(data, signature, keys, pins or (author.fingerprint,)).reason

    assert reason(BYTES + b"x", author.sign(BYTES)) == "bad-signature"
    assert reason(BYTES, author.sign(BYTES, SHA1())) == "bad-signature"
    assert reason(BYTES, other.sign(BYTES)) == "foreign-key"
    assert reason(BYTES, RsaAuthor().sign(BYTES)) == "bad-signature"
    assert reason(BYTES, author.sign(BYTES), "0" * 64) == "unknown-key"
    assert reason(BYTES, b"\n") == "no-signature"
    assert reason(BYTES, b"no signature at all") == "bad-signature"
    assert verify_rsa(BYTES, author.sign(BYTES), keys, ()).reason == "unknown-key"


def test_a_short_key_proves_nothing() -> None:
    short = RsaAuthor(bits=1024)
    result = verify_rsa(BYTES, short.sign(BYTES), Keyring.of(short.public), (short.fingerprint,))
    assert (result.valid, result.reason) == (False, "weak-signature")


def test_before_the_bytes_a_signature_of_another_size_is_refused(author: RsaAuthor, keys: Keyring) -> None:
    pinned = (author.fingerprint,)
    assert inspect_rsa(author.sign(BYTES), keys, pinned) is None
    longer = inspect_rsa(RsaAuthor(bits=3072).sign(BYTES), keys, pinned)
    assert longer is not None
    assert longer.reason == "bad-signature"


@settings(deadline=None)
@given(place=st.integers(0, 255), flip=st.integers(1, 255))
def test_no_changed_byte_of_a_signature_passes(author: RsaAuthor, keys: Keyring, place: int, flip: int) -> None:
    signature = bytearray(base64.b64decode(author.sign(BYTES)))
    signature[place] ^= flip
    assert not verify_rsa(BYTES, bytes(signature), keys, (author.fingerprint,)).valid


def test_what_openssl_signs_is_good(tmp_path: Path) -> None:
    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "image").write_bytes(BYTES)
    openssl("genrsa", "-out", "key", "2048")
    openssl("rsa", "-in", "key", "-pubout", "-out", "key.pub")
    openssl("dgst", "-sha256", "-sign", "key", "-out", "plain", "image")
    openssl("base64", "-in", "plain", "-out", "image.sig")
    public = (tmp_path / "key.pub").read_bytes()
    (key,) = read_public_keys(public)
    signature = (tmp_path / "image.sig").read_bytes()
    assert verify_rsa(tmp_path / "image", signature, Keyring.of(public), (key.fingerprint,)).valid


def test_a_key_in_an_announcement_is_found_and_a_file_without_one_is_refused(author: RsaAuthor) -> None:
    quoted = b"\n".join(b"# " + line for line in author.public.splitlines())
    for text in (author.public, b"The key:\n\n" + quoted + b"\n\nyours", author.public.replace(b"\n", b"\r\n")):
        assert [one.fingerprint for one in read_public_keys(text)] == [author.fingerprint]
    for nothing in (b"", author.public[:200], author.public.replace(b"M", b"!")):
        with pytest.raises(ConfigurationError, match="no RSA public key"):
            read_public_keys(nothing)


def test_opnsense_s_recorded_announcement_holds_its_series_key(recorded: Any) -> None:
    (key,) = read_public_keys(recorded("appliances/opnsense_25.7_announcement_excerpt.txt"))
    assert key.bits == 4096


def test_a_key_is_kept_only_under_its_own_fingerprint(author: RsaAuthor, other: RsaAuthor, tmp_path: Path) -> None:
    ring = Keyring((tmp_path,))
    with pytest.raises(Refused) as refused:
        ring.accept(author.fingerprint, other.public)
    assert refused.value.code == "foreign-key"
    assert not ring.has(author.fingerprint)
    ring.accept(author.fingerprint, b"text\n" + other.public + author.public)
    assert [one.fingerprint for one in Keyring((tmp_path,)).public_keys()] == [author.fingerprint]


def test_a_document_signed_with_rsa_reaches_signed_and_its_twin_is_refused(
    make: Any, author: RsaAuthor, keys: Keyring, now: datetime
) -> None:
    reference = SignatureRef(kind=SignatureKind.RSA, url=make.signature_url)
    offer = make.offer(make.proof(signature=reference, signers=(author.fingerprint,)))
    sums = make.sums()
    good = judge(offer, (make.document(sums), make.signature(author.sign(sums))), keys, now=now)
    assert isinstance(good, Expectation)
    assert (good.assurance, good.digests) == (Assurance.SIGNED, {"sha256": make.digest})
    bad = judge(offer, (make.document(make.sums("6" * 64)), make.signature(author.sign(sums))), keys, now=now)
    assert isinstance(bad, Refusal)
    assert bad.code == "bad-signature"
