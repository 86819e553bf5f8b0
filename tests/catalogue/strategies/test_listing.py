"""Index pages in every dialect, and pages that are none."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomanager.catalogue.strategies.candidate import clean_name
from isomanager.catalogue.strategies.listing import candidates, links
from isomanager.errors import FetchRefused

URL = "https://host.example/iso/current/"

DIALECTS = {
    "apache": '<h1>Index of /iso</h1><a href="?C=N;O=D">Name</a><a href="/iso/">Parent</a><img src="a.gif"><a href="a-1.iso"><img></a> <a href="a-1.iso">a-1..&gt;</a><a href="9.0/">9.0/</a>',
    "minified": "<title>Index of /iso</title><a href=?C=M>m</a><a href=/iso/>up</a><a href=a-1.iso>a-1.iso</a><a href=9.0/>9.0/</a>",
    "nginx": '<h1>Index of</h1><pre><a href="../">../</a>\r\n<a href="a-1.iso">a-1.iso</a>\r\n<a href="9.0/">9.0/</a>\r\n</pre>',
    "fancyindex before the doctype": '<a href="https://www.kali.org">K</a><!DOCTYPE html><a href="?C=N&amp;O=A">n</a><a href="../">Parent directory/</a><a href="a-1.iso" title="a">a</a><a href="9.0/" title="9.0">9.0/</a>',
    "entities": '<a href="..&#x2F;">Parent directory</a><a href="a-1.iso">x</a><a href="9.0&#x2F;">y</a>',
    "dot slash and upper case": '<H1>Index of</H1><A HREF="./a-1.iso">A</A><A HREF="./9.0/">9</A><a href="./">here</a>',
    "whole addresses": f'<a href="{URL}a-1.iso">a</a><a href="/iso/current/9.0/">b</a><a href="https://evil.example/z.iso">c</a>',
    "query on the file": '<a href="a-1.iso?mirror=1">a</a><a href="9.0/#top">b</a><a href="mailto:x@y">m</a><a href="javascript:a.iso">j</a>',
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_reads_hrefs_and_never_link_texts(dialect: str) -> None:
    found = links(DIALECTS[dialect], URL)
    assert [(link.name, link.url, link.is_directory) for link in found] == [
        ("a-1.iso", f"{URL}a-1.iso", False),
        ("9.0", f"{URL}9.0/", True),
    ]


@pytest.mark.parametrize(
    "page", ["", "<html><body>Please log in</body></html>", "<h1>404 Not Found</h1>", "{}", "\x00\xff"]
)
def test_a_page_that_lists_nothing_is_an_error(page: str) -> None:
    with pytest.raises(FetchRefused) as refused:
        links(page, URL)
    assert refused.value.code == "html-instead"


def test_an_empty_directory_is_empty_and_no_error() -> None:
    assert links('<h1>Index of /iso</h1><a href="../">../</a>', URL) == ()


def test_a_file_of_which_only_the_torrent_is_listed_is_marked() -> None:
    page = '<a href="a.iso">a</a><a href="a.iso.torrent">t</a><a href="everything.iso.torrent">e</a>'
    told = {one.name: (one.torrent_only, one.torrent) for one in candidates(page, URL)}
    assert told == {"a.iso": (False, f"{URL}a.iso.torrent"), "everything.iso": (True, f"{URL}everything.iso.torrent")}


@pytest.mark.parametrize(
    "hostile",
    [
        "..",
        ".",
        "a/../..",
        "%2e%2e",
        "..%2f..%2fetc%2fpasswd%00",
        "a\x00.iso",
        "-rf",
        ".hidden",
        "x" * 300,
        "a%5Cb.iso",
        "c%3A.iso",
        "a\udcff.iso",
        "",
    ],
)
def test_no_hostile_name_gets_through(hostile: str) -> None:
    assert clean_name(hostile) is None


@given(st.text(max_size=60))
def test_a_clean_name_never_leaves_its_folder(text: str) -> None:
    name = clean_name(text)
    assert name is None or ("/" not in name and "\\" not in name and name not in ("", ".", "..") and name.isprintable())


@given(st.text(max_size=300))
def test_no_page_makes_the_parser_fail_in_another_way(page: str) -> None:
    with suppress(FetchRefused):
        links(page, URL)
