from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pysequoia import Cert, CipherSuite, Tsk

from isomanager.trust.certificates import read_certificates
from isomanager.trust.claims import read_claims
from isomanager.trust.gpgv import gpgv_program
from isomanager.trust.keyring import Keyring
from isomanager.trust.openpgp import inspect_signature, verify_clearsigned, verify_detached

DATA = b"5555 *sample.iso\n"
needs_gpgv = pytest.mark.skipif(
    gpgv_program() is None and os.environ.get("CI") != "true", reason="gpgv is not installed"
)


def test_a_good_detached_signature_is_valid_and_names_the_primary_key(
    vendor: Any, ring: Keyring, now: datetime
) -> None:
    result = verify_detached(DATA, vendor.detached(DATA), ring, (vendor.fingerprint,), now=now)
    assert (result.valid, result.reason) == (True, "")
    assert result.primary_fingerprint == vendor.fingerprint
    assert result.subkey_fingerprint not in (None, vendor.fingerprint)
    assert result.signer is not None
    assert result.signer.primary == vendor.fingerprint


def test_a_binary_signature_over_a_file_is_valid(vendor: Any, ring: Keyring, now: datetime, tmp_path: Path) -> None:
    file = tmp_path / "sample.iso"
    file.write_bytes(DATA)
    assert verify_detached(file, vendor.detached(DATA, armor=False), ring, (vendor.fingerprint,), now=now).valid


def test_a_pinned_fingerprint_may_be_written_with_blanks_and_in_lower_case(
    vendor: Any, ring: Keyring, now: datetime
) -> None:
    spelled = " ".join(vendor.fingerprint.lower()[start : start + 4] for start in range(0, 40, 4))
    assert verify_detached(DATA, vendor.detached(DATA), ring, (spelled,), now=now).valid


@pytest.mark.parametrize("pinned", [16, 8])
def test_a_short_key_id_pins_nothing(vendor: Any, ring: Keyring, now: datetime, pinned: int) -> None:
    result = verify_detached(DATA, vendor.detached(DATA), ring, (vendor.fingerprint[-pinned:],), now=now)
    assert not result.valid


def test_the_subkey_s_own_fingerprint_pins_nothing(vendor: Any, ring: Keyring, now: datetime) -> None:
    (certificate,) = read_certificates(vendor.material)
    pinned = tuple(key.fingerprint for key in certificate.keys[1:])
    assert verify_detached(DATA, vendor.detached(DATA), ring, pinned, now=now).reason == "foreign-key"


def test_changed_data_is_a_bad_signature_by_a_known_key(vendor: Any, ring: Keyring, now: datetime) -> None:
    result = verify_detached(DATA + b"x", vendor.detached(DATA), ring, (vendor.fingerprint,), now=now)
    assert (result.valid, result.reason) == (False, "bad-signature")
    assert result.primary_fingerprint == vendor.fingerprint
    assert result.signer is None


def test_a_known_key_that_is_not_pinned_is_foreign(vendor: Any, stranger: Any, ring: Keyring, now: datetime) -> None:
    result = verify_detached(DATA, stranger.detached(DATA), ring, (vendor.fingerprint,), now=now)
    assert (result.valid, result.reason, result.primary_fingerprint) == (False, "foreign-key", stranger.fingerprint)


def test_a_key_in_no_keyring_is_unknown(vendor: Any, stranger: Any, now: datetime) -> None:
    ring = Keyring.of(vendor.material)
    result = verify_detached(DATA, stranger.detached(DATA), ring, (vendor.fingerprint,), now=now)
    assert (result.valid, result.reason) == (False, "unknown-key")


def test_a_pinned_key_that_was_never_obtained_is_unknown_and_says_so(vendor: Any, now: datetime) -> None:
    result = verify_detached(DATA, vendor.detached(DATA), Keyring(()), (vendor.fingerprint,), now=now)
    assert result.reason == "unknown-key"
    assert "has not been obtained" in result.note


def test_a_stale_copy_without_the_new_subkey_says_to_refresh_the_key(vendor: Any, now: datetime) -> None:
    (whole,) = read_certificates(vendor.material)
    packets = bytes(whole.cert)
    signing = read_claims(vendor.detached(DATA))[0].issuer
    stale = Cert.from_bytes(packets[: _offset_of_subkey(packets, signing)])
    result = verify_detached(DATA, vendor.detached(DATA), Keyring.of(bytes(stale)), (vendor.fingerprint,), now=now)
    assert result.reason == "unknown-key"
    assert "refresh the key" in result.note


def _offset_of_subkey(material: bytes, fingerprint: str) -> int:
    from pysequoia.packet import PacketPile

    offset = 0
    for packet in PacketPile.from_bytes(material):
        if (packet.fingerprint or "").upper() == fingerprint:
            return offset
        offset += len(bytes(packet))
    raise AssertionError(fingerprint)


def test_nothing_pinned_accepts_nothing(vendor: Any, ring: Keyring, now: datetime) -> None:
    assert not verify_detached(DATA, vendor.detached(DATA), ring, (), now=now).valid


def test_one_good_signature_among_several_is_enough(vendor: Any, stranger: Any, ring: Keyring, now: datetime) -> None:
    both = stranger.detached(DATA, armor=False) + vendor.detached(DATA, armor=False)
    assert verify_detached(DATA, both, ring, (vendor.fingerprint,), now=now).valid


def test_a_pinned_key_s_bad_signature_is_told_before_a_stranger_s(
    vendor: Any, stranger: Any, ring: Keyring, now: datetime
) -> None:
    both = stranger.detached(DATA, armor=False) + vendor.detached(b"other", armor=False)
    assert verify_detached(DATA, both, ring, (vendor.fingerprint,), now=now).reason == "bad-signature"


@pytest.mark.parametrize("signature", [b"", b"\n", b" "])
def test_an_empty_signature_is_none(vendor: Any, ring: Keyring, now: datetime, signature: bytes) -> None:
    assert verify_detached(DATA, signature, ring, (vendor.fingerprint,), now=now).reason == "no-signature"


@pytest.mark.parametrize("signature", [b"junk", b"<html>404</html>", b"\xff" * 40, b"-----BEGIN PGP SIGNATURE-----\n"])
def test_what_is_no_signature_is_refused(vendor: Any, ring: Keyring, now: datetime, signature: bytes) -> None:
    assert verify_detached(DATA, signature, ring, (vendor.fingerprint,), now=now).reason == "bad-signature"


def test_a_certificate_in_place_of_a_signature_is_refused(vendor: Any, ring: Keyring, now: datetime) -> None:
    # its self-signatures are signature packets by the pinned key, over other things than this document
    assert not verify_detached(DATA, vendor.material, ring, (vendor.fingerprint,), now=now).valid


def test_more_signatures_than_anyone_makes_are_refused(vendor: Any, ring: Keyring, now: datetime) -> None:
    many = vendor.detached(DATA, armor=False) * 17
    assert verify_detached(DATA, many, ring, (vendor.fingerprint,), now=now).reason == "bad-signature"


def test_a_revoked_key_is_refused(vendor: Any, now: datetime) -> None:
    revoked = vendor.material + bytes(vendor.cert.revoke(vendor.secret.certifier()))
    result = verify_detached(DATA, vendor.detached(DATA), Keyring.of(revoked), (vendor.fingerprint,), now=now)
    assert (result.valid, result.reason) == (False, "revoked-key")


def test_a_revocation_in_any_copy_of_the_key_counts(vendor: Any, now: datetime) -> None:
    revoked = vendor.material + bytes(vendor.cert.revoke(vendor.secret.certifier()))
    ring = Keyring.of(revoked, vendor.material)
    assert verify_detached(DATA, vendor.detached(DATA), ring, (vendor.fingerprint,), now=now).reason == "revoked-key"


@needs_gpgv
def test_a_signature_made_before_the_key_expired_is_good_and_says_so(built: Any, now: datetime) -> None:
    key = built("expiring.key.asc")
    (certificate,) = read_certificates(key)
    pinned = (certificate.fingerprint,)
    result = verify_detached(built("CHECKSUM"), built("before-expiry.asc"), Keyring.of(key), pinned, now=now)
    assert result.valid
    assert "expired on 2024-06-01" in result.note
    assert "refresh the key" in result.note


def test_a_signature_older_than_our_renewed_copy_of_the_key_needs_gpgv_and_says_so(
    built: Any, now: datetime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    key = built("expiring.key.asc")
    (certificate,) = read_certificates(key)
    pinned = (certificate.fingerprint,)
    result = verify_detached(built("CHECKSUM"), built("before-expiry.asc"), Keyring.of(key), pinned, now=now)
    assert (result.valid, result.reason) == (False, "unknown-key")
    assert "renewed" in result.note
    before = built("before-renewal.key.asc")
    assert verify_detached(
        built("CHECKSUM"), built("before-expiry.asc"), Keyring.of(before, key), pinned, now=now
    ).valid


@needs_gpgv
def test_changed_data_is_refused_though_our_copy_of_the_key_was_renewed(built: Any, now: datetime) -> None:
    key = built("expiring.key.asc")
    (certificate,) = read_certificates(key)
    pinned = (certificate.fingerprint,)
    result = verify_detached(b"other", built("before-expiry.asc"), Keyring.of(key), pinned, now=now)
    assert (result.valid, result.reason) == (False, "bad-signature")


@needs_gpgv
def test_while_the_key_has_not_expired_nothing_is_said_of_expiry(built: Any) -> None:
    key = built("expiring.key.asc")
    (certificate,) = read_certificates(key)
    pinned = (certificate.fingerprint,)
    then = datetime(2024, 3, 1, tzinfo=UTC)
    assert verify_detached(built("CHECKSUM"), built("before-expiry.asc"), Keyring.of(key), pinned, now=then).note == (
        "Checked with gpgv, because the key was renewed after it was made."
    )


def test_a_signature_made_after_the_key_expired_is_refused(built: Any, now: datetime) -> None:
    key = built("expiring.key.asc")
    (certificate,) = read_certificates(key)
    pinned = (certificate.fingerprint,)
    result = verify_detached(built("CHECKSUM"), built("after-expiry.asc"), Keyring.of(key), pinned, now=now)
    assert (result.valid, result.reason) == (False, "expired-key")
    assert "refresh the key" in result.note


def test_a_signature_with_sha1_is_weak(built: Any, now: datetime) -> None:
    key = built("expiring.key.asc")
    (certificate,) = read_certificates(key)
    for legacy in (False, True):
        result = verify_detached(
            built("CHECKSUM"), built("sha1.asc"), Keyring.of(key), (certificate.fingerprint,), now=now, legacy=legacy
        )
        assert (result.valid, result.reason) == (False, "weak-signature")


def test_a_signature_from_the_future_is_refused(vendor: Any, ring: Keyring, now: datetime) -> None:
    earlier = now - timedelta(days=3)
    result = verify_detached(DATA, vendor.detached(DATA), ring, (vendor.fingerprint,), now=earlier)
    assert (result.valid, result.reason) == (False, "bad-signature")
    assert "still to come" in result.note


@pytest.mark.parametrize("suite", [CipherSuite.RSA2k, CipherSuite.P256, CipherSuite.Cv25519])
def test_usual_kinds_of_keys_are_accepted(suite: CipherSuite, now: datetime) -> None:
    from pysequoia import SignatureMode, sign

    secret = Tsk.generate("Any <any@vendor.example>", cipher_suite=suite)
    cert = secret.extract_certificate()
    signature = sign(secret.signer(), DATA, mode=SignatureMode.DETACHED)
    assert verify_detached(DATA, signature, Keyring.of(bytes(cert)), (cert.fingerprint,), now=now).valid


TEXT = b"5555 *sample.iso\n- dash\n-----BEGIN LINE-----\nlast"


def test_a_clearsigned_payload_is_the_signed_text_with_dashes_restored(
    vendor: Any, ring: Keyring, now: datetime
) -> None:
    document = vendor.clearsigned(TEXT)
    assert b"\n- -----BEGIN LINE" in document
    result = verify_clearsigned(document, ring, (vendor.fingerprint,), now=now)
    assert result.valid
    assert (result.payload or b"").rstrip(b"\n") == TEXT


def test_text_outside_the_signed_block_is_no_part_of_the_payload(vendor: Any, ring: Keyring, now: datetime) -> None:
    document = b"666 *sample.iso\n\n" + vendor.clearsigned(TEXT) + b"\n777 *sample.iso\n"
    result = verify_clearsigned(document, ring, (vendor.fingerprint,), now=now)
    assert result.valid
    assert (result.payload or b"").rstrip(b"\n") == TEXT


def test_text_in_the_armor_headers_is_no_part_of_the_payload(vendor: Any, ring: Keyring, now: datetime) -> None:
    document = vendor.clearsigned(TEXT).replace(b"Hash: ", b"666 *sample.iso\nHash: ", 1)
    result = verify_clearsigned(document, ring, (vendor.fingerprint,), now=now)
    assert not result.valid or (result.payload or b"").rstrip(b"\n") == TEXT


def test_a_document_with_two_signed_blocks_is_refused(vendor: Any, stranger: Any, ring: Keyring, now: datetime) -> None:
    document = stranger.clearsigned(b"666 *sample.iso") + vendor.clearsigned(TEXT)
    result = verify_clearsigned(document, ring, (vendor.fingerprint,), now=now)
    assert (result.valid, result.payload) == (False, None)


def test_a_clearsigned_document_served_with_crlf_is_good(vendor: Any, ring: Keyring, now: datetime) -> None:
    document = vendor.clearsigned(TEXT).replace(b"\n", b"\r\n")
    result = verify_clearsigned(document, ring, (vendor.fingerprint,), now=now)
    assert result.valid
    assert b"5555 *sample.iso" in (result.payload or b"").splitlines()


def test_a_changed_clearsigned_document_gives_no_payload(vendor: Any, ring: Keyring, now: datetime) -> None:
    document = vendor.clearsigned(TEXT).replace(b"5555", b"5556")
    result = verify_clearsigned(document, ring, (vendor.fingerprint,), now=now)
    assert (result.valid, result.reason, result.payload) == (False, "bad-signature", None)


@pytest.mark.parametrize(
    "document", [b"", b"5555 *sample.iso\n", b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n"]
)
def test_a_document_without_a_whole_signed_block_has_no_signature(
    vendor: Any, ring: Keyring, now: datetime, document: bytes
) -> None:
    assert verify_clearsigned(document, ring, (vendor.fingerprint,), now=now).reason == "no-signature"


def test_an_inline_signed_message_is_no_clearsigned_document(vendor: Any, ring: Keyring, now: datetime) -> None:
    from pysequoia import sign

    document = sign(vendor.secret.signer(), TEXT)
    assert verify_clearsigned(document, ring, (vendor.fingerprint,), now=now).reason == "no-signature"


@needs_gpgv
def test_an_old_form_is_good_only_when_the_product_is_marked_legacy(built: Any, now: datetime) -> None:
    key = built("old-form.key.asc")
    (certificate,) = read_certificates(key)
    ring, pinned = Keyring.of(key), (certificate.fingerprint,)
    refused = verify_clearsigned(built("old-form.CHECKSUM"), ring, pinned, now=now)
    assert (refused.valid, refused.reason) == (False, "weak-signature")
    assert "legacy" in refused.note
    result = verify_clearsigned(built("old-form.CHECKSUM"), ring, pinned, now=now, legacy=True)
    assert result.valid
    assert (result.payload or b"").rstrip(b"\n") == built("CHECKSUM").rstrip(b"\n")
    assert verify_detached(built("CHECKSUM"), built("old-form.asc"), ring, pinned, now=now, legacy=True).valid


@needs_gpgv
@pytest.mark.parametrize(
    ("key", "document", "signature", "reason"),
    [
        ("old-form.key.asc", "old-form-sha1.CHECKSUM", None, "weak-signature"),
        ("old-form-revoked.key.asc", "old-form.CHECKSUM", None, "revoked-key"),
        ("old-form-expiring.key.asc", "CHECKSUM", "old-form-after-expiry.asc", "expired-key"),
        ("old-form.key.asc", "README.md", "old-form.asc", "bad-signature"),
    ],
)
def test_an_old_form_is_judged_as_strictly_as_any_other(
    built: Any, now: datetime, key: str, document: str, signature: str | None, reason: str
) -> None:
    (certificate,) = read_certificates(built(key))
    ring, pinned = Keyring.of(built(key)), (certificate.fingerprint,)
    if signature:
        result = verify_detached(built(document), built(signature), ring, pinned, now=now, legacy=True)
    else:
        result = verify_clearsigned(built(document), ring, pinned, now=now, legacy=True)
    assert (result.valid, result.reason, result.payload) == (False, reason, None)


@needs_gpgv
def test_an_old_form_made_before_the_key_expired_is_good_and_says_so(built: Any, now: datetime) -> None:
    key = built("old-form-expiring.key.asc")
    (certificate,) = read_certificates(key)
    pinned = (certificate.fingerprint,)
    result = verify_detached(built("CHECKSUM"), built("old-form.asc"), Keyring.of(key), pinned, now=now, legacy=True)
    assert result.valid
    assert "expired on 2020-06-01" in result.note


@needs_gpgv
def test_a_changed_old_form_is_refused(built: Any, now: datetime) -> None:
    key = built("old-form.key.asc")
    (certificate,) = read_certificates(key)
    document = built("old-form.CHECKSUM").replace(b"0007", b"0008")
    result = verify_clearsigned(document, Keyring.of(key), (certificate.fingerprint,), now=now, legacy=True)
    assert (result.valid, result.reason, result.payload) == (False, "bad-signature", None)


def test_without_gpgv_an_old_form_is_refused_and_says_what_is_missing(
    built: Any, now: datetime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    key = built("old-form.key.asc")
    (certificate,) = read_certificates(key)
    pinned = (certificate.fingerprint,)
    result = verify_clearsigned(built("old-form.CHECKSUM"), Keyring.of(key), pinned, now=now, legacy=True)
    assert (result.valid, result.reason) == (False, "weak-signature")
    assert "is not installed" in result.note


def test_before_the_bytes_are_there_a_pinned_signer_raises_no_objection(
    vendor: Any, stranger: Any, ring: Keyring, now: datetime
) -> None:
    assert inspect_signature(vendor.detached(DATA), ring, (vendor.fingerprint,), now=now) is None
    foreign = inspect_signature(stranger.detached(DATA), ring, (vendor.fingerprint,), now=now)
    assert foreign is not None
    assert foreign.reason == "foreign-key"
    empty = inspect_signature(b"", ring, (vendor.fingerprint,), now=now)
    assert empty is not None
    assert empty.reason == "no-signature"
