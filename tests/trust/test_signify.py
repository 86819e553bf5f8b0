from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from isomanager.model import Assurance, Expectation, Refusal, SignatureKind, SignatureRef
from isomanager.trust.expectation import judge
from isomanager.trust.keyring import Keyring
from isomanager.trust.minisign import verify_minisign
from isomanager.trust.signify import decode_key, verify_signify
from trust.authors import Ed25519Author

MESSAGE = b"SHA256 (sample.iso) = 55\n"


@pytest.fixture(scope="module")
def author() -> Ed25519Author:
    return Ed25519Author()


def test_an_embedded_signature_gives_the_message_that_follows_it(author: Ed25519Author) -> None:
    result = verify_signify(author.signify(MESSAGE) + MESSAGE, (author.pin,))
    assert (result.valid, result.payload, result.primary_fingerprint) == (True, MESSAGE, author.pin)


def test_a_detached_signature_covers_the_message_beside_it(author: Ed25519Author) -> None:
    assert verify_signify(author.signify(MESSAGE), (author.pin,), MESSAGE).valid


@pytest.mark.parametrize("kind", ["signify", "minisign", "minisign-unhashed"])
def test_a_changed_message_and_another_key_with_the_same_number_are_refused(author: Ed25519Author, kind: str) -> None:
    def check(signer: Ed25519Author, message: bytes) -> Any:
        if kind == "signify":
            return verify_signify(signer.signify(MESSAGE) + message, (author.pin,))
        return verify_minisign(message, signer.minisign(MESSAGE, hashed=kind == "minisign"), (author.pin,))

    assert check(author, MESSAGE).valid
    assert check(author, MESSAGE + b"x").reason == "bad-signature"
    assert check(Ed25519Author(), MESSAGE).reason == "bad-signature"
    assert check(Ed25519Author(number=b"another!"), MESSAGE).reason == "unknown-key"


def test_minisign_s_trusted_comment_is_signed_too(author: Ed25519Author) -> None:
    signature = author.minisign(MESSAGE, comment=b"file:a").replace(b"file:a", b"file:b")
    assert verify_minisign(MESSAGE, signature, (author.pin,)).reason == "bad-signature"


def test_an_older_signify_signature_is_taken_where_minisign_is_expected(author: Ed25519Author) -> None:
    assert verify_minisign(MESSAGE, author.signify(MESSAGE), (author.pin,)).valid


def test_a_signify_signature_needs_no_last_newline(author: Ed25519Author) -> None:
    assert verify_signify(author.signify(MESSAGE).rstrip(b"\n"), (author.pin,), MESSAGE).valid


@pytest.mark.parametrize(
    "signature", [b"", b"junk", b"untrusted comment: x\nAAAA\n", b"untrusted comment: x\n\xff\xff\n\n\n"]
)
def test_what_is_no_signature_is_refused(author: Ed25519Author, signature: bytes) -> None:
    assert not verify_signify(signature, (author.pin,)).valid
    assert not verify_minisign(MESSAGE, signature, (author.pin,)).valid


def test_of_a_signify_document_only_the_signed_text_is_read(
    make: Any, author: Ed25519Author, ring: Keyring, now: datetime
) -> None:
    proof = make.proof(signature=SignatureRef(kind=SignatureKind.SIGNIFY), signers=(author.pin,))
    text = make.sums()
    good = judge(make.offer(proof), (make.document(author.signify(text) + text),), ring, now=now)
    assert isinstance(good, Expectation)
    assert (good.assurance, good.digests) == (Assurance.SIGNED, {"sha256": make.digest})
    bad = judge(make.offer(proof), (make.document(author.signify(text) + make.sums("6" * 64)),), ring, now=now)
    assert isinstance(bad, Refusal)
    assert bad.code == "bad-signature"


def test_a_minisign_document_reaches_signed(make: Any, author: Ed25519Author, ring: Keyring, now: datetime) -> None:
    reference = SignatureRef(kind=SignatureKind.MINISIGN, url=make.signature_url)
    offer = make.offer(make.proof(signature=reference, signers=(author.pin,)))
    evidence = (make.document(make.sums()), make.signature(author.minisign(make.sums())))
    good = judge(offer, evidence, ring, now=now)
    assert isinstance(good, Expectation)
    assert good.assurance is Assurance.SIGNED


@pytest.mark.parametrize(
    "path", ["keys/openbsd-80-base.pub", "keys/void-release-20250202.pub", "appliances/vyos_minisign.pub"]
)
def test_a_recorded_public_key_can_be_pinned(recorded: Any, path: str) -> None:
    assert decode_key(recorded(path).decode().splitlines()[1]) is not None
