"""A document that has not changed costs a conversation of a few bytes, and is never believed without one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from isomanager.catalogue.tracing import Exchange
from isomanager.errors import FetchRefused
from isomanager.model import Document
from isomanager.sample.server import SampleServer
from isomanager.transfer.document_cache import DocumentCache, carries_secrets, may_be_kept
from isomanager.transfer.documents import HttpDocuments, Manners
from transfer.serving import HERE, Asked, Reply, fault, scripted

SUMS = "/SHA256SUMS"
URL = "https://vendor.example/SHA256SUMS"


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def document(content: bytes = b"text", url: str = URL, **told: str) -> Document:
    return Document(
        url=url, final_url=told.pop("final_url", url), content=content, etag=told.pop("etag", '"1"'), **told
    )


@pytest.fixture
def cache(tmp_path: Path) -> DocumentCache:
    return DocumentCache(tmp_path / "documents")


@pytest.fixture
def exchanges() -> list[Exchange]:
    return []


@pytest.fixture
def documents(client: httpx.Client, site: Path, cache: DocumentCache, exchanges: list[Exchange]) -> HttpDocuments:
    (site / "SHA256SUMS").write_bytes(b"first")
    return HttpDocuments(client, HERE, Manners(cache=cache, seen=exchanges.append))


def test_an_unchanged_document_is_confirmed_and_not_sent_again(
    server: SampleServer, documents: HttpDocuments, exchanges: list[Exchange]
) -> None:
    first, second = documents.fetch(server.url + SUMS), documents.fetch(server.url + SUMS)
    assert first == second
    assert [(one.status, one.sent) for one in server.requests] == [(200, 5), (304, 0)]
    assert [(one.status, one.cached, one.bytes) for one in exchanges] == [(200, False, 5), (304, True, 5)]


def test_a_changed_document_comes_anew(server: SampleServer, documents: HttpDocuments, site: Path) -> None:
    documents.fetch(server.url + SUMS)
    (site / "SHA256SUMS").write_bytes(b"second")
    assert documents.fetch(server.url + SUMS).content == b"second"
    assert documents.fetch(server.url + SUMS).content == b"second"
    assert [one.status for one in server.requests] == [200, 200, 304]


def test_what_is_gone_upstream_is_never_answered_from_the_cache(server: SampleServer, documents: HttpDocuments) -> None:
    documents.fetch(server.url + SUMS)
    server.faults.add(fault("not-found", SUMS))
    with pytest.raises(FetchRefused) as refused:
        documents.fetch(server.url + SUMS)
    assert refused.value.data["status"] == 404


def test_a_confirmation_by_another_address_counts_for_nothing(client: httpx.Client, cache: DocumentCache) -> None:
    target = "/old"

    def reply(asked: Asked) -> Reply:
        if asked.path == "/latest":
            return Reply(302, {"Location": target})
        if "if-none-match" in asked.headers:
            return Reply(304, {"ETag": '"same"'})
        return Reply(200, {"ETag": '"same"'}, asked.path.encode())

    with scripted(reply) as server:
        documents = HttpDocuments(client, HERE, Manners(cache=cache))
        assert documents.fetch(server.url + "/latest").content == b"/old"
        target = "/new"
        assert documents.fetch(server.url + "/latest").content == b"/new"


def test_a_server_that_confirms_what_nobody_asked_is_refused(client: httpx.Client) -> None:
    with scripted(lambda _: Reply(304)) as server, pytest.raises(FetchRefused, match="304"):
        HttpDocuments(client, HERE).fetch(server.url + SUMS)


def test_a_kept_document_larger_than_allowed_is_asked_for_anew_and_refused(
    server: SampleServer, documents: HttpDocuments
) -> None:
    documents.fetch(server.url + SUMS)
    with pytest.raises(FetchRefused, match="larger"):
        documents.fetch(server.url + SUMS, max_bytes=3)


@pytest.mark.parametrize(
    ("one", "headers"),
    [
        (document(etag=""), {}),
        (document(), {"cache-control": "private, No-Store"}),
        (document(), {"vary": "*"}),
        (document(bytes(5 << 20)), {}),
        (document(url="https://me:secret@vendor.example/x"), {}),
        (document(url="https://vendor.example/x?X-Amz-Signature=1"), {}),
        (document(final_url="https://cdn.example/x?what=1"), {}),
    ],
    ids=["no validator", "no-store", "vary", "large", "user", "signed", "signed target"],
)
def test_what_must_not_lie_on_disk_is_not_kept(one: Document, headers: dict[str, str]) -> None:
    assert may_be_kept(document(), {})
    assert not may_be_kept(one, headers)


def test_a_query_without_secrets_may_be_kept() -> None:
    assert not carries_secrets("https://api.github.com/repos/o/r/releases?per_page=30")
    assert carries_secrets("https://x.example/?sessionId=1")


def test_a_damaged_file_is_no_document(cache: DocumentCache, tmp_path: Path) -> None:
    cache.put(document(b"some text"))
    (file,) = (tmp_path / "documents").iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    assert cache.get(URL) is None
    file.write_bytes(b"\xff\n")
    assert cache.get(URL) is None


def test_what_is_too_old_is_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    cache = DocumentCache(tmp_path, max_age=100, clock=clock)
    cache.put(document())
    clock.now += 99
    cache.confirm(URL)
    clock.now += 99
    assert cache.get(URL) == document()
    clock.now += 2
    assert cache.get(URL) is None
    assert not list(tmp_path.iterdir())


def test_the_folder_is_bounded_and_the_longest_unused_goes_first(tmp_path: Path) -> None:
    clock = Clock()
    cache = DocumentCache(tmp_path, max_bytes=4000, clock=clock)
    urls = [f"https://vendor.example/{number}" for number in range(5)]
    for url in urls:
        clock.now += 1
        cache.put(document(bytes(1000), url=url))
    cache.confirm(urls[0])
    cache.tidy()
    assert [url for url in urls if cache.get(url)] == [urls[0], *urls[3:]]


def test_many_writers_leave_one_whole_document(tmp_path: Path) -> None:
    contents = [bytes([number]) * 50_000 for number in range(8)]
    caches = [DocumentCache(tmp_path) for _ in contents]

    def write_and_read(number: int) -> Document | None:
        for _ in range(20):
            caches[number].put(document(contents[number]))
            found = caches[number].get(URL)
            assert found is None or found.content in contents
        return found

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(write_and_read, range(8)))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_to_costs_nothing_but_the_cache(tmp_path: Path) -> None:
    blocked = tmp_path / "documents"
    blocked.write_text("a file")
    cache = DocumentCache(blocked)
    cache.put(document())
    cache.confirm(URL)
    assert cache.get(URL) is None
