"""Listings that are data, and pages whose addresses are relative to somewhere else."""

from __future__ import annotations

import pytest

from isomanager.catalogue.strategies.listing import is_listing, links
from isomanager.errors import FetchRefused

URL = "https://host.example/iso/current/"
S3 = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{}</ListBucketResult>'
KEYS = "<Contents><Key>iso/current/a-1.iso</Key><Size>7</Size></Contents><CommonPrefixes><Prefix>iso/current/9.0/</Prefix></CommonPrefixes>"

DIALECTS = {
    "S3 under its own name": (URL, S3.format(f"<Name>b</Name><Prefix>iso/current/</Prefix>{KEYS}")),
    "S3 with the prefix in the query": ("https://host.example/?list-type=2&prefix=iso/current/", S3.format(f"<Name>b</Name>{KEYS}")),
    "S3 without namespace, nothing cut off": (
        "https://host.example/",
        f"<ListBucketResult><IsTruncated>false</IsTruncated>{KEYS}</ListBucketResult>",
    ),
    "nginx in XML": (
        URL,
        '<?xml version="1.0"?>\n<list>\n<directory mtime="x">9.0</directory>\n<file mtime="x" size="7">a-1.iso</file>\n</list>',
    ),
    "nginx in JSON": (URL, '[{"name":"9.0","type":"directory"},{"name":"a-1.iso","type":"file","size":7}]'),
    "Caddy in JSON": (URL, '[{"name":"9.0/","url":"./9.0/","is_dir":true},{"name":"a-1.iso","is_dir":false}]'),
    "an object of files": (URL, '{"files": [{"name":"9.0","type":"dir"},{"name":"a-1.iso","type":"file"}]}'),
    "a page with a base": (
        "https://host.example/download.html",
        '<h1>Index of</h1><base href="/iso/current/"><a href="?C=N">n</a><a href="a-1.iso">a</a><a href="9.0/">9</a>',
    ),
    "a page with a whole base": (
        "https://host.example/",
        f'<BASE HREF="{URL}"><h1>Index of</h1><A HREF=a-1.iso>a</A><A HREF="./9.0/">9</A>',
    ),
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_same_entries_in_every_dialect(dialect: str) -> None:
    url, text = DIALECTS[dialect]
    found = sorted((link.name, link.url, link.is_directory) for link in links(text, url))
    assert found == [("9.0", f"{URL}9.0/", True), ("a-1.iso", f"{URL}a-1.iso", False)]


def test_a_bucket_in_the_path_stays_there() -> None:
    text = S3.format(f"<Name>isos</Name><Prefix>iso/</Prefix>{KEYS}")
    found = links(text, "https://s3.example/isos?prefix=iso/")
    assert found[0].url == "https://s3.example/isos/iso/current/a-1.iso"
    azure = '<EnumerationResults ContainerName="https://acc.example/isos"><Blobs><Blob><Name>a-1.iso</Name></Blob></Blobs></EnumerationResults>'
    assert links(azure, "https://acc.example/isos?comp=list")[0].url == "https://acc.example/isos/a-1.iso"


@pytest.mark.parametrize(
    "text",
    [
        S3.format(f"<IsTruncated>true</IsTruncated>{KEYS}"),
        S3.format(KEYS)[:-40],
        "<EnumerationResults><Blobs><Blob><Name>a.iso</Name></Blob></Blobs><NextMarker>x</NextMarker></EnumerationResults>",
        f"<list>{'<file>' * 40}",
    ],
)
def test_a_listing_that_goes_on_elsewhere_is_never_taken_for_all_there_is(text: str) -> None:
    with pytest.raises(FetchRefused) as refused:
        links(text, URL)
    assert refused.value.code == "bad-data"


def test_an_empty_listing_in_data_is_empty_and_no_error() -> None:
    for text in (S3.format("<Name>b</Name>"), "<list></list>", "[]", '{"files": []}'):
        assert links(text, URL) == ()
        assert is_listing(text)


def test_no_entity_is_ever_expanded() -> None:
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE list [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><list><file>&b;.iso</file></list>'
    )
    with pytest.raises(FetchRefused):
        links(bomb, URL)


def test_names_and_bases_lead_nowhere_else() -> None:
    assert (
        links("<list><file>../../etc/passwd</file><file>a\\b.iso</file><file>ok.iso</file></list>", URL)[-1].name
        == "ok.iso"
    )
    elsewhere = '<h1>Index of</h1><base href="https://evil.example/"><a href="a.iso">a</a>'
    assert links(elsewhere, URL) == ()
    keys = S3.format(
        "<Contents><Key>//evil.example/a.iso</Key></Contents><Contents><Key>https://evil.example/b.iso</Key></Contents>"
    )
    assert all(link.url.startswith("https://host.example/") for link in links(keys, URL))
