from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isomanager.errors import Refused
from isomanager.model import Assurance, Expectation, Receipt, Received, Refusal, SignatureKind, SignatureRef, Signer
from isomanager.trust.expectation import judge
from isomanager.trust.file_proof import prove_file
from isomanager.trust.keyring import Keyring
from isomanager.trust.receipt import needed_algorithms, prove, read_receipt, receipt_bytes

BYTES = b"an image" * 100


def received(data: bytes = BYTES, *algorithms: str, **changes: Any) -> Received:
    digests = {name: hashlib.new(name, data).hexdigest() for name in (algorithms or ("sha256",))}
    return Received(**{"partial": "p1", "size": len(data), "digests": digests, **changes})


def expectation(make: Any, *algorithms: str, **changes: Any) -> Expectation:
    digests = {name: hashlib.new(name, BYTES).hexdigest() for name in algorithms}
    return Expectation(
        **{"offer": make.offer(), "digests": digests, "assurance": Assurance.PUBLISHED, "size": len(BYTES), **changes}
    )


def code(result: Receipt | Refusal) -> str:
    assert isinstance(result, Refusal), result
    return result.code


def test_matching_bytes_get_a_receipt_of_the_expected_assurance(make: Any, now: datetime) -> None:
    signer = Signer(primary="A" * 40)
    expected = expectation(make, "sha256", "sha512", assurance=Assurance.SIGNED, signer=signer, reasons=("because",))
    receipt = prove(expected, received(BYTES, "sha256", "sha512"), now=now)
    assert isinstance(receipt, Receipt)
    assert (receipt.assurance, receipt.signer, receipt.proved_at) == (Assurance.SIGNED, signer, now)
    assert receipt.sha256 == hashlib.sha256(BYTES).hexdigest()
    assert receipt.reasons[0] == "because"


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512", "blake2b"])
def test_every_required_digest_must_be_equal(make: Any, now: datetime, algorithm: str) -> None:
    expected = expectation(make, "sha256", algorithm)
    wrong = expected.model_copy(update={"digests": {**expected.digests, algorithm: "0" * 64}})
    assert code(prove(wrong, received(BYTES, "sha256", algorithm), now=now)) == "wrong-digest"


def test_a_required_digest_that_was_not_taken_is_refused(make: Any, now: datetime) -> None:
    assert code(prove(expectation(make, "sha256", "sha512"), received(), now=now)) == "no-digest"


def test_an_image_without_its_own_sha256_is_refused(make: Any, now: datetime) -> None:
    assert code(prove(expectation(make, "sha512"), received(BYTES, "sha512"), now=now)) == "no-digest"


@pytest.mark.parametrize("size", [0, len(BYTES) - 1, len(BYTES) + 1])
def test_another_size_is_refused(make: Any, now: datetime, size: int) -> None:
    assert code(prove(expectation(make, "sha256"), received(size=size), now=now)) == "wrong-size"


def test_an_empty_file_is_refused_though_no_size_was_announced(make: Any, now: datetime) -> None:
    served = expectation(make, assurance=Assurance.SERVED, size=None)
    assert code(prove(served, received(b""), now=now)) == "wrong-size"


@pytest.mark.parametrize("assurance", [Assurance.SIGNED, Assurance.PINNED, Assurance.PUBLISHED, Assurance.MIRROR])
def test_nothing_to_compare_with_is_refused_where_a_digest_was_promised(
    make: Any, now: datetime, assurance: Assurance
) -> None:
    assert code(prove(expectation(make, assurance=assurance), received(), now=now)) == "no-digest"


def test_a_served_image_is_pinned_by_its_own_digest_and_says_so(make: Any, now: datetime) -> None:
    receipt = prove(expectation(make, assurance=Assurance.SERVED), received(), now=now)
    assert isinstance(receipt, Receipt)
    assert receipt.assurance is Assurance.SERVED
    assert "pinned by their SHA-256" in receipt.reasons[-1]


def test_sha256_is_always_taken_and_the_strongest_comes_first(make: Any) -> None:
    assert needed_algorithms(expectation(make)) == ("sha256",)
    assert needed_algorithms(expectation(make, "md5", "sha512", "sha1")) == ("sha512", "sha256", "sha1", "md5")


def file_signed(make: Any, vendor: Any, ring: Keyring, now: datetime) -> Expectation:
    signature = SignatureRef(kind=SignatureKind.OPENPGP, url=make.signature_url, over="file")
    proof = make.proof(document=None, signature=signature, signers=(vendor.fingerprint,))
    judged = judge(make.offer(proof), (make.signature(vendor.detached(BYTES)),), ring, now=now)
    assert isinstance(judged, Expectation)
    return judged


def test_a_signature_over_the_file_is_proved_on_the_local_bytes(
    make: Any, vendor: Any, ring: Keyring, now: datetime, tmp_path: Path
) -> None:
    expected = file_signed(make, vendor, ring, now)
    file = tmp_path / "sample.iso"
    file.write_bytes(BYTES)
    receipt = prove(expected, received(), now=now, file_signature=prove_file(file, expected, ring, now=now))
    assert isinstance(receipt, Receipt)
    assert receipt.assurance is Assurance.SIGNED
    assert receipt.signer is not None
    assert receipt.signer.primary == vendor.fingerprint


def test_a_signature_over_the_file_that_fails_or_was_not_checked_is_refused(
    make: Any, vendor: Any, ring: Keyring, now: datetime, tmp_path: Path
) -> None:
    expected = file_signed(make, vendor, ring, now)
    file = tmp_path / "sample.iso"
    file.write_bytes(BYTES + b"x")
    checked = prove_file(file, expected, ring, now=now)
    assert code(prove(expected, received(), now=now, file_signature=checked)) == "bad-signature"
    assert code(prove(expected, received(), now=now)) == "no-signature"
    gone = expected.model_copy(update={"evidence": ()})
    assert prove_file(file, gone, ring, now=now).reason == "no-signature"


def a_receipt(make: Any, now: datetime, content: bytes = b"text", **changes: Any) -> Receipt:
    secret = "https://user:hunter2@vendor.example/1.0/SHA256SUMS?token=hunter2#hunter2"
    document = make.document(content, secret, secret)
    expected = expectation(make, "sha256", evidence=(document,), offer=make.offer(listed_at=(secret,)))
    receipt = prove(expected, received(url=secret), now=now)
    assert isinstance(receipt, Receipt)
    return receipt


def test_a_receipt_holds_no_secret_of_any_address(make: Any, now: datetime) -> None:
    receipt = a_receipt(make, now)
    assert b"hunter2" not in receipt_bytes(receipt)
    assert receipt.urls == ("https://vendor.example/1.0/SHA256SUMS",)


def test_a_receipt_is_canonical_and_comes_back_as_it_was(make: Any, now: datetime) -> None:
    receipt = a_receipt(make, now)
    data = receipt_bytes(receipt)
    assert data == receipt_bytes(read_receipt(data))
    assert data.endswith(b"}\n")
    assert b"\n" not in data[:-1]
    assert read_receipt(data) == receipt


@settings(deadline=None)
@given(content=st.binary(max_size=200))
def test_documents_are_kept_verbatim_whatever_their_bytes(make: Any, now: datetime, content: bytes) -> None:
    receipt = a_receipt(make, now, content)
    assert read_receipt(receipt_bytes(receipt)).evidence[0].content == content


@pytest.mark.parametrize("data", [b"", b"{}", b"not json", b"\xff\xfe", b"[" * 2000])
def test_a_damaged_receipt_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="cannot be read") as caught:
        read_receipt(data)
    assert caught.value.code == "bad-receipt"
