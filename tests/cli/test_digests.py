"""`isomanager digests`: any checksum document, any kind of signature, keys from files or from a product."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import Isomanager
from trust.authors import Ed25519Author, RsaAuthor

SUMS = f"{'5' * 64} *sample.iso\n".encode()


@pytest.mark.parametrize("kind", ["signify", "minisign", "rsa"])
def test_a_key_file_of_any_kind_counts_for_this_answer(here: Isomanager, tmp_path: Path, kind: str) -> None:
    ed, rsa = Ed25519Author(), RsaAuthor()
    sign, public = (rsa.sign, rsa.public) if kind == "rsa" else (getattr(ed, kind), ed.public)
    (tmp_path / "SHA256SUMS").write_bytes(SUMS)
    (tmp_path / "SHA256SUMS.sig").write_bytes(sign(SUMS))
    (tmp_path / "vendor.pub").write_bytes(public)
    arguments = ["digests", "SHA256SUMS", "--signature", "SHA256SUMS.sig", "--key", "vendor.pub", "--json"]
    told = here(*arguments).well().json
    assert told["signature"]["valid"] is True
    assert told["entries"] == [{"name": "sample.iso", "algorithm": "sha256", "digest": "5" * 64}]
    (tmp_path / "SHA256SUMS").write_bytes(SUMS.replace(b"5", b"6"))
    changed = here(*arguments)
    assert (changed.code, changed.json["signature"]["reason"]) == (1, "bad-signature")
    (tmp_path / "vendor.pub").write_bytes(RsaAuthor().public if kind == "rsa" else Ed25519Author(b"another!").public)
    (tmp_path / "SHA256SUMS").write_bytes(SUMS)
    assert here(*arguments).code == 1


def test_openbsd_s_recorded_document_names_its_files_though_its_key_is_not_here(
    here: Isomanager, recorded: Path
) -> None:
    told = here("digests", recorded / "openbsd/openbsd-7.6-amd64-SHA256.sig.excerpt", "--product", "openbsd", "--json")
    assert told.code == 1
    assert (told.json["signature"]["kind"], told.json["signature"]["valid"]) == ("signify", False)
    assert "BOOTIA32.EFI" in {entry["name"] for entry in told.json["entries"]}


@pytest.mark.parametrize(("content", "code"), [(b"", "empty-document"), (b"<html></html>", "no-digest")])
def test_a_document_that_proves_nothing_ends_with_exit_code_1(
    here: Isomanager, tmp_path: Path, content: bytes, code: str
) -> None:
    (tmp_path / "SUMS").write_bytes(content)
    told = here("digests", "SUMS", "--json")
    assert (told.code, told.json["problem"]["code"], told.json["entries"]) == (1, code, [])
    assert code in here("digests", "SUMS").out


def test_an_oversized_document_is_refused(here: Isomanager, tmp_path: Path) -> None:
    (tmp_path / "SUMS").write_bytes(SUMS * 60_000)
    told = here("digests", "SUMS", "--json")
    assert (told.code, told.json["error"]) == (1, "oversized-document")


def test_a_product_s_signer_is_told_with_the_releases_it_may_vouch_for(here: Isomanager, recorded: Path) -> None:
    here("keys", "add", recorded / "keys/RPM-GPG-KEY-fedora-32-primary").well()
    document = recorded / "fedora/Fedora-Workstation-32-1.6-x86_64-CHECKSUM"
    told = here("digests", document, "--product", "fedora", "--json").well().json
    assert told["signature"]["pinned_for"] == ["major 32"]
    here("keys", "add", recorded / "keys/ubuntu-cd-image-2012.asc").well()
    sums = recorded / "ubuntu/ubuntu-22.04-SHA256SUMS"
    signature = recorded / "ubuntu/ubuntu-22.04-SHA256SUMS.gpg"
    told = here("digests", sums, "--signature", signature, "--product", "ubuntu", "--json").well().json
    assert told["signature"]["pinned_for"] == ["every release"]
