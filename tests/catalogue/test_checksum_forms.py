"""Checksum documents as nobody should write them: hostile, broken, unusual. What is not certain is never taken for ours."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isomanager.catalogue.checksums import DigestEntry, is_web_page, lookup, parse_checksums
from isomanager.model import Document

SHA256, SHA512, MD5 = "a" * 64, "b" * 128, "1" * 32


def only(text: str) -> tuple[str, str, str]:
    """Name, algorithm and digest of the one entry."""
    (entry,) = parse_checksums(text)
    return entry.name, entry.algorithm, entry.digest


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_end_of_line_ends_a_line_and_nothing_else_does(end: str) -> None:
    assert [one.name for one in parse_checksums(f"{SHA256}  x.iso{end}{SHA256}  y.iso{end}")] == ["x.iso", "y.iso"]
    for mark in ("\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x1e"):
        entries = parse_checksums(f"{SHA256}  x{mark}{SHA256}  evil.iso{end}")
        assert lookup(entries, "evil.iso") == {}, repr(mark)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_hides_nothing(encoding: str) -> None:
    document = Document(url="https://v.example/s", content=f"{SHA256}  x.iso\r\n".encode(encoding))
    assert only(document.text) == ("x.iso", "sha256", SHA256)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (f"\\{SHA256}  a\\\\b\\nc.iso", "a\\b\nc.iso"),
        (f"\\SHA256 (a\\\\b.iso) = {SHA256}", "a\\b.iso"),
        (f"{SHA256} *a\\nb.iso", "a\\nb.iso"),
        (f"{SHA256}  Büro (1) ñ.iso", "Büro (1) ñ.iso"),
        (f"SHA256 (x (1) = y.iso) = {SHA256}", "x (1) = y.iso"),
        (f"{SHA256} * spaced.iso", "spaced.iso"),
        (f'{SHA256}  "x.iso"', "x.iso"),
        (f"x.iso  {SHA256}", "x.iso"),
        (f"SHA256          {SHA256.upper()}       C:\\isos\\x.iso", "C:\\isos\\x.iso"),
        (f" {SHA256} 1024 pool/x.iso", "pool/x.iso"),
    ],
)
def test_names_are_read_as_they_were_meant(line: str, name: str) -> None:
    assert only(line) == (name, "sha256", SHA256)


def test_a_path_of_windows_is_a_path() -> None:
    assert lookup(parse_checksums(f"{SHA256} *isos\\x.iso"), "x.iso") == {"sha256": SHA256}


@pytest.mark.parametrize(
    ("tag", "digest"),
    [
        ("SHA3-256", SHA256),
        ("SHA512/256", SHA256),
        ("SHA512-256", SHA256),
        ("SHA512_256", SHA256),
        ("BLAKE2s", SHA256),
        ("BLAKE2b-256", SHA256),
        ("BLAKE3", SHA256),
        ("SM3", SHA256),
        ("STREEBOG-256", SHA256),
        ("SHA3-512", SHA512),
        ("WHIRLPOOL", SHA512),
        ("SKEIN512", SHA512),
        ("BLAKE2b", SHA512),
        ("B2", SHA512),
    ],
)
def test_a_digest_of_the_same_length_is_never_taken_for_a_sha2(tag: str, digest: str) -> None:
    for text in (
        f"{tag} (x.iso) = {digest}",
        f"{tag}: {digest}  x.iso",
        f"# {tag} HASH\n{digest}  x.iso",
        f"### {tag}SUMS:\n{digest}  x.iso",
    ):
        found = {entry.algorithm for entry in parse_checksums(text)}
        assert not found & {"sha256", "sha512"}, text


@pytest.mark.parametrize(
    "heading",
    [
        "[blake2b]",
        "=== B2SUMS ===",
        "BLAKE2B\n-------",
        "**b2sum**",
        "b2sums.txt:",
        "# BLAKE2b digests of the images",
        "<b>\nBLAKE2b digests:",
    ],
)
def test_a_heading_in_any_dress_names_the_algorithm(heading: str) -> None:
    text = f"list\n{heading}\n{SHA512}  x.iso\n"
    assert lookup(parse_checksums(text), "x.iso") == {"blake2b": SHA512}


def test_a_sentence_that_speaks_of_an_algorithm_decides_only_where_it_can() -> None:
    text = f"# Check with sha256sum, see:\n{SHA512}  x.iso\n{SHA256}  y.iso\n"
    assert lookup(parse_checksums(text), "x.iso") == {"sha512": SHA512}
    assert lookup(parse_checksums(text), "y.iso") == {"sha256": SHA256}


@pytest.mark.parametrize(
    "label", ["CERTIFICATE", "PUBLIC KEY", "SSH SIGNATURE", "PGP SIGNATURE", "PGP PUBLIC KEY BLOCK"]
)
def test_what_stands_in_a_key_or_signature_is_no_digest(label: str) -> None:
    text = f"-----BEGIN {label}-----\n{'ab' * 32}\n{SHA256}  evil.iso\n-----END {label}-----\n{SHA256}  x.iso\n"
    assert only(text) == ("x.iso", "sha256", SHA256)
    assert parse_checksums(f"-----BEGIN {label}-----\n{SHA256}  never-ends.iso\n") == ()


def test_a_block_called_after_its_algorithm_is_a_section() -> None:
    text = f"-----BEGIN BLAKE2B SUMS-----\n{SHA512}  x.iso\n-----END BLAKE2B SUMS-----\n"
    assert lookup(parse_checksums(text), "x.iso") == {"blake2b": SHA512}


@pytest.mark.parametrize(
    "line",
    [
        f"# {SHA256}  commented-out.iso",
        f"; {SHA256}  x.iso",
        f"{SHA256}f  x.iso",
        f"0x{SHA256}  x.iso",
        f"{SHA256} {SHA512} x.iso",
        f"MD5 (x.iso) = {SHA256}",
        f"SHA256 (x.iso) = {SHA512}",
        f"{SHA256[:-1]}g  x.iso",
        f"ａ{SHA256[1:]}  x.iso",
        f"{SHA256}  {'x' * 5000}.iso",
        "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=  x.iso",
    ],
)
def test_what_only_resembles_a_digest_is_none(line: str) -> None:
    assert parse_checksums(line) == ()


@pytest.mark.parametrize("page", ["<!DOCTYPE html>", "\ufeff\n<html>", "<pre>", "<!-- x -->", "<?xml version='1.0'?>"])
def test_a_web_page_has_no_digests(page: str) -> None:
    text = f"{page}\n{SHA256}  x.iso\n"
    assert is_web_page(text)
    assert parse_checksums(text) == ()


@pytest.mark.parametrize("size", ["9" * 30, "١٢", "-1", "1e9", "0x10"])
def test_a_size_that_is_no_number_of_bytes_is_none(size: str) -> None:
    (entry,) = parse_checksums(f"# x.iso: {size} bytes\n{SHA256}  x.iso\n")
    assert entry.size is None


def test_json_tells_digests_with_the_file_s_name_and_size() -> None:
    data = {
        "files": [
            {"name": "x.iso", "sha256": SHA256, "size": 7},
            {"url": "https://v.example/y.iso?token=1", "sha512sum": SHA512, "digest": "sha256:" + SHA256},
        ],
        "z.iso": SHA256,
    }
    entries = parse_checksums(json.dumps(data))
    assert lookup(entries, "x.iso") == lookup(entries, "z.iso") == {"sha256": SHA256}
    assert lookup(entries, "y.iso") == {"sha512": SHA512, "sha256": SHA256}
    assert [entry.size for entry in entries if entry.name == "x.iso"] == [7]


@pytest.mark.parametrize(
    "text", ["{" * 100_000, '{"x.iso": "' + SHA256, "[" + SHA256 + "]", '{"sha256": ["' + SHA256 + '"]}']
)
def test_broken_or_bottomless_json_tells_nothing(text: str) -> None:
    assert parse_checksums(text) == ()


@pytest.mark.parametrize(
    "line",
    [
        "-" * 99 + "x",
        "# " + "a-" * 2000 + "!",
        " " * 4000 + "x",
        "a" * 4000 + ":",
        "(" * 2000 + ")" * 2000,
        "SHA256 (" + ") = " * 900,
    ],
)
@pytest.mark.timeout(60)
def test_no_line_takes_long(line: str) -> None:
    assert parse_checksums(f"{line}\n" * 500) == ()


names = st.from_regex(r"[A-Za-z0-9é][A-Za-z0-9é ._+~()-]{0,30}\.iso", fullmatch=True)
digests = st.sampled_from([("sha256", 64), ("sha512", 128), ("sha1", 40), ("md5", 32), ("blake2b", 128)]).flatmap(
    lambda kind: st.builds(
        DigestEntry,
        name=names,
        algorithm=st.just(kind[0]),
        digest=st.text("0123456789abcdef", min_size=kind[1], max_size=kind[1]),
        size=st.none() | st.integers(0, 1 << 40),
    )
)
BSD = {"sha256": "SHA256", "sha512": "SHA512", "sha1": "SHA1", "md5": "MD5", "blake2b": "BLAKE2b"}


def printed(entry: DigestEntry, form: str) -> str:
    size = f"# {entry.name}: {entry.size} bytes\n" if entry.size is not None else ""
    if form == "bsd":
        return f"{size}{BSD[entry.algorithm]} ({entry.name}) = {entry.digest}\n"
    mark = {"text": "  ", "binary": " *", "tab": "\t"}[form]
    return f"{size}# {BSD[entry.algorithm]} HASH\n{entry.digest.upper()}{mark}{entry.name}\n"


@settings(deadline=None)
@given(
    st.lists(digests, max_size=6, unique_by=lambda one: one.name),
    st.sampled_from(["bsd", "text", "binary", "tab"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_printed_is_read_back_in_every_form(entries: list[DigestEntry], form: str, end: str) -> None:
    text = "".join(printed(one, form) for one in entries).replace("\n", end)
    assert parse_checksums(text) == tuple(replace(one, name=one.name.strip()) for one in entries)


@settings(deadline=None)
@given(st.text(st.sampled_from("aA0b \t*()=:#-[]{}\\\n\r.xSHMD5<>\"'"), max_size=300))
def test_no_mixture_of_the_forms_makes_the_parser_fail(text: str) -> None:
    for entry in parse_checksums(text):
        assert len(entry.digest) in {32, 40, 56, 64, 96, 128}
