from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isomanager.model import Assurance, Expectation, Packing, Refusal, SignatureKind, SignatureRef
from isomanager.trust.evidence import MAX_CHECKSUMS_BYTES
from isomanager.trust.expectation import judge
from isomanager.trust.keyring import Keyring

OTHER = "6" * 64
SHA512 = "7" * 128
MD5 = "8" * 32
SHA1 = "9" * 40


def expected(result: Expectation | Refusal) -> Expectation:
    assert isinstance(result, Expectation), result
    return result


def refusal(result: Expectation | Refusal) -> Refusal:
    assert isinstance(result, Refusal), result
    assert result.reason
    return result


def signed_evidence(make: Any, author: Any, text: bytes) -> tuple[Any, ...]:
    return make.document(text), make.signature(author.detached(text))


def test_a_signed_document_reaches_signed(make: Any, vendor: Any, ring: Keyring, now: datetime) -> None:
    offer = make.offer(make.signed_proof(vendor.fingerprint))
    found = expected(judge(offer, signed_evidence(make, vendor, make.sums()), ring, now=now))
    assert found.assurance is Assurance.SIGNED
    assert found.digests == {"sha256": make.digest}
    assert found.signer is not None
    assert found.signer.primary == vendor.fingerprint
    assert any("signed by the pinned key" in reason for reason in found.reasons)
    assert len(found.evidence) == 2


def test_a_clearsigned_document_reaches_signed_by_its_payload_alone(
    make: Any, vendor: Any, ring: Keyring, now: datetime
) -> None:
    offer = make.offer(make.signed_proof(vendor.fingerprint, kind=SignatureKind.CLEARSIGNED))
    outside = make.sums(SHA512)
    document = make.document(outside + b"\n" + vendor.clearsigned(make.sums()) + outside)
    found = expected(judge(offer, (document,), ring, now=now))
    assert (found.assurance, found.digests) == (Assurance.SIGNED, {"sha256": make.digest})


def test_the_vendor_s_document_over_https_reaches_published(make: Any, ring: Keyring, now: datetime) -> None:
    found = expected(judge(make.offer(make.proof()), (make.document(make.sums()),), ring, now=now))
    assert (found.assurance, found.signer) == (Assurance.PUBLISHED, None)


def test_a_document_over_http_or_from_another_host_is_a_mirror_s(make: Any, ring: Keyring, now: datetime) -> None:
    plain = "http://vendor.example/1.0/SHA256SUMS"
    cases = (
        (make.proof(vendor=False), make.document(make.sums())),
        (make.proof(document=plain), make.document(make.sums(), plain)),
        (make.proof(), make.document(make.sums(), final_url="https://mirror.elsewhere.example/SHA256SUMS")),
        (make.proof(), make.document(make.sums(), final_url=plain)),
    )
    for proof, document in cases:
        assert expected(judge(make.offer(proof), (document,), ring, now=now)).assurance is Assurance.MIRROR


def test_a_redirect_within_the_vendor_s_domain_stays_published(make: Any, ring: Keyring, now: datetime) -> None:
    document = make.document(make.sums(), final_url="https://cdn.vendor.example/1.0/SHA256SUMS")
    assert expected(judge(make.offer(make.proof()), (document,), ring, now=now)).assurance is Assurance.PUBLISHED


@pytest.mark.parametrize("digest", [MD5, SHA1])
def test_md5_and_sha1_never_rise_above_mirror_even_when_signed(
    make: Any, vendor: Any, ring: Keyring, now: datetime, digest: str
) -> None:
    offer = make.offer(make.signed_proof(vendor.fingerprint))
    found = expected(judge(offer, signed_evidence(make, vendor, make.sums(digest)), ring, now=now))
    assert (found.assurance, found.signer) == (Assurance.MIRROR, None)


def test_a_weak_pin_never_rises_above_mirror(make: Any, ring: Keyring, now: datetime) -> None:
    found = expected(judge(make.offer(), (), ring, now=now, pinned_digests={"md5": MD5}))
    assert found.assurance is Assurance.MIRROR


def test_all_digests_of_the_file_are_required_whatever_their_order(make: Any, ring: Keyring, now: datetime) -> None:
    text = make.sums(MD5) + make.sums(SHA1) + make.sums() + make.sums(SHA512)
    found = expected(judge(make.offer(make.proof()), (make.document(text),), ring, now=now))
    assert found.digests == {"md5": MD5, "sha1": SHA1, "sha256": make.digest, "sha512": SHA512}
    assert found.assurance is Assurance.PUBLISHED


def test_only_weak_digests_where_others_have_better_ones_are_refused(make: Any, ring: Keyring, now: datetime) -> None:
    text = make.sums(MD5) + make.sums(SHA512, "other.iso")
    assert refusal(judge(make.offer(make.proof()), (make.document(text),), ring, now=now)).code == "weak-digest"


def test_a_digest_for_another_file_is_none_for_ours(make: Any, ring: Keyring, now: datetime) -> None:
    document = make.document(make.sums(name="sample-1.0-live.iso"))
    assert refusal(judge(make.offer(make.proof()), (document,), ring, now=now)).code == "no-digest"


def test_a_web_page_in_place_of_a_document_has_no_digest(make: Any, ring: Keyring, now: datetime) -> None:
    document = make.document(b"<html><body>Not found</body></html>")
    assert refusal(judge(make.offer(make.proof()), (document,), ring, now=now)).code == "no-digest"


def test_two_digests_for_one_file_in_a_document_are_refused(make: Any, ring: Keyring, now: datetime) -> None:
    document = make.document(make.sums() + make.sums(OTHER))
    assert refusal(judge(make.offer(make.proof()), (document,), ring, now=now)).code == "wrong-digest"


@pytest.mark.parametrize(("content", "code"), [(b"", "empty-document"), (b" \n", "empty-document")])
def test_an_empty_document_is_refused(make: Any, ring: Keyring, now: datetime, content: bytes, code: str) -> None:
    assert refusal(judge(make.offer(make.proof()), (make.document(content),), ring, now=now)).code == code


def test_an_oversized_document_is_refused(make: Any, ring: Keyring, now: datetime) -> None:
    document = make.document(make.sums() + b"#" * MAX_CHECKSUMS_BYTES)
    assert refusal(judge(make.offer(make.proof()), (document,), ring, now=now)).code == "oversized-document"


def test_a_claim_that_contradicts_the_document_is_refused(make: Any, ring: Keyring, now: datetime) -> None:
    offer = make.offer(make.proof(), digests={"sha256": OTHER})
    assert refusal(judge(offer, (make.document(make.sums()),), ring, now=now)).code == "wrong-digest"


def test_a_pin_that_contradicts_the_document_is_refused(make: Any, vendor: Any, ring: Keyring, now: datetime) -> None:
    offer = make.offer(make.signed_proof(vendor.fingerprint))
    evidence = signed_evidence(make, vendor, make.sums())
    assert refusal(judge(offer, evidence, ring, now=now, pinned_digests={"SHA-256": OTHER})).code == "wrong-digest"


def test_a_declared_size_that_contradicts_the_listing_is_refused(make: Any, ring: Keyring, now: datetime) -> None:
    text = f"# {make.name}: 1480048640 bytes\nSHA256 ({make.name}) = {make.digest}\n".encode()
    offer = make.offer(make.proof(), size=2755067904)
    assert refusal(judge(offer, (make.document(text),), ring, now=now)).code == "wrong-size"
    assert expected(judge(make.offer(make.proof()), (make.document(text),), ring, now=now)).size == 1480048640


def test_a_size_far_off_is_refused(make: Any, ring: Keyring, now: datetime) -> None:
    offer = make.offer(make.proof(), size=100, size_range=(1 << 30, 6 << 30))
    assert refusal(judge(offer, (make.document(make.sums()),), ring, now=now)).code == "wrong-size"


def test_a_missing_signature_is_refused_and_never_a_downgrade(
    make: Any, vendor: Any, ring: Keyring, now: datetime
) -> None:
    document = make.document(make.sums())
    signed = make.signed_proof(vendor.fingerprint)
    assert refusal(judge(make.offer(signed), (document,), ring, now=now)).code == "no-signature"
    assert refusal(judge(make.offer(signed, make.proof()), (document,), ring, now=now)).code == "no-signature"
    pinned = judge(make.offer(signed), (document,), ring, now=now, pinned_digests={"sha256": make.digest})
    assert refusal(pinned).code == "no-signature"


def test_a_signed_document_that_is_missing_is_not_replaced_by_an_unsigned_one(
    make: Any, vendor: Any, ring: Keyring, now: datetime
) -> None:
    other = "https://vendor.example/1.0/SHA512SUMS"
    offer = make.offer(make.signed_proof(vendor.fingerprint), make.proof(document=other))
    assert refusal(judge(offer, (make.document(make.sums(SHA512), other),), ring, now=now)).code == "no-digest"


def test_a_vendor_that_moved_from_one_form_of_signature_to_another_is_followed(
    make: Any, vendor: Any, ring: Keyring, now: datetime
) -> None:
    forms = (
        make.signed_proof(vendor.fingerprint, kind=SignatureKind.CLEARSIGNED),
        make.signed_proof(vendor.fingerprint),
    )
    detached = judge(make.offer(*forms), signed_evidence(make, vendor, make.sums()), ring, now=now)
    clearsigned = judge(make.offer(*forms), (make.document(vendor.clearsigned(make.sums())),), ring, now=now)
    assert expected(detached).assurance is expected(clearsigned).assurance is Assurance.SIGNED


def test_a_bad_signature_is_refused_though_another_proof_is_good(
    make: Any, vendor: Any, ring: Keyring, now: datetime
) -> None:
    other = "https://vendor.example/1.0/SHA512SUMS"
    offer = make.offer(make.signed_proof(vendor.fingerprint), make.proof(document=other))
    evidence = (
        make.document(make.sums()),
        make.signature(vendor.detached(b"something else")),
        make.document(make.sums(SHA512), other),
    )
    assert refusal(judge(offer, evidence, ring, now=now)).code == "bad-signature"


def test_a_foreign_and_an_unknown_key_are_refused(
    make: Any, vendor: Any, stranger: Any, ring: Keyring, now: datetime
) -> None:
    offer = make.offer(make.signed_proof(vendor.fingerprint))
    evidence = signed_evidence(make, stranger, make.sums())
    assert refusal(judge(offer, evidence, ring, now=now)).code == "foreign-key"
    assert refusal(judge(offer, evidence, Keyring(()), now=now)).code == "unknown-key"


def test_a_signature_without_a_pinned_key_is_refused(make: Any, vendor: Any, ring: Keyring, now: datetime) -> None:
    evidence = signed_evidence(make, vendor, make.sums())
    assert refusal(judge(make.offer(make.signed_proof()), evidence, ring, now=now)).code == "unknown-key"


def test_keys_without_a_signature_are_refused(make: Any, vendor: Any, ring: Keyring, now: datetime) -> None:
    evidence = (make.document(make.sums()),)
    for document in (make.document_url, None):
        offer = make.offer(
            make.proof(document=document, signers=(vendor.fingerprint,)), digests={"sha256": make.digest}
        )
        assert refusal(judge(offer, evidence, ring, now=now)).code == "unsigned-document"


def test_below_the_floor_it_says_what_could_be_reached(make: Any, ring: Keyring, now: datetime) -> None:
    offer = make.offer(make.proof())
    found = refusal(judge(offer, (make.document(make.sums()),), ring, now=now, floor=Assurance.SIGNED))
    assert found.code == "below-floor"
    assert "'published'" in found.reason
    assert "'signed'" in found.reason


def test_a_pinned_digest_reaches_pinned(make: Any, ring: Keyring, now: datetime) -> None:
    found = expected(judge(make.offer(), (), ring, now=now, pinned_digests={"sha256": make.digest.upper()}))
    assert (found.assurance, found.digests) == (Assurance.PINNED, {"sha256": make.digest})


def test_a_digest_from_the_vendor_s_listing_is_published_over_https_only(
    make: Any, ring: Keyring, now: datetime
) -> None:
    digests = {"sha256": make.digest}
    https = make.offer(digests=digests, listed_at=("https://vendor.example/api",))
    http = make.offer(digests=digests, listed_at=("http://vendor.example/api",))
    mirror = make.offer(make.proof(document=None, vendor=False), digests=digests, listed_at=("https://m.example/api",))
    assert expected(judge(https, (), ring, now=now)).assurance is Assurance.PUBLISHED
    assert expected(judge(http, (), ring, now=now)).assurance is Assurance.MIRROR
    assert expected(judge(mirror, (), ring, now=now)).assurance is Assurance.MIRROR


def test_without_any_digest_the_vendor_s_own_host_serves(make: Any, ring: Keyring, now: datetime) -> None:
    served = expected(judge(make.offer(), (), ring, now=now))
    assert (served.assurance, served.digests) == (Assurance.SERVED, {})
    for changes in ({"served_assurance": False}, {"urls": ("http://vendor.example/x.iso",)}, {"urls": ()}):
        assert expected(judge(make.offer(**changes), (), ring, now=now)).assurance is Assurance.NONE


def test_a_promised_document_that_is_missing_is_never_taken_for_no_proof_at_all(
    make: Any, ring: Keyring, now: datetime
) -> None:
    assert refusal(judge(make.offer(make.proof()), (), ring, now=now)).code == "no-digest"


def test_a_blake2_document_is_known_by_its_name(make: Any, ring: Keyring, now: datetime) -> None:
    url = "https://vendor.example/1.0/b2sums.txt"
    found = expected(
        judge(make.offer(make.proof(document=url)), (make.document(make.sums(SHA512), url),), ring, now=now)
    )
    assert found.digests == {"blake2b": SHA512}


def test_a_packed_file_is_held_against_the_digests_of_the_packed_bytes(make: Any, ring: Keyring, now: datetime) -> None:
    unpacked = "https://vendor.example/1.0/unpacked"
    offer = make.offer(make.proof(), make.proof(document=unpacked, covers="unpacked"), packing=Packing(kind="xz"))
    evidence = (make.document(make.sums()), make.document(make.sums(OTHER), unpacked))
    assert expected(judge(offer, evidence, ring, now=now)).digests == {"sha256": make.digest}


def test_a_signature_over_the_file_is_judged_as_far_as_it_can_be_before_the_bytes(
    make: Any, vendor: Any, stranger: Any, ring: Keyring, now: datetime
) -> None:
    signature = SignatureRef(kind=SignatureKind.OPENPGP, url=make.signature_url, over="file")
    proof = make.proof(document=None, signature=signature, signers=(vendor.fingerprint,))
    found = expected(judge(make.offer(proof), (make.signature(vendor.detached(b"iso")),), ring, now=now))
    assert (found.assurance, found.file_signature, found.digests) == (Assurance.SIGNED, proof, {})
    foreign = judge(make.offer(proof), (make.signature(stranger.detached(b"iso")),), ring, now=now)
    assert refusal(foreign).code == "foreign-key"
    assert refusal(judge(make.offer(proof), (), ring, now=now)).code == "no-signature"


@settings(deadline=None)
@given(place=st.integers(0, 10_000), flip=st.integers(1, 255), where=st.sampled_from(["document", "signature"]))
def test_a_changed_byte_is_never_signed_with_other_digests(
    make: Any, vendor: Any, ring: Keyring, place: int, flip: int, where: str
) -> None:
    text = make.sums() + make.sums(OTHER, "other.iso")
    parts = {"document": bytearray(text), "signature": bytearray(vendor.detached(text, armor=False))}
    parts[where][place % len(parts[where])] ^= flip
    evidence = (make.document(bytes(parts["document"])), make.signature(bytes(parts["signature"])))
    result = judge(make.offer(make.signed_proof(vendor.fingerprint)), evidence, ring, now=datetime.now(UTC))
    # a byte in the unhashed part of the signature packet may change without harm; the text may not
    if isinstance(result, Expectation):
        assert where == "signature"
        assert result.digests == {"sha256": make.digest}


@settings(deadline=None)
@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_changed_byte_in_a_clearsigned_document_is_never_signed_with_other_digests(
    make: Any, vendor: Any, ring: Keyring, place: int, flip: int
) -> None:
    document = bytearray(vendor.clearsigned(make.sums()))
    document[place % len(document)] ^= flip
    offer = make.offer(make.signed_proof(vendor.fingerprint, kind=SignatureKind.CLEARSIGNED))
    result = judge(offer, (make.document(bytes(document)),), ring, now=datetime.now(UTC))
    if isinstance(result, Expectation):
        assert result.digests == {"sha256": make.digest}


@settings(deadline=None)
@given(content=st.binary(max_size=300))
def test_any_bytes_as_a_signature_are_refused_without_an_error(
    make: Any, vendor: Any, ring: Keyring, content: bytes
) -> None:
    offer = make.offer(make.signed_proof(vendor.fingerprint))
    result = judge(offer, (make.document(make.sums()), make.signature(content)), ring, now=datetime.now(UTC))
    assert isinstance(result, Refusal)


def test_a_file_signature_of_an_old_form_is_refused_before_the_bytes(make: Any, built: Any, now: datetime) -> None:
    ring = Keyring.of(built("old-form.key.asc"))
    keys = tuple(certificate.fingerprint for certificate in ring.certificates())
    signature = SignatureRef(kind=SignatureKind.OPENPGP, url=make.signature_url, over="file")
    offer = make.offer(make.proof(document=None, signature=signature, signers=keys))
    result = judge(offer, (make.signature(built("old-form.asc")),), ring, now=now)
    assert refusal(result).code == "weak-signature"
