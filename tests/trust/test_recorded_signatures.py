"""Every signature recorded from a vendor, with the key recorded beside it, gives the verdict it should."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import pytest

from isomanager.catalogue.loader import load_catalogue
from isomanager.catalogue.proof_rules import ProofRule
from isomanager.library.pinned_keys import proof_rules
from isomanager.model import Assurance, Expectation, Refusal, SignatureKind
from isomanager.trust.certificates import read_certificates
from isomanager.trust.digest_report import report_digests
from isomanager.trust.expectation import judge
from isomanager.trust.keyring import Keyring
from isomanager.trust.openpgp import verify_clearsigned, verify_detached
from isomanager.trust.signature import SignatureResult

UBUNTU = "843938DF228D22F7B3742BC0D94AA3F0EFE21092"
FEDORA_32 = "97A1AE57C3A2372CCA3A4ABA6C13026D12C944D0"
OLD_FORM = (
    "RPM-GPG-KEY-AlmaLinux-8",
    "RPM-GPG-KEY-CentOS-Official",
    "RPM-GPG-KEY-fedora-32-primary",
    "RPM-GPG-KEY-openSUSE",
    "RPM-GPG-KEY-openSUSE-2022",
    "RPM-GPG-KEY-oracle-ol8",
    "qubes-release-3-signing-key.asc",
)
QUBES_3 = "C52261BE0A823221D94CA1D1CB11CA1D03FA5082"
QUBES_4 = "5817A43B283DE5A9181A522E1848792F9E2795E9"
QUBES_4_3 = "F3FA3F99D6281F7B3A3E5E871C3D9B627F3FADA4"
OPENSUSE = "AD485664E901B867051AB15F35A2F86E29B700A4"
FREEBSD = "8D12403C2E6CAB086CF64DA3031458A5478FE293"
TAILS = "A490D0F4D311A4153E2BB7CADBB802B258ACD84F"


class Case(NamedTuple):
    """A document, its detached signature, the recorded key file, the key to pin, and the verdicts without and with legacy."""

    document: str
    signature: str | None
    key: str
    pinned: str
    ordinary: str
    legacy: str


CASES = (
    Case(
        "ubuntu/ubuntu-22.04-SHA256SUMS",
        "ubuntu/ubuntu-22.04-SHA256SUMS.gpg",
        "ubuntu-cd-image-2012.asc",
        UBUNTU,
        "",
        "",
    ),
    Case(
        "ubuntu/ubuntu-22.04-SHA256SUMS",
        "ubuntu/kubuntu-26.04-SHA256SUMS.gpg",
        "ubuntu-cd-image-2012.asc",
        UBUNTU,
        "bad-signature",
        "bad-signature",
    ),
    Case(
        "fedora/Fedora-Workstation-32-1.6-x86_64-CHECKSUM",
        None,
        "RPM-GPG-KEY-fedora-32-primary",
        FEDORA_32,
        "weak-signature",
        "",
    ),
    Case("qubes/Qubes-R3.2-x86_64.iso.DIGESTS", None, "qubes-release-3-signing-key.asc", QUBES_3, "weak-signature", ""),
    Case("qubes/Qubes-R4.1.2-x86_64.iso.DIGESTS", None, "qubes-release-4-signing-key.asc", QUBES_4, "", ""),
    Case("qubes/Qubes-R4.3.0-x86_64.iso.DIGESTS", None, "qubes-release-4.3-signing-key.asc", QUBES_4_3, "", ""),
    Case("qubes/Qubes-R4.3.0-rc4-x86_64.iso.DIGESTS", None, "qubes-release-4.3-signing-key.asc", QUBES_4_3, "", ""),
    Case(
        "opensuse/Leap-15.6-NET.sha256",
        "opensuse/Leap-15.6-NET.sha256.asc",
        "RPM-GPG-KEY-openSUSE-2022",
        OPENSUSE,
        "weak-signature",
        "",
    ),
    Case(
        "freebsd/CHECKSUM.SHA256-FreeBSD-14.0-RELEASE-amd64.asc",
        None,
        "ubuntu-cd-image-2012.asc",
        FREEBSD,
        "unknown-key",
        "unknown-key",
    ),
    Case(
        "freebsd/CHECKSUM.SHA256-FreeBSD-14.0-RC4-amd64.asc",
        None,
        "ubuntu-cd-image-2012.asc",
        FREEBSD,
        "unknown-key",
        "unknown-key",
    ),
    Case(
        "ubuntu/ubuntu-22.04-SHA256SUMS",
        "tails/tails-amd64-5.22.iso.sig",
        "ubuntu-cd-image-2012.asc",
        TAILS,
        "unknown-key",
        "unknown-key",
    ),
)


def verdict(case: Case, recorded: Any, now: datetime, *, legacy: bool) -> SignatureResult:
    document, ring = recorded(case.document), Keyring.of(recorded(f"keys/{case.key}"))
    if case.signature is None:
        return verify_clearsigned(document, ring, (case.pinned,), now=now, legacy=legacy)
    return verify_detached(document, recorded(case.signature), ring, (case.pinned,), now=now, legacy=legacy)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.signature or case.document)
def test_a_recorded_signature_gets_its_verdict(case: Case, recorded: Any, now: datetime) -> None:
    for legacy, reason in ((False, case.ordinary), (True, case.legacy)):
        result = verdict(case, recorded, now, legacy=legacy)
        assert (result.reason, result.valid) == (reason, not reason)
        if result.valid:
            assert result.primary_fingerprint == case.pinned


@pytest.mark.parametrize("case", [case for case in CASES if not case.legacy], ids=lambda case: case.document)
def test_a_recorded_document_with_one_changed_byte_is_refused(case: Case, recorded: Any, now: datetime) -> None:
    document, ring = bytearray(recorded(case.document)), Keyring.of(recorded(f"keys/{case.key}"))
    place = document.index(b".iso") + 1
    document[place] ^= 1
    if case.signature is None:
        result = verify_clearsigned(bytes(document), ring, (case.pinned,), now=now, legacy=True)
    else:
        result = verify_detached(bytes(document), recorded(case.signature), ring, (case.pinned,), now=now, legacy=True)
    assert (result.valid, result.reason, result.payload) == (False, "bad-signature", None)


def test_opensuse_s_expired_copy_says_to_refresh_the_key(recorded: Any, now: datetime) -> None:
    case = next(case for case in CASES if case.pinned == OPENSUSE)
    assert "refresh the key" in verdict(case, recorded, now, legacy=True).note


def test_tails_signs_with_a_subkey(recorded: Any, now: datetime) -> None:
    case = next(case for case in CASES if case.pinned == TAILS)
    result = verdict(case, recorded, now, legacy=False)
    assert result.subkey_fingerprint == "753F901377A309F2731FA33F7BFBD2B902EE13D0"


def test_a_good_signature_of_another_release_s_key_is_foreign(recorded: Any, now: datetime) -> None:
    ring = Keyring.of(
        recorded("keys/qubes-release-4-signing-key.asc"), recorded("keys/qubes-release-4.3-signing-key.asc")
    )
    result = verify_clearsigned(recorded("qubes/Qubes-R4.3.0-x86_64.iso.DIGESTS"), ring, (QUBES_4,), now=now)
    assert (result.valid, result.reason, result.primary_fingerprint) == (False, "foreign-key", QUBES_4_3)


def test_a_subkey_bound_by_sha1_alone_is_known_as_such(recorded: Any) -> None:
    old, _ = read_certificates(recorded("keys/RPM-GPG-KEY-AlmaLinux-8"))
    assert [key.weakly_bound for key in old.keys[1:]] == [True]


def test_ubuntu_s_recorded_document_proves_its_server_image(make: Any, recorded: Any, now: datetime) -> None:
    ring = Keyring.of(recorded("keys/ubuntu-cd-image-2012.asc"))
    name = "ubuntu-22.04.5-live-server-amd64.iso"
    evidence = (
        make.document(recorded("ubuntu/ubuntu-22.04-SHA256SUMS")),
        make.signature(recorded("ubuntu/ubuntu-22.04-SHA256SUMS.gpg")),
    )
    found = judge(make.offer(make.signed_proof(UBUNTU, entry=name), filename=name), evidence, ring, now=now)
    assert isinstance(found, Expectation)
    assert found.assurance is Assurance.SIGNED
    assert found.digests == {"sha256": "9bc6028870aef3f74f4e16b900008179e78b130e6b0b9a140635434a46aa98b0"}


def test_fedora_s_recorded_document_gives_the_size_too(make: Any, recorded: Any, now: datetime) -> None:
    ring = Keyring.of(recorded("keys/RPM-GPG-KEY-fedora-32-primary"))
    name = "Fedora-Workstation-Live-x86_64-32-1.6.iso"
    proof = make.signed_proof(FEDORA_32, kind=SignatureKind.CLEARSIGNED, entry=name, legacy=True)
    evidence = (make.document(recorded("fedora/Fedora-Workstation-32-1.6-x86_64-CHECKSUM")),)
    found = judge(make.offer(proof, filename=name), evidence, ring, now=now)
    assert isinstance(found, Expectation)
    assert (found.assurance, found.size) == (Assurance.SIGNED, 1966178304)


def test_qubes_recorded_document_requires_all_four_digests(make: Any, recorded: Any, now: datetime) -> None:
    ring = Keyring.of(recorded("keys/qubes-release-4.3-signing-key.asc"))
    name = "Qubes-R4.3.0-x86_64.iso"
    proof = make.signed_proof(QUBES_4_3, kind=SignatureKind.CLEARSIGNED, entry=name)
    found = judge(make.offer(proof, filename=name), (make.document(recorded(f"qubes/{name}.DIGESTS")),), ring, now=now)
    assert isinstance(found, Expectation)
    assert set(found.digests) == {"md5", "sha1", "sha256", "sha512"}
    assert found.assurance is Assurance.SIGNED


def test_rocky_s_recorded_document_contradicts_another_size(make: Any, recorded: Any, now: datetime) -> None:
    name = "Rocky-9-latest-x86_64-minimal.iso"
    evidence = (make.document(recorded("rocky/rocky-9.6-latest-minimal.iso.CHECKSUM")),)
    for size, kind in ((2252013568, Expectation), (2252013569, Refusal)):
        offer = make.offer(make.proof(entry=name), filename=name, size=size)
        assert isinstance(judge(offer, evidence, Keyring(()), now=now), kind)


def test_every_recorded_report_shows_its_entries_and_who_signed(recorded: Any, now: datetime) -> None:
    for case in CASES:
        ring = Keyring.of(recorded(f"keys/{case.key}"))
        keys = tuple(certificate.fingerprint for certificate in ring.certificates())
        signature = recorded(case.signature) if case.signature else None
        told = report_digests(recorded(case.document), ring, keys, now=now, signature=signature, legacy=True)
        assert told["entries"]
        assert told["signature"]["valid"] is (case.legacy == "")


def test_every_recorded_key_of_an_old_form_is_pinned_by_products_marked_legacy(recorded: Any) -> None:
    """Otherwise what it signs would be refused for ever."""
    rules = [rule for product in load_catalogue([]).products for rule in proof_rules(product)]
    old = 0
    for name in OLD_FORM:
        for certificate in read_certificates(recorded(f"keys/{name}")):
            if not certificate.primary.weakly_bound:
                continue
            pinning = [rule for rule in rules if certificate.fingerprint in pins_of(rule)]
            assert all(rule.legacy for rule in pinning), certificate.fingerprint
            old += len(pinning)
    assert old >= 5


def pins_of(rule: ProofRule) -> set[str]:
    by_value = [keys for named in rule.keys_by.values() for keys in named.values()]
    return {*rule.keys, *(key for keys in by_value for key in keys)}
