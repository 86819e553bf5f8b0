"""Checksum documents in every form upstreams use."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomanager.catalogue.checksums import DigestEntry, lookup, lookup_size, parse_checksums
from isomanager.errors import Refused

MD5, SHA1, SHA256, SHA512 = "1" * 32, "2" * 40, "a" * 64, "b" * 128


@pytest.mark.parametrize(
    "line",
    [
        f"{SHA256}  a-1.0.iso",
        f"{SHA256} *a-1.0.iso",
        f"{SHA256} a-1.0.iso",
        f"{SHA256.upper()}\t./a-1.0.iso\r",
        f"SHA256 (a-1.0.iso) = {SHA256}",
        f"SHA256(a-1.0.iso)= {SHA256}",
        f"SHA2-256 (a-1.0.iso) = {SHA256}",
        f"# SHA256 (a-1.0.iso) = {SHA256}",
        f"a-1.0.iso: {SHA256}",
        f"SHA256: {SHA256} a-1.0.iso",
        f"SHA256: {SHA256.upper()}  *a-1.0.iso",
        f"{SHA256}  a-1.0.iso.",
    ],
)
def test_reads_every_form_of_a_line(line: str) -> None:
    assert parse_checksums(line) == (DigestEntry("a-1.0.iso", "sha256", SHA256),)


def test_takes_the_size_from_a_comment_before_or_after() -> None:
    text = f"# a.iso: 1966178304 bytes\nSHA256 (a.iso) = {SHA256}\nSHA256 (b.iso) = {SHA256}\n# b.iso: 7 bytes\n"
    entries = parse_checksums(text)
    assert [entry.size for entry in entries] == [1966178304, 7]
    assert lookup_size(entries, "b.iso") == 7


def test_chooses_the_algorithm_by_length_not_by_order() -> None:
    entries = parse_checksums("\n".join(f"{digest} *q.iso" for digest in (MD5, SHA1, SHA256, SHA512)))
    assert lookup(entries, "q.iso") == {"md5": MD5, "sha1": SHA1, "sha256": SHA256, "sha512": SHA512}


def test_never_takes_a_blake3_digest_for_sha256() -> None:
    blake = "c" * 64
    text = f"### SHA256SUMS:\n{SHA256}  a.iso\n### B3SUMS:\n{blake}  a.iso\n### B2SUMS:\n{SHA512}  a.iso\n"
    assert lookup(parse_checksums(text), "a.iso") == {"sha256": SHA256, "blake3": blake, "blake2b": SHA512}


@pytest.mark.parametrize("word", ["B3", "B3SUM", "BLAKE3", "BLAKE3SUM", "WHIRLPOOL"])
def test_a_label_that_is_not_sha256_never_makes_a_sha256(word: str) -> None:
    for line in (f"{word}: {SHA256} a.iso", f"{word} (a.iso) = {SHA256}", f"# {word} HASH\n{SHA256}  a.iso"):
        assert "sha256" not in lookup(parse_checksums(line), "a.iso"), line


def test_prose_is_only_undressed_when_it_is_read_as_prose() -> None:
    quoted = f"# {SHA256}  a.iso\n"
    assert parse_checksums(quoted) == ()
    assert parse_checksums(quoted, subject=lambda line: "") == (DigestEntry("a.iso", "sha256", SHA256),)


def test_reads_the_sections_of_gentoo_and_parrot() -> None:
    gentoo = (
        f"# BLAKE2B HASH\n{SHA512}  i.iso\n# WHIRLPOOL HASH\n{'d' * 128}  i.iso\n# SHA512 HASH\n{'e' * 128}  i.iso\n"
    )
    assert lookup(parse_checksums(gentoo), "i.iso") == {"blake2b": SHA512, "whirlpool": "d" * 128, "sha512": "e" * 128}
    parrot = f"md5\n\n{MD5}  p.iso\n\nsha256\n\n{SHA256}  p.iso\n"
    assert lookup(parse_checksums(parrot), "p.iso") == {"md5": MD5, "sha256": SHA256}


def test_a_digest_of_the_wrong_length_for_its_label_is_no_digest() -> None:
    assert parse_checksums(f"SHA256 (a.iso) = {SHA512}\nSHA512 (a.iso) = {SHA256}\n") == ()


def test_steps_over_the_armor_of_a_signed_document() -> None:
    text = f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{SHA256}  a.iso\n-----BEGIN PGP SIGNATURE-----\n\n{SHA512}\n-----END PGP SIGNATURE-----\n"
    assert parse_checksums(text) == (DigestEntry("a.iso", "sha256", SHA256),)


def test_finds_a_name_by_its_last_segment_only_when_that_is_unique() -> None:
    entries = parse_checksums(f"{SHA256}  v8.10/m.iso.zip\n{'b' * 64}  x/disc1.iso\n{'c' * 64}  y/disc1.iso\n")
    assert lookup(entries, "m.iso.zip") == {"sha256": SHA256}
    assert lookup(entries, "v8.10/m.iso.zip") == {"sha256": SHA256}
    assert lookup(entries, "y/disc1.iso") == {"sha256": "c" * 64}
    assert lookup(entries, "disc1.iso") == {}
    assert lookup(entries, "v9/m.iso.zip") == {}


def test_a_name_is_never_taken_for_the_beginning_of_another() -> None:
    entries = parse_checksums(f"SHA256 (disc1.iso.xz) = {SHA256}\nSHA256 (mini-disc1.iso) = {SHA256}\n")
    assert lookup(entries, "disc1.iso") == {}


def test_a_bare_hash_belongs_to_the_file_beside_it() -> None:
    assert lookup(parse_checksums(f"{SHA256}\n"), "whatever.iso") == {"sha256": SHA256}
    assert lookup(parse_checksums(f"SHA256: {SHA256}\nMD5: {MD5}\n"), "x.iso") == {"sha256": SHA256, "md5": MD5}
    assert lookup(parse_checksums(f"{SHA256}\n{SHA256}  other.iso\n"), "x.iso") == {}


def test_two_digests_for_one_name_are_refused() -> None:
    with pytest.raises(Refused, match="two different sha256"):
        lookup(parse_checksums(f"{SHA256}  a.iso\n{'f' * 64}  a.iso\n"), "a.iso")


def test_a_document_that_says_its_algorithm_in_its_own_name_is_told_so() -> None:
    assert lookup(parse_checksums(f"{SHA512}  a.iso\n", algorithm="blake2b"), "a.iso") == {"blake2b": SHA512}


@given(
    st.dictionaries(st.from_regex(r"[a-z][a-z0-9._+-]{0,30}\.iso", fullmatch=True), st.binary(max_size=8), max_size=8)
)
def test_what_coreutils_writes_is_read_back(files: dict[str, bytes]) -> None:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    entries = parse_checksums("".join(f"{digest}  {name}\n" for name, digest in digests.items()))
    assert {entry.name: entry.digest for entry in entries} == digests


@given(st.text(max_size=400))
def test_no_text_makes_the_parser_fail(text: str) -> None:
    assert all(entry.digest for entry in parse_checksums(text))
