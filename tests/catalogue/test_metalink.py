"""Metalinks of both versions tell a file's digests, size and addresses, and nothing makes them large."""

from __future__ import annotations

from typing import Any

import pytest

from isomanager.catalogue.checksums import is_web_page, lookup, lookup_size, parse_checksums
from isomanager.catalogue.metalink import is_metalink, read_metalink
from isomanager.catalogue.strategies import checksum_list
from isomanager.errors import FetchRefused

NAME = "Fedora-Workstation-Live-44-1.7.x86_64.iso"
THREE = f"""<?xml version="1.0" encoding="utf-8"?>
<metalink version="3.0" xmlns="http://www.metalinker.org/" type="dynamic">
 <files><file name="{NAME}">
  <size>2851612672</size>
  <verification>
   <hash type="md5">{"a" * 32}</hash><hash type="sha256">{"b" * 64}</hash>
   <pieces type="sha1" length="262144"><hash piece="0">{"c" * 40}</hash></pieces>
  </verification>
  <resources maxconnections="1">
   <url protocol="rsync" type="rsync" preference="100">rsync://one.example/{NAME}</url>
   <url protocol="https" type="https" preference="99">https://one.example/{NAME}</url>
   <url protocol="https" type="https" preference="98">https://two.example/{NAME}</url>
  </resources>
 </file></files>
</metalink>
"""
FOUR = f"""<metalink xmlns="urn:ietf:params:xml:ns:metalink">
  <file name="{NAME}"><size>2851612672</size>
    <hash type="sha-256">{"B" * 64}</hash>
    <pieces length="262144" type="sha-1"><hash>{"c" * 40}</hash></pieces>
    <url location="de" priority="1">https://one.example/{NAME}</url>
  </file>
</metalink>
"""


@pytest.mark.parametrize("text", [THREE, FOUR], ids=["version 3", "version 4"])
def test_a_metalink_is_a_checksum_document(text: str) -> None:
    entries = parse_checksums(text)
    assert lookup(entries, NAME)["sha256"] == "b" * 64
    assert "sha1" not in lookup(entries, NAME)
    assert lookup_size(entries, NAME) == 2851612672
    assert not is_web_page(text)


@pytest.mark.parametrize("text", [THREE, FOUR], ids=["version 3", "version 4"])
def test_a_metalink_tells_where_its_file_is(text: str) -> None:
    (found,) = checksum_list.candidates(text, "https://mirrors.example/metalink?path=x")
    assert (found.name, found.url, found.size) == (NAME, f"https://one.example/{NAME}", 2851612672)


def test_other_markup_is_no_metalink() -> None:
    assert not is_metalink("<!DOCTYPE html><html><body>metalink</body></html>")
    assert not is_metalink(f"{'a' * 64}  {NAME}")


@pytest.mark.parametrize(
    "text",
    [THREE[:400], THREE.replace("<metalink", '<!DOCTYPE x [<!ENTITY a "b">]><metalink', 1)],
    ids=["half of one", "with entities"],
)
def test_a_broken_or_hostile_metalink_tells_nothing(text: str) -> None:
    assert read_metalink(text) == ()
    with pytest.raises(FetchRefused):
        checksum_list.candidates(text, "https://mirrors.example/x")


def test_a_saved_metalink_stands_for_the_list(catalogue: Any, tmp_path: Any) -> None:
    from isomanager.catalogue.documents import SavedDocuments
    from isomanager.catalogue.resolve import resolve
    from isomanager.model import Selector

    file = tmp_path / "metalink"
    file.write_text(THREE)
    url = f"https://mirrors.fedoraproject.org/metalink?path=pub/fedora/linux/releases/44/Workstation/x86_64/iso/{NAME}"
    (offer,) = resolve(catalogue.product("fedora"), Selector.parse("fedora@44"), SavedDocuments({url: file}))
    assert (offer.filename, str(offer.title.version), offer.digests["sha256"]) == (NAME, "44", "b" * 64)


def test_the_preferred_address_comes_first_in_both_forms() -> None:
    ranked = """<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="x.iso">
    <url>https://last.example/x.iso</url><url priority="2">https://two.example/x.iso</url>
    <url priority="1">https://one.example/x.iso</url></file></metalink>"""
    preferred = """<metalink version="3.0" xmlns="http://www.metalinker.org/"><files><file name="x.iso"><resources>
    <url preference="90">https://two.example/x.iso</url><url preference="100">https://one.example/x.iso</url>
    <url preference="most">https://last.example/x.iso</url></resources></file></files></metalink>"""
    for text in (ranked, preferred):
        (file,) = read_metalink(text)
        assert [url.split("/")[2] for url in file.urls] == ["one.example", "two.example", "last.example"]
