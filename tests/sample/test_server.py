"""The server answers as a vendor's does: ranges, validators, redirects, index pages; and it ends when told."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from isomanager.catalogue.strategies.listing import links
from isomanager.sample.answers import Resource, answer
from isomanager.sample.folder import ServedFolder
from isomanager.sample.server import SampleServer
from isomanager.sample.upstream import SampleUpstream

ISO = "/orchard/24.04/orchard-24.04.3-live-server-amd64.iso"
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_gives_the_whole_file_with_strong_validators(upstream: SampleUpstream, client: httpx.Client) -> None:
    answered = client.get(ISO)
    assert answered.content == upstream.image(ISO[1:])
    assert answered.headers["etag"].startswith('"')
    assert answered.headers["last-modified"] == "Thu, 07 Aug 2025 12:00:00 GMT"
    assert answered.headers["accept-ranges"] == "bytes"


def test_head_says_the_same_without_a_body(client: httpx.Client) -> None:
    told, whole = client.head(ISO), client.get(ISO)
    names = ("content-length", "etag", "last-modified", "content-type")
    assert [told.headers[name] for name in names] == [whole.headers[name] for name in names]
    assert told.content == b""


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("bytes=0-99", 0, 100), ("bytes=1000-", 1000, None), ("bytes=-7", -7, None)]
)
def test_gives_a_range(upstream: SampleUpstream, client: httpx.Client, asked: str, start: int, end: int | None) -> None:
    content = upstream.image(ISO[1:])
    answered = client.get(ISO, headers={"Range": asked})
    first = start % len(content)
    last = len(content) - 1 if end is None else end - 1
    assert answered.status_code == 206
    assert answered.content == content[start:end]
    assert answered.headers["content-range"] == f"bytes {first}-{last}/{len(content)}"


def test_a_range_beyond_the_end_cannot_be_satisfied(upstream: SampleUpstream, client: httpx.Client) -> None:
    size = len(upstream.image(ISO[1:]))
    answered = client.get(ISO, headers={"Range": f"bytes={size}-"})
    assert (answered.status_code, answered.headers["content-range"]) == (416, f"bytes */{size}")


def test_if_range_guards_a_resume(upstream: SampleUpstream, client: httpx.Client) -> None:
    before = client.head(ISO).headers
    for validator in (before["etag"], before["last-modified"]):
        assert client.get(ISO, headers={"Range": "bytes=10-19", "If-Range": validator}).status_code == 206
    upstream.respin(ISO[1:])
    for validator in (before["etag"], before["last-modified"]):
        answered = client.get(ISO, headers={"Range": "bytes=10-19", "If-Range": validator})
        assert (answered.status_code, answered.content) == (200, upstream.image(ISO[1:]))


def test_an_unchanged_file_is_not_sent_again(client: httpx.Client) -> None:
    known = client.head(ISO).headers
    for headers in ({"If-None-Match": known["etag"]}, {"If-Modified-Since": known["last-modified"]}):
        answered = client.get(ISO, headers=headers)
        assert (answered.status_code, answered.content, answered.headers["etag"]) == (304, b"", known["etag"])
    assert client.get(ISO, headers={"If-None-Match": '"another"'}).status_code == 200


def test_a_failed_precondition_is_said(client: httpx.Client) -> None:
    assert client.get(ISO, headers={"If-Match": '"another"'}).status_code == 412
    assert client.get(ISO, headers={"If-Unmodified-Since": "Thu, 07 Aug 2025 11:00:00 GMT"}).status_code == 412
    assert client.get(ISO, headers={"If-Match": "*"}).status_code == 200


RESOURCE = Resource(b"0123456789", etag='"a"', modified_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"range": "bytes=2-1"}, 200),
        ({"range": "bytes=0-1,4-5"}, 200),
        ({"range": "lines=0-1"}, 200),
        ({"range": "bytes=-0"}, 416),
        ({"range": "bytes=-"}, 416),
        ({"range": "bytes=10-"}, 416),
        ({"range": "bytes=9-99"}, 206),
        ({"range": "bytes=0-1", "if-range": 'W/"a"'}, 200),
        ({"range": "bytes=0-1", "if-range": "not a date"}, 200),
        ({"if-modified-since": "not a date"}, 200),
        ({"if-none-match": '"b", W/"a"'}, 304),
        ({"if-none-match": '"b"', "if-modified-since": "Fri, 02 Jan 2026 00:00:00 GMT"}, 200),
    ],
)
def test_follows_the_rules_for_ranges_and_preconditions(headers: dict[str, str], status: int) -> None:
    assert answer("GET", headers, RESOURCE, NOW).status == status


def test_never_claims_a_date_that_is_still_to_come() -> None:
    early = datetime(2025, 1, 1, tzinfo=UTC)
    assert "Last-Modified" not in answer("GET", {}, RESOURCE, early).headers


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/../site.json",
        "/%2e%2e/site.json",
        "/..%2fprivate/key.pgp",
        "/orchard%5c..%5c..",
        "/a%00b",
        "/.lock",
    ],
)
def test_gives_nothing_outside_its_folder(upstream: SampleUpstream, path: str) -> None:
    with socket.create_connection(("127.0.0.1", upstream.server.server_port), 5) as plain:
        plain.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert b" 404 " in plain.makefile("rb").readline()


def test_a_folder_without_its_slash_leads_to_the_one_with_it(client: httpx.Client) -> None:
    answered = client.get("/orchard/24.04")
    assert (answered.status_code, answered.headers["location"]) == (301, "/orchard/24.04/")


def test_the_alias_redirects_to_the_newest_file(upstream: SampleUpstream, client: httpx.Client) -> None:
    assert client.head("/lantern/lantern-latest.iso").headers["location"] == "/lantern/stable/lantern-2.10.1.iso"
    upstream.publish("lantern")
    followed = client.get("/lantern/lantern-latest.iso", follow_redirects=True)
    assert followed.url.path == "/lantern/stable/lantern-2.10.2.iso"
    assert followed.content == upstream.image("lantern/stable/lantern-2.10.2.iso")


@pytest.mark.parametrize(
    ("path", "mark"),
    [
        ("/orchard/24.04/", "?C=N;O=D"),
        ("/beacon/iso/", "<pre>"),
        ("/lantern/stable/", "&amp;O=A"),
        ("/driftwood/ISO-IMAGES/15.1/", "<a href=D"),
        ("/", "Index of /"),
    ],
)
def test_every_dialect_lists_what_stands_in_the_folder(
    upstream: SampleUpstream, client: httpx.Client, path: str, mark: str
) -> None:
    page = client.get(path).text
    standing = {one.name for one in (upstream.site.www / path[1:]).iterdir()}
    assert mark in page
    assert {link.name for link in links(page, upstream.url + path)} == standing


def test_the_nginx_listing_has_its_line_ends_and_sizes(client: httpx.Client) -> None:
    page = client.get("/beacon/iso/").content
    assert page.count(b"\r\n") == page.count(b"\n") > 5
    assert b'<a href="beacon-ve_9.2-1.iso">beacon-ve_9.2-1.iso</a>      ' in page


def test_files_being_written_are_not_listed_or_served(upstream: SampleUpstream, client: httpx.Client) -> None:
    (upstream.site.www / "beacon/iso/.tmp123").write_bytes(b"half")
    assert ".tmp123" not in client.get("/beacon/iso/").text
    assert client.get("/beacon/iso/.tmp123").status_code == 404


def test_a_connection_is_kept_for_the_next_request(upstream: SampleUpstream) -> None:
    with socket.create_connection(("127.0.0.1", upstream.server.server_port), 5) as kept:
        answers = kept.makefile("rb")
        for _ in range(3):
            kept.sendall(b"GET /lantern/stable/lantern-2.10.1.iso.sha256 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in answers.readline()
            while answers.readline() != b"\r\n":
                pass
            assert len(answers.read(65)) == 65


def test_requests_are_on_record(upstream: SampleUpstream, client: httpx.Client) -> None:
    client.get(f"{ISO}?token=1", headers={"Range": "bytes=5-9", "If-Range": '"x"'})
    client.head("/nothing")
    first, second = upstream.requests
    assert (first.method, first.path, first.query, first.range, first.if_range) == (
        "GET",
        ISO,
        "token=1",
        "bytes=5-9",
        '"x"',
    )
    assert (second.method, second.status, second.sent) == ("HEAD", 404, 0)


def test_several_clients_are_served_at_once(upstream: SampleUpstream) -> None:
    """One is held up in the middle of a body; the others do not wait for it."""
    held = upstream.fault("stall", ISO, at=10, times=1)
    waiting = threading.Thread(
        target=httpx.get, args=(upstream.url + ISO,), kwargs={"trust_env": False, "verify": False}
    )
    waiting.start()
    assert held.wait_reached()
    assert httpx.get(upstream.url + ISO, trust_env=False, verify=False).status_code == 200
    held.release()
    waiting.join(10)
    assert not waiting.is_alive()


def test_stopping_ends_kept_and_stalled_connections_and_frees_the_port(site_folder: Path) -> None:
    upstream = SampleUpstream(site_folder).start()
    stalled = upstream.fault("stall", ISO, at=10)
    kept = socket.create_connection(("127.0.0.1", upstream.server.server_port), 5)
    kept.sendall(f"GET {ISO} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert stalled.wait_reached()
    upstream.stop()
    with kept, kept.makefile("rb") as rest:
        assert len(rest.read()) < 10_000
    assert not [one for one in threading.enumerate() if one.name.startswith("sample-")]
    with SampleUpstream(site_folder, port=upstream.server.server_port) as again:
        assert httpx.get(again.url + ISO, trust_env=False, verify=False).status_code == 200


def test_serves_any_other_folder_too(tmp_path: Path) -> None:
    (tmp_path / "iso").mkdir()
    (tmp_path / "iso" / "some.iso").write_bytes(b"bytes")
    with SampleServer(ServedFolder(tmp_path, dialect=lambda _path: "nginx")) as server:
        assert httpx.get(f"{server.url}/iso/some.iso", trust_env=False, verify=False).content == b"bytes"
        assert "<pre>" in httpx.get(f"{server.url}/iso/", trust_env=False, verify=False).text
