"""A file is proved again from its receipt, offline; what was changed in either is found, and only keys pinned today count."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain_update import update
from isomanager.errors import UsageError
from isomanager.library.opening import Library
from isomanager.library.proving_again import prove_again
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Copy, Selector
from isomanager.sample.faults import flip_bit
from isomanager.sample.signing import SigningKey
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import load_settings
from library.conftest import held

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def copy(library: Library) -> Copy:
    """A held image whose checksum document is signed."""
    subscribe(library, Selector.parse("sample-orchard/server@lts"))
    update(library)
    (one,) = held(library)
    return one


@pytest.fixture
def file(copy: Copy, repository: Path) -> Path:
    return repository / copy.path


def receipt_of(copy: Copy, repository: Path) -> Path:
    return repository / ".isomanager" / "receipts" / f"{copy.sha256}.json"


def edited(copy: Copy, repository: Path, folder: Path, edit: Edit) -> Path:
    """The copy's receipt, changed by somebody."""
    told = json.loads(receipt_of(copy, repository).read_text())
    edit(told)
    changed = folder / "changed.json"
    changed.write_text(json.dumps(told))
    return changed


def test_a_held_file_is_proved_again_without_a_network(
    library: Library, upstream: SampleUpstream, copy: Copy, file: Path
) -> None:
    asked = len(upstream.requests)
    told = prove_again(library, file)
    assert (told["valid"], told["assurance"], told["signed_by"]) == (True, "signed", upstream.key_fingerprint)
    assert told["sha256"] == copy.sha256
    assert len(upstream.requests) == asked


def test_a_file_and_its_receipt_are_enough_anywhere(
    library: Library, copy: Copy, file: Path, repository: Path, tmp_path: Path
) -> None:
    away = tmp_path / "elsewhere" / "image.iso"
    away.parent.mkdir()
    shutil.copy(file, away)
    with pytest.raises(UsageError, match="no repository"):
        prove_again(library, away)
    assert prove_again(library, away, receipt_of(copy, repository))["valid"] is True


def test_a_changed_file_is_found(library: Library, copy: Copy, file: Path, repository: Path) -> None:
    content = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(flip_bit(content, 99))
    told = prove_again(library, file)
    assert (told["valid"], told["code"]) == (False, "wrong-digest")
    file.write_bytes(content + b"\0")
    assert prove_again(library, file)["code"] == "wrong-size"
    assert prove_again(library, file, receipt_of(copy, repository))["code"] == "wrong-size"


def other_digest(told: dict[str, Any]) -> None:
    sums = base64.b64decode(told["evidence"][0]["content"])
    name = told["filename"].encode()
    lines = [b"0" * 64 + line[64:] if name in line else line for line in sums.splitlines(keepends=True)]
    told["evidence"][0]["content"] = base64.b64encode(b"".join(lines)).decode()


def no_signature(told: dict[str, Any]) -> None:
    told["evidence"] = told["evidence"][:1]


def no_proofs(told: dict[str, Any]) -> None:
    told["offer"]["proofs"] = []


def no_offer(told: dict[str, Any]) -> None:
    told["offer"] = None


def other_size(told: dict[str, Any]) -> None:
    told["size"] += 1


def other_sha512(told: dict[str, Any]) -> None:
    told["digests"]["sha512"] = "0" * 128


def other_entry(told: dict[str, Any]) -> None:
    told["offer"]["proofs"][0]["entry"] = told["filename"].replace("live-server", "desktop")


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (other_digest, "bad-signature"),
        (no_signature, "no-signature"),
        (no_proofs, "bad-receipt"),
        (no_offer, "bad-receipt"),
        (other_size, "wrong-size"),
        (other_sha512, "bad-receipt"),
        (other_entry, "wrong-digest"),
    ],
)
def test_a_changed_receipt_is_found(
    library: Library, copy: Copy, file: Path, repository: Path, tmp_path: Path, edit: Edit, code: str
) -> None:
    told = prove_again(library, file, edited(copy, repository, tmp_path, edit))
    assert (told["valid"], told["code"]) == (False, code)


def test_a_receipt_that_names_its_own_key_proves_nothing(
    library: Library, copy: Copy, file: Path, repository: Path, tmp_path: Path
) -> None:
    forger = SigningKey.generate()
    library.keyring.accept(forger.fingerprint, forger.public)

    def forge(told: dict[str, Any]) -> None:
        document, signature = told["evidence"]
        signature["content"] = base64.b64encode(forger.detached(base64.b64decode(document["content"]))).decode()
        told["offer"]["proofs"][0]["signers"] = [forger.fingerprint]
        told["signer"]["primary"] = forger.fingerprint

    told = prove_again(library, file, edited(copy, repository, tmp_path, forge))
    assert (told["valid"], told["code"]) == (False, "unknown-key")


def test_without_the_key_it_says_so(library: Library, file: Path, tmp_path: Path) -> None:
    shutil.rmtree(library.settings.keys_folder)
    with Library(load_settings()) as fresh:
        told = prove_again(fresh, file)
    assert (told["valid"], told["code"]) == (False, "unknown-key")
    assert "has not been obtained yet" in told["reasons"][0]


def test_what_nobody_signed_is_told_as_the_receipt_s_word(library: Library, repository: Path) -> None:
    subscribe(library, Selector.parse("sample-beacon"), floor=Assurance.MIRROR)
    update(library)
    (one,) = held(library)
    told = prove_again(library, repository / one.path)
    assert (told["valid"], told["assurance"], told["signed_by"]) == (True, "mirror", None)
    assert any("the receipt's word" in reason for reason in told["reasons"])


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b"[" * 100_000])
def test_a_file_that_is_no_receipt_is_told_as_such(
    library: Library, file: Path, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "broken.json").write_bytes(content)
    told = prove_again(library, file, tmp_path / "broken.json")
    assert (told["valid"], told["code"]) == (False, "bad-receipt")


def test_a_file_of_a_repository_that_has_no_receipt_of_it_is_refused(library: Library, file: Path) -> None:
    stranger = file.with_name("stranger.iso")
    stranger.write_bytes(b"put here by hand")
    with pytest.raises(UsageError, match="has no receipt of"):
        prove_again(library, stranger)
