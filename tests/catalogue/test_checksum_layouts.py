"""Digests that are told on several lines, in tables and in sentences, as the programs that write them print them."""

from __future__ import annotations

import pytest

from isomanager.catalogue.checksums import lookup, parse_checksums

MD5, SHA1, SHA256, SHA512 = "1a" * 16, "2bc" * 13 + "d", "3c4d" * 16, "4d5e6f70" * 16
OTHER = "0f" * 32


def grouped(digest: str, width: int) -> str:
    digits = digest.upper()
    return " ".join(digits[place : place + width] for place in range(0, len(digits), width))


def folded(digest: str, indent: int, in_first: int) -> str:
    groups = grouped(digest, 8).split()
    return f"{' '.join(groups[:in_first])}\n{' ' * indent}{' '.join(groups[in_first:])}"


WAYS = {
    "gpg --print-md MD5": (f"x.iso: {grouped(MD5, 2)[:23]}  {grouped(MD5, 2)[24:]}", {"md5": MD5}),
    "gpg --print-md SHA1": (f"x.iso: {grouped(SHA1, 4)[:24]}  {grouped(SHA1, 4)[25:]}", {"sha1": SHA1}),
    "gpg --print-md SHA256": (f"x.iso: {grouped(SHA256, 8)}", {"sha256": SHA256}),
    "gpg --print-md SHA512": (f"x.iso: {folded(SHA512, 7, 8)}", {"sha512": SHA512}),
    "gpg --print-md with a long name": (f"x.iso: \n{grouped(SHA256, 8)}", {"sha256": SHA256}),
    "gpg --print-mds": (
        f"x.iso:    MD5 = {grouped(MD5, 2)}\nx.iso: SHA256 = {folded(SHA256, 16, 7)}\nx.iso: SHA512 = {folded(SHA512, 16, 7)}",
        {"md5": MD5, "sha256": SHA256, "sha512": SHA512},
    ),
    "gpg --print-mds with a long name": (f"x.iso: \nSHA512 = {folded(SHA512, 9, 9)}", {"sha512": SHA512}),
    "gpg --with-colons": (f"x.iso:8:{SHA256.upper()}:\nx.iso:3:{SHA1.upper()}:", {"sha256": SHA256, "ripemd160": SHA1}),
    "certutil": (f"SHA256 hash of x.iso:\r\n{SHA256}\r\nCertUtil: -hashfile command completed successfully.\r\n", {"sha256": SHA256}),
    "certutil of Windows 7": (f"SHA256 hash of file x.iso:\r\n{grouped(SHA256, 2).lower()}\r\nCertUtil: done.", {"sha256": SHA256}),
    "certutil in German": (f"SHA256-Hash von x.iso:\r\n{SHA256}\r\nCertUtil: fertig.", {"sha256": SHA256}),
    "certutil in Japanese": (f"SHA256 ハッシュ (対象 x.iso):\r\n{SHA256}\r\nCertUtil: -hashfile", {"sha256": SHA256}),
    "certutil with a path": (f"SHA512 hash of C:\\my images\\x.iso:\r\n{SHA512}\r\n", {"sha512": SHA512}),
    "Get-FileHash as a list": (f"Algorithm : SHA256\r\nHash      : {SHA256.upper()}\r\nPath      : C:\\i\\x.iso", {"sha256": SHA256}),
    "Get-FileHash, broken at the window's edge": (
        f"Algorithm : SHA512\nHash      : {SHA512[:66]}\n            {SHA512[66:]}\nPath      : C:\\i\\x.iso",
        {"sha512": SHA512},
    ),
    "Get-FileHash as a table": (f"Algorithm  Hash  Path\n---------  ----  ----\nSHA256     {SHA256}  C:\\i\\x.iso", {"sha256": SHA256}),
    "hashdeep": (f"%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## Invoked\n12,{MD5},{SHA256},x.iso", {"md5": MD5, "sha256": SHA256}),
    "a table with commas": (f"filename,size,sha256\nx.iso,12,{SHA256}", {"sha256": SHA256}),
    "a table of Markdown": (f"| File | SHA512 |\n|:---|---|\n| `x.iso` | `{SHA512}` |", {"sha512": SHA512}),
    "7-Zip": (f"SHA256   Size  Name\n-------- ----- ------\n{SHA256}  12  x.iso", {"sha256": SHA256}),
    "fields, a file after the other": (f"name: x.iso\nsize: 12\nsha256: {SHA256}\n", {"sha256": SHA256}),
    "below the file's name": (f"x.iso\n{SHA256}", {"sha256": SHA256}),
    "below a heading": (f"[x.iso]\nmd5={MD5}\nsha256={SHA256}", {"md5": MD5, "sha256": SHA256}),
    "YAML": (f'x.iso:\n  sha256: "{SHA256}"\n  sha512: {SHA512}', {"sha256": SHA256, "sha512": SHA512}),
    "a sentence": (f"SHA256 of x.iso is {SHA256}", {"sha256": SHA256}),
    "name, algorithm, digest": (f"x.iso (SHA256): {SHA256}", {"sha256": SHA256}),
    "algorithm, name, digest": (f"SHA256 x.iso {SHA256}", {"sha256": SHA256}),
    "sha256sum --zero": (f"{SHA256}  x.iso\0{OTHER}  y.iso\0", {"sha256": SHA256}),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_digest_is_read_however_the_program_lays_it_out(way: str) -> None:
    text, digests = WAYS[way]
    entries = parse_checksums(text)
    assert lookup(entries, "x.iso") == digests


@pytest.mark.parametrize("way", WAYS)
def test_never_the_digest_of_another_file(way: str) -> None:
    assert lookup(parse_checksums(WAYS[way][0]), "z.iso") == {}


@pytest.mark.parametrize("way", WAYS)
def test_two_files_in_one_document_stay_apart(way: str) -> None:
    text, digests = WAYS[way]
    both = f"{text}\n{text.replace('x.iso', 'w.iso').replace(SHA256, OTHER).replace(SHA256.upper(), OTHER)}\n"
    assert lookup(parse_checksums(both), "x.iso") == digests


@pytest.mark.parametrize(
    "text",
    [
        "Primary key fingerprint: C598 6B4F 1257 FFA8 6632  CBA7 4618 1433 FBB7 5451",
        "      C598 6B4F 1257 FFA8 6632  CBA7 4618 1433 FBB7 5451",
        f"x.iso: {grouped(SHA256, 8)[:-18]}",
        f"x.iso: {grouped(SHA256, 8)} {grouped(SHA256, 8)[:17]}",
        f"MD5 of x.iso is {SHA256}",
        f"SHA256 of x.iso and y.iso is {SHA256[:-1]}",
        f"name,notes\nx.iso,{SHA256}",
    ],
)
def test_what_only_resembles_a_layout_is_no_digest(text: str) -> None:
    assert parse_checksums(text) == ()


def test_a_file_named_above_ends_where_something_else_is_spoken_of() -> None:
    entries = parse_checksums(f"x.iso:\n{SHA256}\nSomething else follows here.\n{OTHER}\n")
    assert [(entry.name, entry.digest) for entry in entries] == [("x.iso", SHA256), ("", OTHER)]


@pytest.mark.parametrize(
    "line", ["a:" * 2000, "AB CD " * 600, "x.iso " * 600, "|" * 4000, "name,sha256," * 300, ": " * 2000]
)
@pytest.mark.timeout(60)
def test_no_line_takes_long(line: str) -> None:
    assert parse_checksums(f"{line}\n" * 300) == ()
