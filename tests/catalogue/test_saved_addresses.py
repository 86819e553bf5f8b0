"""Which saved document stands for an address, and what a saved head says."""

from __future__ import annotations

import pytest

from isomanager.catalogue.saved_addresses import head_says, stands_for

API = "https://www.microsoft.com/software-download-connector/api/getskuinformationbyproductedition"


@pytest.mark.parametrize(
    ("saved", "asked"),
    [
        (API, f"{API}?profile=1&productEditionId=3813&sessionID=a"),
        (f"{API}?ProductEditionId=3813&sessionID=then", f"{API}?profile=1&productEditionId=3813&sessionID=now"),
        ("https://ov-df.microsoft.com/?session_id=1&w=2&mdt=3", "https://ov-df.microsoft.com/?session_id=9&w=8&mdt=7&rticks=6"),
        ("https://go.microsoft.com/fwlink/p/?LinkID=1", "https://go.microsoft.com/fwlink/p/?linkid=1&culture=en-us"),
        ("https://WWW.Example.com/en-US/Page", "https://www.example.com/en-us/page"),
    ],
)  # fmt: skip
def test_what_differs_from_session_to_session_does_not_count(saved: str, asked: str) -> None:
    assert stands_for(asked, [saved]) == saved


@pytest.mark.parametrize(
    ("saved", "asked"),
    [
        (f"{API}?productEditionId=9002", f"{API}?productEditionId=3813"),
        (f"{API}?productEditionId=3813", API),
        ("https://go.microsoft.com/fwlink/?linkid=1", "https://go.microsoft.com/fwlink/?linkid=12"),
        ("https://example.com/a", "https://example.com/ab"),
        ("https://example.com/a", "https://example.org/a"),
    ],
)
def test_what_says_something_else_stands_for_nothing(saved: str, asked: str) -> None:
    assert stands_for(asked, [saved]) is None


def test_of_several_the_one_that_says_most_counts_and_the_very_same_before_all() -> None:
    some, more, same = API, f"{API}?sku=1", f"{API}?sku=1&locale=en"
    assert stands_for(f"{API}?sku=1&locale=de", [some, more, same]) == more
    assert stands_for(same, [some, more, same]) == same


def test_a_saved_head_tells_where_redirects_led_and_what_is_there() -> None:
    head = (
        b"HTTP/2 302\r\nlocation: /one\r\n\r\nHTTP/1.1 301 Moved\r\nLocation: https://b.example/two.iso?x=1\r\n\r\n"
        b'HTTP/1.1 200 OK\r\nContent-Length: 42\r\nLast-Modified: Tue, 20 Jan 2026 13:56:22 GMT\r\nETag: "e"\r\n\r\n'
    )
    said = head_says("https://a.example/zero", head)
    assert said is not None
    assert (said["final_url"], said["size"]) == ("https://b.example/two.iso?x=1", 42)
    assert (said["etag"], said["last_modified"]) == ('"e"', "Tue, 20 Jan 2026 13:56:22 GMT")


def test_a_head_that_ends_with_the_redirect_says_no_size_and_a_document_is_no_head() -> None:
    said = head_says(
        "https://a.example/", b"HTTP/1.1 302 Found\nLocation: https://b.example/x.iso\nContent-Length: 0\n\n"
    )
    assert said is not None
    assert (said["final_url"], said["size"]) == ("https://b.example/x.iso", None)
    assert head_says("https://a.example/", b"<html></html>") is None
