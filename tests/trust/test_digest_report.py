from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from isomanager.trust.digest_report import report_digests
from isomanager.trust.keyring import Keyring
from trust.authors import Ed25519Author, RsaAuthor


def test_a_detached_signature_and_its_entries_are_told(make: Any, vendor: Any, ring: Keyring, now: datetime) -> None:
    text = f"# {make.name}: 4096 bytes\nSHA256 ({make.name}) = {make.digest}\n".encode()
    told = report_digests(text, ring, (vendor.fingerprint,), now=now, signature=vendor.detached(text))
    assert told["entries"] == [{"name": make.name, "algorithm": "sha256", "digest": make.digest, "size": 4096}]
    assert told["signature"]["valid"] is True
    assert told["signature"]["primary_fingerprint"] == vendor.fingerprint
    json.dumps(told)


def test_a_bad_signature_still_names_the_primary_key(make: Any, vendor: Any, ring: Keyring, now: datetime) -> None:
    told = report_digests(make.sums(), ring, (vendor.fingerprint,), now=now, signature=vendor.detached(b"other"))
    assert told["signature"]["valid"] is False
    assert told["signature"]["reason"] == "bad-signature"
    assert told["signature"]["primary_fingerprint"] == vendor.fingerprint


def test_a_document_without_a_signature_says_so(make: Any, ring: Keyring, now: datetime) -> None:
    told = report_digests(make.sums(), ring, (), now=now)
    assert len(told["entries"]) == 1
    assert (told["signature"]["valid"], told["signature"]["reason"]) == (False, "no-signature")


def test_entries_outside_the_signed_block_are_never_shown(
    make: Any, vendor: Any, stranger: Any, ring: Keyring, now: datetime
) -> None:
    outside = make.sums("6" * 64, "evil.iso")
    document = outside + b"\n" + vendor.clearsigned(make.sums()) + outside
    good = report_digests(document, ring, (vendor.fingerprint,), now=now)
    foreign = report_digests(document, ring, (stranger.fingerprint,), now=now)
    assert (good["signature"]["valid"], foreign["signature"]["valid"]) == (True, False)
    assert [entry["name"] for entry in good["entries"]] == [make.name]
    assert foreign["entries"] == good["entries"]


def test_a_broken_block_shows_nothing(make: Any, vendor: Any, ring: Keyring, now: datetime) -> None:
    document = make.sums() + vendor.clearsigned(make.sums())[:80]
    told = report_digests(document, ring, (vendor.fingerprint,), now=now)
    assert (told["entries"], told["signature"]["reason"]) == ([], "no-signature")


def test_the_document_s_own_name_tells_blake2_from_sha512(make: Any, ring: Keyring, now: datetime) -> None:
    told = report_digests(make.sums("7" * 128), ring, (), now=now, name="b2sums.txt")
    assert told["entries"][0]["algorithm"] == "blake2b"


SIGNERS = ["signify", "embedded signify", "minisign", "rsa", "clearsigned copy"]


def signed_in(way: str, text: bytes, vendor: Any) -> tuple[bytes, bytes | None, str, Keyring]:
    """Document, signature, pin and keys."""
    ed, rsa = Ed25519Author(), RsaAuthor()
    return {
        "signify": lambda: (text, ed.signify(text), ed.pin, Keyring.of()),
        "embedded signify": lambda: (ed.signify(text) + text, None, ed.pin, Keyring.of()),
        "minisign": lambda: (text, ed.minisign(text), ed.pin, Keyring.of()),
        "rsa": lambda: (text, rsa.sign(text), rsa.fingerprint, Keyring.of(rsa.public)),
        "clearsigned copy": lambda: (text, vendor.clearsigned(text), vendor.fingerprint, Keyring.of(vendor.material)),
    }[way]()


@pytest.mark.parametrize("way", SIGNERS)
def test_every_kind_of_signature_is_recognised_by_itself(make: Any, vendor: Any, now: datetime, way: str) -> None:
    document, signature, pin, ring = signed_in(way, make.sums(), vendor)
    told = report_digests(document, ring, (pin,), now=now, signature=signature)
    assert (told["signature"]["valid"], told["signature"]["primary_fingerprint"]) == (True, pin)
    assert [entry["name"] for entry in told["entries"]] == [make.name]
    changed = document.replace(b"5" * 64, b"6" * 64)
    again = report_digests(changed, ring, (pin,), now=now, signature=signature)
    assert (again["signature"]["valid"], again["signature"]["reason"]) == (False, "bad-signature")
    nobody = report_digests(document, ring, (), now=now, signature=signature)
    assert nobody["signature"]["valid"] is False


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "empty-document"),
        (b" \r\n\n", "empty-document"),
        (b"<html><body>" + b"5" * 64 + b"  x.iso</body></html>", "no-digest"),
        (b"Not found\n", "no-digest"),
        (b"5" * 64 + b"  x.iso\n" + b"6" * 64 + b"  x.iso\n", "wrong-digest"),
    ],
)
def test_a_document_that_proves_nothing_says_why(document: bytes, code: str, ring: Keyring, now: datetime) -> None:
    assert report_digests(document, ring, (), now=now)["problem"]["code"] == code


def test_a_byte_order_mark_before_a_signed_block_is_outside_of_it(
    make: Any, vendor: Any, ring: Keyring, now: datetime
) -> None:
    document = b"\xef\xbb\xbf" + vendor.clearsigned(make.sums())
    told = report_digests(document, ring, (vendor.fingerprint,), now=now)
    assert (told["signature"]["valid"], len(told["entries"]), told["problem"]) == (True, 1, None)


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        ("x.iso.b3", "blake3"),
        ("B3SUMS", "blake3"),
        ("x.iso.sha3-256", ""),
        ("x-1.0-b3.iso.sha256", "sha256"),
        ("SHA256SUMS", "sha256"),
        ("x.iso.blake2s", "blake2s"),
    ],
)
def test_a_document_s_name_keeps_other_digests_from_being_taken_for_sha256(
    make: Any, ring: Keyring, now: datetime, name: str, algorithm: str
) -> None:
    (entry,) = report_digests(make.sums("7" * 64), ring, (), now=now, name=name)["entries"]
    assert entry["algorithm"] == algorithm or (not algorithm and entry["algorithm"] != "sha256")
