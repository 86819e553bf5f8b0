"""Upstream's documents come whole or not at all, bounded in size and in time."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest

from isomanager.errors import BodyTruncated, FetchRefused, Stalled
from isomanager.sample.server import SampleServer
from isomanager.transfer.documents import HttpDocuments, Manners
from transfer.serving import CONTENT, HERE, IMAGE, Reply, fault, scripted

SUMS = "/SHA256SUMS"
TEXT = b"0000  image.iso\r\n\xff\xfe"


@pytest.fixture
def documents(client: httpx.Client, site: Path) -> HttpDocuments:
    (site / "SHA256SUMS").write_bytes(TEXT)
    return HttpDocuments(client, HERE)


def test_a_document_comes_byte_for_byte(server: SampleServer, documents: HttpDocuments) -> None:
    read = documents.fetch(server.url + SUMS)
    assert (read.content, read.url, read.final_url) == (TEXT, server.url + SUMS, server.url + SUMS)
    assert read.etag
    assert read.last_modified


def test_a_document_says_where_redirects_led(server: SampleServer, documents: HttpDocuments) -> None:
    server.faults.add(fault("redirect", "/latest", to=SUMS))
    read = documents.fetch(server.url + "/latest")
    assert (read.url, read.final_url, read.content) == (server.url + "/latest", server.url + SUMS, TEXT)


def test_a_document_packed_for_the_journey_is_unpacked(documents: HttpDocuments) -> None:
    packed = Reply(headers={"Content-Encoding": "gzip"}, body=gzip.compress(TEXT))
    with scripted(lambda _: packed) as server:
        assert documents.fetch(server.url + SUMS).content == TEXT


def test_a_document_packed_wrongly_is_refused(documents: HttpDocuments) -> None:
    reply = Reply(headers={"Content-Encoding": "gzip"}, body=TEXT)
    with scripted(lambda _: reply) as server, pytest.raises(FetchRefused) as refused:
        documents.fetch(server.url + SUMS)
    assert refused.value.code == "content-encoding"


def test_a_document_that_is_too_large_is_left_in_the_middle(documents: HttpDocuments) -> None:
    bomb = Reply(headers={"Content-Encoding": "gzip"}, body=gzip.compress(bytes(1 << 22)))
    endless = Reply(body=bytes(1 << 22), length=-1)
    for reply in (bomb, endless):
        with scripted(lambda _, reply=reply: reply) as server, pytest.raises(FetchRefused) as refused:
            documents.fetch(server.url + SUMS, max_bytes=1 << 20)
        assert refused.value.code == "too-large"
    with scripted(lambda _: Reply(body=TEXT)) as server:
        assert documents.fetch(server.url + SUMS, max_bytes=len(TEXT)).content == TEXT


def test_half_a_document_is_none(server: SampleServer, documents: HttpDocuments) -> None:
    server.faults.add(fault("truncate", SUMS, at=5))
    with pytest.raises(BodyTruncated):
        documents.fetch(server.url + SUMS)


@pytest.mark.parametrize("status", [206, 416])
def test_a_part_is_no_document(documents: HttpDocuments, status: int) -> None:
    reply = Reply(status, {"Content-Range": "bytes 0-4/9"}, b"00000")
    with scripted(lambda _: reply) as server, pytest.raises(FetchRefused, match=str(status)):
        documents.fetch(server.url + SUMS)


def test_a_document_that_drips_is_not_waited_for_for_ever(server: SampleServer, client: httpx.Client) -> None:
    server.faults.add(fault("slow", IMAGE, rate=1000))
    with pytest.raises(Stalled, match="not even a document"):
        HttpDocuments(client, HERE, Manners(max_seconds=0.3)).fetch(server.url + IMAGE)


def test_locating_fetches_nothing(server: SampleServer, documents: HttpDocuments) -> None:
    server.faults.add(fault("redirect", "/latest", to=IMAGE))
    found = documents.locate(server.url + "/latest")
    assert (found.size, found.final_url) == (len(CONTENT), server.url + IMAGE)
    assert found.etag
    assert found.content_type == "application/x-iso9660-image"
    assert [(one.method, one.sent) for one in server.requests] == [("HEAD", 0), ("HEAD", 0)]


@pytest.mark.parametrize("status", [403, 405, 501])
def test_a_server_that_refuses_to_be_asked_so_is_asked_for_one_byte(documents: HttpDocuments, status: int) -> None:
    part = Reply(206, {"Content-Range": f"bytes 0-0/{len(CONTENT)}"}, CONTENT[:1])
    with scripted(lambda asked: part if "range" in asked.headers else Reply(status)) as server:
        assert documents.locate(server.url + IMAGE).size == len(CONTENT)
        assert [one.headers.get("range") for one in server.asked] == [None, "bytes=0-0"]


def test_what_is_not_there_cannot_be_located(server: SampleServer, documents: HttpDocuments) -> None:
    with pytest.raises(FetchRefused) as refused:
        documents.locate(server.url + "/nothing.iso")
    assert refused.value.data["status"] == 404
    assert len(server.requests) == 1
