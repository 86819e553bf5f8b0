"""Files outside any library: fetched straight to a path, held against a digest, checksum documents read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from command import Isomanager
from domain_update import update
from isomanager.library.opening import Library
from isomanager.library.subscribing import subscribe
from isomanager.model import Selector
from isomanager.sample.upstream import SampleUpstream

CONTENT = b"not much of an image\n" * 1000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some image.iso"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize("algorithm", ["SHA256", "sha-512", "SHA1", "MD5", "BLAKE2B"])
def test_a_file_is_held_against_a_digest_of_any_algorithm(here: Isomanager, file: Path, algorithm: str) -> None:
    name = algorithm.lower().replace("-", "")
    digest = hashlib.new(name, CONTENT).hexdigest()
    told = here("verify", file, "--expected", digest.upper(), "--algorithm", algorithm, "--json").well()
    assert told.json["valid"] is True
    assert (told.json["algorithm"], told.json["digest"], told.json["size"]) == (name, digest, len(CONTENT))


def test_a_wrong_digest_is_exit_code_1(isomanager: Isomanager, file: Path) -> None:
    told = isomanager("verify", file, "--expected", "0" * 64, "--algorithm", "SHA256", "--json")
    assert (told.code, told.json["valid"]) == (1, False)
    told = isomanager("verify", file, "--expected", "0" * 64)
    assert (told.code, "wrong" in told.out) == (1, True)


def test_quick_reads_no_bytes_and_claims_nothing_about_them(here: Isomanager, file: Path) -> None:
    told = here("verify", file, "--quick", "--expected", "0" * 64, "--json").well()
    assert told.json["digest"] == ""
    assert "not read" in told.json["result"]
    file.write_bytes(b"")
    assert here("verify", file, "--quick").code == 1


def test_a_digest_of_another_kind_is_a_mistake_and_not_a_damaged_file(here: Isomanager, file: Path) -> None:
    told = here("verify", file, "--expected", "a" * 40)
    assert told.code == 2
    assert "--algorithm sha1" in told.err
    assert here("verify", file, "--expected", "g" * 64).code == 2
    assert here("verify", file, "--algorithm", "CRC32").code == 2
    assert here("verify", file, file, "--expected", "a" * 64).code == 2
    assert here("verify", file.with_name("missing.iso"), "--expected", "a" * 64).code == 2


def test_a_file_is_fetched_to_a_path_and_proved_by_the_digest_that_is_given(
    isomanager: Isomanager, upstream: SampleUpstream, tmp_path: Path
) -> None:
    offered = isomanager("catalogue", "resolve", "sample-lantern", "--json").well().json
    target = tmp_path / "new" / "rescue.iso"
    told = isomanager(
        "download", "--url", offered["url"], "--to", target, "--sha256", offered["sha256"], "--json"
    ).well()
    assert (told.json["path"], told.json["assurance"]) == (str(target), "pinned")
    assert hashlib.sha256(target.read_bytes()).hexdigest() == told.json["sha256"] == offered["sha256"]
    assert [one.name for one in target.parent.iterdir()] == ["rescue.iso"], "nothing else is left behind"

    told = isomanager("download", "--url", offered["url"], "--to", target, "--json")
    assert (told.code, told.json["error"]) == (1, "name-taken")
    isomanager("download", "--url", offered["url"], "--to", target, "--force").well()


def test_without_a_digest_an_address_is_fetched_and_what_that_proves_is_said(
    isomanager: Isomanager, upstream: SampleUpstream, tmp_path: Path
) -> None:
    url = isomanager("catalogue", "resolve", "sample-lantern", "--json").well().json["url"]
    told = isomanager("download", "--url", url, "--to", f"{tmp_path}/folder/", "--no-register", "--json").well()
    assert (told.json["assurance"], Path(told.json["path"]).parent) == ("none", tmp_path / "folder")
    told = isomanager("download", "--url", url, "--to", tmp_path / "x.iso", "--verify", "--json")
    assert (told.code, told.json["error"]) == (1, "below-floor")
    assert "--sha256" in told.json["hint"]


def test_a_wrong_digest_leaves_no_file(isomanager: Isomanager, upstream: SampleUpstream, tmp_path: Path) -> None:
    url = isomanager("catalogue", "resolve", "sample-lantern", "--json").well().json["url"]
    told = isomanager("download", "--url", url, "--to", tmp_path / "x.iso", "--sha256", "0" * 64, "--json")
    assert (told.code, told.json["error"]) == (1, "wrong-digest")
    assert not (tmp_path / "x.iso").exists()
    assert not list(tmp_path.glob(".isomanager/**/*.part*"))


def test_an_image_of_the_catalogue_is_fetched_to_a_folder_with_its_proof(
    isomanager: Isomanager, upstream: SampleUpstream, tmp_path: Path
) -> None:
    told = isomanager("download", "sample-driftwood/disc1", "--to", tmp_path, "--json").well()
    assert told.json["assurance"] == "signed"
    assert Path(told.json["path"]).is_file()
    assert isomanager("list", "--json").well().json == []
    told = isomanager("download", "sample-driftwood/disc1", "--to", tmp_path / "y.iso", "--sha256", "0" * 64, "--json")
    assert (told.code, told.json["error"]) == (1, "wrong-digest")


@pytest.mark.parametrize(
    "arguments",
    [(), ("--url", "ftp://host/x.iso"), ("--url", "x"), ("--url", "http://["), ("debian", "--url", "https://host/x.iso"),
     ("debian", "--sha256", "abc"), ("--url", "https://host:99999/x")],
    ids=" ".join,
)  # fmt: skip
def test_a_download_that_makes_no_sense_is_refused_at_once(here: Isomanager, arguments: Sequence[str]) -> None:
    for more in ((), ("--to", "x.iso")):
        told = here("download", *arguments, *more, "--json")
        assert (told.code, told.json["error"]) == (2, "usage")


def test_digests_tells_entries_and_signature_of_a_document(
    here: Isomanager, upstream: SampleUpstream, tmp_path: Path
) -> None:
    folder = upstream.site.www / "orchard" / "26.04"
    key = next((upstream.site.www / "keys").glob("*.asc"))
    told = here(
        "digests", folder / "SHA256SUMS", "--signature", folder / "SHA256SUMS.gpg", "--key", key, "--json"
    ).well()
    assert told.json["signature"]["valid"] is True
    assert told.json["signature"]["primary_fingerprint"] == upstream.key_fingerprint
    assert all(set(one) >= {"name", "algorithm", "digest"} for one in told.json["entries"])
    product = here(
        "digests", folder / "SHA256SUMS", "--signature", folder / "SHA256SUMS.gpg", "--product", "ubuntu", "--json"
    )
    assert product.code == 1
    assert product.json["signature"]["valid"] is False
    alone = here("digests", folder / "SHA256SUMS").well()
    assert "sha256" in alone.out
    assert here("digests", tmp_path / "missing", "--json").json["error"] == "usage"


def test_files_are_proved_again_from_their_receipts(here: Isomanager, library: Library, tmp_path: Path) -> None:
    subscribe(library, Selector.parse("sample-orchard/server@lts"))
    update(library)
    (image,) = (one for one in (tmp_path / "library").rglob("*.iso") if not one.is_symlink())
    told = here("verify", "--from-receipt", image, "--json").well().json
    assert (told["valid"], told["assurance"]) == (True, "signed")
    assert "proved again (signed)" in here("verify", "--from-receipt", image, told["receipt"]).well().out
    image.chmod(0o644)
    image.write_bytes(image.read_bytes() + b"!")
    changed = here("verify", "--from-receipt", image)
    assert (changed.code, "NOT proved (wrong-size)" in changed.out) == (1, True)


@pytest.mark.parametrize("words", [[], ["a.json"], ["a.iso", "b.iso", "a.json"], ["a.iso", "--quick"], ["missing.iso"]])
def test_what_cannot_be_proved_from_a_receipt_is_a_mistake(here: Isomanager, words: list[str]) -> None:
    assert here("verify", "--from-receipt", *words).code == 2


def test_show_says_how_a_file_is_trusted_and_what_that_does_not_prove(
    here: Isomanager, library: Library, upstream: SampleUpstream
) -> None:
    subscribe(library, Selector.parse("sample-orchard/server@lts"))
    update(library)
    told = here("show", "sample-orchard").well().out
    for words in ("signed: the vendor signed it", upstream.key_fingerprint, "SHA256SUMS.gpg", "does not prove"):
        assert words in told, words
    (described,) = here("show", "sample-orchard", "--json").well().json
    assert any(line.startswith("signed by: ") for line in described["trust"][0])
    assert described["receipts"][0]["signer"]["signed_at"]
