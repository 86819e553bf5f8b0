from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from isomanager.trust.digest_report import report_digests
from isomanager.trust.keyring import Keyring


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
