"""Files that release notes, announcements and download pages speak of."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomanager.catalogue.strategies.page import candidates
from isomanager.errors import FetchRefused

URL = "https://example.org/notes"
FILES = (r"tool-(?P<version>\d+\.\d+)\.iso",)
ONE, TWO, THREE = "a" * 64, "b" * 64, "c" * 64


def told(text: str, select: str = "") -> dict[str, tuple[str, dict[str, str]]]:
    return {one.name: (one.url, one.digests) for one in candidates(text, URL, files=FILES, select=select)}


def test_reads_name_and_digest_in_the_dress_of_markdown() -> None:
    text = f"### SHA-256\n```\ntool-1.0.iso: {ONE}\ntool-1.0.iso.zip: {TWO}\n```\n"
    assert told(text) == {"tool-1.0.iso": ("", {"sha256": ONE})}
    assert told(f"- `{ONE}  tool-1.0.iso`\n") == {"tool-1.0.iso": ("", {"sha256": ONE})}
    assert told(f"| `tool-1.0.iso` |\n|---|\n| **SHA256**: {ONE} |\n") == {"tool-1.0.iso": ("", {"sha256": ONE})}


def test_reads_a_quoted_checksum_document() -> None:
    assert told(f"--\n# SHA256 (tool-1.0.iso) = {ONE}\n# SHA256 (tool-1.1.iso) = {TWO}\n") == {
        "tool-1.0.iso": ("", {"sha256": ONE}),
        "tool-1.1.iso": ("", {"sha256": TWO}),
    }


def test_a_digest_without_a_name_belongs_to_the_file_spoken_of_last() -> None:
    text = (
        f"SHA256: {THREE}\nGet https://example.org/tool-1.0.iso.\nSHA256: {ONE.upper()}\n"
        f"Older: https://example.org/tool-0.9.iso\nSHA256: {TWO}\n"
    )
    assert told(text) == {
        "tool-1.0.iso": ("https://example.org/tool-1.0.iso", {"sha256": ONE}),
        "tool-0.9.iso": ("https://example.org/tool-0.9.iso", {"sha256": TWO}),
    }


def test_never_takes_a_blake3_digest_for_sha256() -> None:
    for text in (
        f"### B3SUMS:\n{ONE}  tool-1.0.iso\n",
        f"BLAKE3: {ONE} tool-1.0.iso\n",
        f"B3SUM (tool-1.0.iso) = {ONE}\n",
        f"tool-1.0.iso\nB3: {ONE}\n",
        f"# WHIRLPOOL HASH\n{ONE * 2}  tool-1.0.iso\n",
    ):
        ((_, digests),) = told(text).values()
        assert not {"sha256", "sha512"} & set(digests), text


def test_a_page_that_contradicts_itself_claims_nothing() -> None:
    assert told(f"{ONE}  tool-1.0.iso\n{TWO}  tool-1.0.iso\n") == {"tool-1.0.iso": ("", {})}


def test_reads_a_table_of_a_web_page_and_not_its_scripts() -> None:
    text = (
        "<!DOCTYPE html><script>x='tool-9.9.iso'</script><table><tr><td>Filename</td><td>"
        f'<a href="/files/tool-1.0.iso">tool-1.0.iso</a></td></tr><tr><td>SHA-256</td><td>{ONE}</td></tr></table>'
    )
    assert told(text) == {"tool-1.0.iso": ("https://example.org/files/tool-1.0.iso", {"sha256": ONE})}


def test_reads_the_notes_inside_an_api_answer() -> None:
    text = json.dumps([{"body": f"[tool-1.0.iso](https://example.org/d/tool-1.0.iso)\r\nSHA256: {ONE}\r\n"}])
    assert told(text, "[].body") == {"tool-1.0.iso": ("https://example.org/d/tool-1.0.iso", {"sha256": ONE})}


@pytest.mark.parametrize(
    ("text", "select"),
    [
        ("<!DOCTYPE html><html><body>Sign in to Wi-Fi</body></html>", ""),
        ("nothing of ours: other-1.0.iso", ""),
        ("mini-tool-1.0.iso tool-1.0.iso.zip", ""),
        ('[{"body": "no image this time"}]', "[].body"),
    ],
)
def test_a_page_that_speaks_of_no_file_of_ours_is_an_error(text: str, select: str) -> None:
    with pytest.raises(FetchRefused) as refused:
        candidates(text, URL, files=FILES, select=select)
    assert refused.value.code in ("html-instead", "bad-data")


def test_a_page_longer_than_any_announcement_is_refused() -> None:
    for text in ("a.b " * (2 << 20), "<!DOCTYPE html>" + "<a href='/x'>y</a>" * 300_000):
        with pytest.raises(FetchRefused) as refused:
            candidates(text, URL, files=FILES)
        assert refused.value.code == "too-large"


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    found = candidates(f"tool-1.0.iso\n{text}", URL, files=FILES)
    assert found[0].name == "tool-1.0.iso" or "tool-1.0.iso" in {one.name for one in found}


def test_a_buttons_address_is_a_link_too() -> None:
    text = '<!doctype html><button data-iso="tiny-1.2-amd64.iso" data-url="https://get.tiny.example/tiny-1.2-amd64.iso">Get</button>'
    (found,) = candidates(text, "https://tiny.example/download/", files=(r"tiny-(?P<version>\d+\.\d+)-amd64\.iso",))
    assert found.url == "https://get.tiny.example/tiny-1.2-amd64.iso"
