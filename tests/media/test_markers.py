"""The line that each small file becomes."""

from __future__ import annotations

import pytest

from isomanager.media.markers import read_markers

TREEINFO = b"[general]\nfamily = Fedora\nversion = 41\nvariant = Server\narch = x86_64\n[release]\nname = Fedora\nversion = 41\n[tree]\narch = x86_64\n"
CASES = [
    (".disk/info", b"\n  Debian GNU/Linux 12.5.0 \"Bookworm\" - Official amd64 NETINST 20240210-11:27\nmore\n", "disk-info", 'Debian GNU/Linux 12.5.0 "Bookworm" - Official amd64 NETINST 20240210-11:27'),
    (".treeinfo", TREEINFO, "treeinfo", "Fedora|41|Server|x86_64"),
    (".treeinfo", b"[general]\nfamily=CentOS\nversion=6.5\narch=i386\n", "treeinfo", "CentOS|6.5||i686"),
    (".discinfo", b"1318239230.184\nScientific Linux 7\nx86_64\nALL\n", "discinfo", "Scientific Linux 7|x86_64"),
    ("etc/os-release", b"NAME='x'\nID=debian\nVERSION_ID=\"12\"\n# ID=no\n", "os-release", "debian|12|"),
    ("media.1/products", b"/ openSUSE-Leap 15.5-1\n", "media", "/ openSUSE-Leap 15.5-1"),
    (".cd-info", b"PRODUCT='pve'\nRELEASE='8.2'\nISORELEASE='2'\n", "cd-info", "pve|8.2|2"),
    ("sources/idwbinfo.txt", b"[BUILDINFO]\r\nBUILDARCH=amd64\r\nBUILDBRANCH=ge_release\r\n", "windows-build", "x86_64|ge_release"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "content", "marker", "line"), CASES, ids=[case[0] for case in CASES])
def test_each_marker_becomes_one_line(path: str, content: bytes, marker: str, line: str) -> None:
    assert read_markers(lambda name, most: content[:most] if name == path else None) == {marker: line}


@pytest.mark.parametrize("path", [".treeinfo", ".discinfo", "etc/os-release", ".cd-info", "sources/idwbinfo.txt"])
@pytest.mark.parametrize("content", [b"", b"\0\xff\xfe" * 50, b"[x\n[y]]\n=\n", "\u202e[general]".encode()])
def test_nonsense_makes_no_marker(path: str, content: bytes) -> None:
    assert read_markers(lambda name, most: content if name == path else None) == {}


@pytest.mark.parametrize(
    "text",
    [
        "[general]\nfamily = Fedora\nversion = 40\narch = x86_64\nvariant\n  more\n",
        "[DEFAULT]\nfamily = CentOS\n[general]\n%(x)s\n[general]\nfamily: Fedora\nversion: 40\narch: x86_64\n=\n[\n",
    ],
)
def test_a_file_of_settings_that_is_half_nonsense_tells_the_rest(text: str) -> None:
    found = read_markers(lambda name, most: text.encode() if name == ".treeinfo" else None)
    assert found["treeinfo"].startswith("Fedora|40|")


def test_a_text_of_two_bytes_a_letter_is_read_as_one() -> None:
    raw = "[BUILDINFO]\r\nBuildArch=amd64\r\nBuildBranch=ge_release\r\n".encode("utf-16")
    found = read_markers(lambda name, most: raw[:most] if name == "sources/idwbinfo.txt" else None)
    assert found["windows-build"] == "x86_64|ge_release"


def test_what_is_not_printable_never_gets_into_a_line() -> None:
    found = read_markers(lambda name, most: b"a\x1b[31mb" if name == ".disk/info" else None)
    assert found["disk-info"] == "a [31mb"
