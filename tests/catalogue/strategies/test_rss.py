"""Feeds of files as SourceForge serves them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomanager.catalogue.strategies.rss import candidates
from isomanager.errors import FetchRefused

URL = "https://sourceforge.net/projects/p/rss"
MD5 = "c43e012fa51fab06616b04abc0ae8e60"
MEDIA = 'xmlns:media="http://video.search.yahoo.com/mrss/"'
ITEM = f"""<item><title><![CDATA[/a b/x-1.iso]]></title><link>https://sourceforge.net/projects/p/files/a%20b/x-1.iso/download</link>
<pubDate>Thu, 06 Aug 2026 12:00:00 UT</pubDate>
<media:content {MEDIA} filesize="3170"><media:title></media:title><media:hash algo="md5">{MD5.upper()}</media:hash></media:content></item>"""


def feed(*items: str, declared: str = "") -> bytes:
    return f'<?xml version="1.0"?>{declared}<rss version="2.0"><channel>{"".join(items)}</channel></rss>'.encode()


def test_an_item_is_a_file_with_size_digest_and_time() -> None:
    (one,) = candidates(feed(ITEM), URL)
    assert (one.name, one.size, one.digests) == ("x-1.iso", 3170, {"md5": MD5})
    assert one.groups == {"entry": "/a b/x-1.iso", "published": "2026-08-06T12:00:00Z"}
    assert one.url == "https://sourceforge.net/projects/p/files/a%20b/x-1.iso/download"


def test_an_item_without_size_or_digest_still_counts_and_claims_nothing() -> None:
    (one,) = candidates(feed("<item><title>/x-2.iso</title><pubDate>soon</pubDate></item>"), URL)
    assert (one.name, one.size, one.digests, one.groups["published"]) == ("x-2.iso", None, {}, "")


def test_a_name_no_file_can_have_is_passed_over() -> None:
    assert candidates(feed("<item><title>/a/../..</title></item>", "<item><title>/dir/</title></item>"), URL) == ()


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE rss SYSTEM "https://evil.example/x.dtd">',
        '<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_a_document_type_or_entity_ends_the_reading(declared: str) -> None:
    with pytest.raises(FetchRefused, match="declares a document type") as refused:
        candidates(feed(ITEM, declared=declared), URL)
    assert refused.value.code == "bad-data"


def test_a_web_page_is_no_feed() -> None:
    with pytest.raises(FetchRefused) as refused:
        candidates(b"<!DOCTYPE html><html><body>Sign in</body></html>", URL)
    assert refused.value.code == "html-instead"
    with pytest.raises(FetchRefused, match="no items"):
        candidates(b"<svg/>", URL)


def test_a_feed_that_is_too_deep_is_refused() -> None:
    with pytest.raises(FetchRefused, match="too deep"):
        candidates(b"<rss>" + b"<a>" * 100_000, URL)


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail_otherwise(content: bytes) -> None:
    for document in (content, b"<rss>" + content + b"</rss>"):
        with contextlib.suppress(FetchRefused):  # the only way to fail
            assert all(one.name for one in candidates(document, URL))
