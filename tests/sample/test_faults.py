"""Each fault does to a client what its name says, as often as it was told to, and nothing once it is over."""

from __future__ import annotations

import gzip
import json
import threading
import time

import httpx
import pytest
from pysequoia import Cert, Sig, verify

from isomanager.sample.faults import Fault, FaultBook, FaultKind, corrupt_digests, flip_bit
from isomanager.sample.upstream import SampleUpstream

ISO = "/orchard/24.04/orchard-24.04.3-live-server-amd64.iso"
SUMS = "/orchard/24.04/SHA256SUMS"
CHECKSUM = "/granite/linux/releases/44/Server/x86_64/iso/Granite-Server-44-1.7-x86_64-CHECKSUM"


@pytest.fixture
def content(upstream: SampleUpstream) -> bytes:
    return upstream.image(ISO[1:])


def test_busy_says_when_to_come_back_and_is_over_after_so_many_times(
    upstream: SampleUpstream, client: httpx.Client
) -> None:
    upstream.fault("busy", ISO, times=2, retry_after=7)
    answers = [client.get(ISO) for _ in range(3)]
    assert [one.status_code for one in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "7"


def test_not_found(upstream: SampleUpstream, client: httpx.Client) -> None:
    upstream.fault("not-found", "/orchard/*", times=1)
    assert [client.get(ISO).status_code for _ in range(2)] == [404, 200]


def test_html_instead_of_the_image(upstream: SampleUpstream, client: httpx.Client) -> None:
    upstream.fault("html", "*.iso")
    answered = client.get(ISO, headers={"Range": "bytes=5-"})
    assert (answered.status_code, answered.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<html>" in answered.text


@pytest.mark.parametrize("at", [0, 40_000, -1])
def test_one_bit_is_wrong(upstream: SampleUpstream, client: httpx.Client, content: bytes, at: int) -> None:
    upstream.fault("flip-bit", "*.iso", at=at)
    received = client.get(ISO).content
    wrong = [place for place, (right, got) in enumerate(zip(content, received, strict=True)) if right != got]
    assert wrong == [at % len(content)]
    assert flip_bit(received, at) == content


def test_a_file_changes_between_the_first_request_and_the_second(
    upstream: SampleUpstream, client: httpx.Client, content: bytes
) -> None:
    upstream.fault("change", ISO, skip=1)
    first = client.get(ISO, headers={"Range": "bytes=0-999"})
    second = client.get(ISO, headers={"Range": "bytes=1000-", "If-Range": first.headers["etag"]})
    assert first.content == content[:1000]
    assert second.status_code == 200
    assert len(second.content) == len(content)
    assert not any(right == got for right, got in zip(content, second.content, strict=True))
    assert second.headers["etag"] != first.headers["etag"]
    assert second.headers["last-modified"] != first.headers["last-modified"]


def test_range_is_ignored(upstream: SampleUpstream, client: httpx.Client, content: bytes) -> None:
    upstream.fault("ignore-range", ISO)
    answered = client.get(ISO, headers={"Range": "bytes=1000-"})
    assert (answered.status_code, answered.content) == (200, content)


def test_another_range_than_was_asked_for(upstream: SampleUpstream, client: httpx.Client, content: bytes) -> None:
    upstream.fault("wrong-range", ISO, shift=-500)
    answered = client.get(ISO, headers={"Range": "bytes=1000-1999"})
    assert answered.status_code == 206
    assert answered.headers["content-range"] == f"bytes 500-1499/{len(content)}"
    assert answered.content == content[500:1500]


def test_the_connection_breaks_in_the_middle_of_the_body(upstream: SampleUpstream, client: httpx.Client) -> None:
    upstream.fault("truncate", ISO, at=5000, times=1)
    received: list[bytes] = []
    with client.stream("GET", ISO) as answered, pytest.raises(httpx.RemoteProtocolError):
        received.extend(answered.iter_raw())
    assert sum(map(len, received)) == 5000
    assert upstream.requests[-1].sent == 5000
    assert client.get(ISO).status_code == 200


def test_more_is_announced_than_comes(upstream: SampleUpstream, client: httpx.Client, content: bytes) -> None:
    upstream.fault("wrong-length", ISO, shift=10)
    assert int(client.head(ISO).headers["content-length"]) == len(content) + 10
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(ISO)


def test_less_is_announced_than_the_file_has(upstream: SampleUpstream, client: httpx.Client, content: bytes) -> None:
    upstream.fault("wrong-length", ISO, shift=-10)
    assert client.get(ISO).content == content[:-10]


def test_no_length_is_announced(upstream: SampleUpstream, client: httpx.Client, content: bytes) -> None:
    upstream.fault("chunked", ISO)
    answered = client.get(ISO)
    assert "content-length" not in answered.headers
    assert answered.content == content


def test_the_body_comes_packed_though_nobody_asked(
    upstream: SampleUpstream, client: httpx.Client, content: bytes
) -> None:
    upstream.fault("gzip", ISO)
    with client.stream("GET", ISO, headers={"Accept-Encoding": "identity"}) as answered:
        raw = b"".join(answered.iter_raw())
    assert answered.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == content


def test_a_redirect_to_anywhere(upstream: SampleUpstream, client: httpx.Client) -> None:
    upstream.fault("redirect", ISO, to="http://elsewhere.invalid/x.iso")
    answered = client.get(ISO)
    assert (answered.status_code, answered.headers["location"]) == (302, "http://elsewhere.invalid/x.iso")


def test_a_slow_body_takes_its_time(upstream: SampleUpstream, client: httpx.Client, content: bytes) -> None:
    upstream.fault("slow", ISO, rate=len(content) * 4)
    started = time.monotonic()
    assert client.get(ISO).content == content
    assert time.monotonic() - started > 0.2


def test_a_stalled_body_waits_until_it_is_released(
    upstream: SampleUpstream, client: httpx.Client, content: bytes
) -> None:
    stall = upstream.fault("stall", ISO, at=3000)
    received: list[bytes] = []

    def fetch() -> None:
        with client.stream("GET", ISO) as answered:
            received.extend(answered.iter_raw())

    reader = threading.Thread(target=fetch)
    reader.start()
    assert stall.wait_reached()
    assert upstream.requests[-1].sent == 3000
    assert reader.is_alive()
    stall.release()
    reader.join(10)
    assert b"".join(received) == content


def test_a_stalled_body_lets_an_impatient_client_time_out(upstream: SampleUpstream, client: httpx.Client) -> None:
    upstream.fault("stall", ISO)
    with pytest.raises(httpx.ReadTimeout):
        client.get(ISO, timeout=0.2)


def test_every_digest_in_the_document_is_wrong(upstream: SampleUpstream, client: httpx.Client) -> None:
    right = client.get(SUMS).text.splitlines()
    upstream.fault("corrupt-digests", SUMS)
    wrong = client.get(SUMS).text.splitlines()
    assert [line[1:] for line in wrong] == [line[1:] for line in right]
    assert all(one != other for one, other in zip(right, wrong, strict=True))
    assert corrupt_digests(corrupt_digests(b"0" * 64)) == b"0" * 64


def test_a_text_is_another(upstream: SampleUpstream, client: httpx.Client) -> None:
    right = client.get(SUMS).text
    upstream.fault("rewrite", SUMS, find="24.04.3", to="42.04")
    assert client.get(SUMS).text == right.replace("24.04.3", "42.04")


def test_a_detached_signature_by_a_foreign_key(upstream: SampleUpstream, client: httpx.Client) -> None:
    upstream.fault("wrong-signature", "*.gpg")
    sums, signature = client.get(SUMS).content, Sig.from_bytes(client.get(f"{SUMS}.gpg").content)
    assert signature.issuer_fingerprint is not None
    assert not verifies(upstream, sums, signature)


def test_a_clearsigned_document_by_a_foreign_key(upstream: SampleUpstream, client: httpx.Client) -> None:
    right = client.get(CHECKSUM).content
    upstream.fault("wrong-signature", "*-CHECKSUM")
    wrong = client.get(CHECKSUM).content
    assert verifies(upstream, right)
    assert not verifies(upstream, wrong)
    assert right.split(b"-----")[2] == wrong.split(b"-----")[2]


def test_no_signature(upstream: SampleUpstream, client: httpx.Client) -> None:
    upstream.fault("no-signature")
    assert client.get(f"{SUMS}.gpg").status_code == 404
    assert client.get(SUMS).status_code == 200
    assert client.get(CHECKSUM).text.startswith("# Granite-Server-dvd-x86_64-44-1.7.iso: ")
    assert json.loads(client.get("/granite/releases.json").content)


def test_faults_of_the_delivery_wait_for_a_request_with_a_body(upstream: SampleUpstream, client: httpx.Client) -> None:
    truncate = upstream.fault("truncate", ISO, times=1)
    assert client.head(ISO).status_code == 200
    assert truncate.befallen == 0
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(ISO)
    assert truncate.befallen == 1


def test_clearing_ends_every_fault(upstream: SampleUpstream, client: httpx.Client) -> None:
    upstream.fault("busy")
    upstream.fault("html")
    upstream.clear_faults()
    assert client.get(ISO).headers["content-type"] == "application/x-iso9660-image"


def test_skip_and_times_count_only_matching_requests() -> None:
    book = FaultBook()
    book.add(Fault(FaultKind.BUSY, "/a*", times=1, skip=1))
    struck = [FaultKind.BUSY in book.take("GET", path) for path in ("/a1", "/b", "/a2", "/a3")]
    assert struck == [False, False, True, False]


def verifies(upstream: SampleUpstream, content: bytes, signature: Sig | None = None) -> bool:
    cert = Cert.from_bytes(upstream.site.key.public)
    try:
        return bool(verify(content, lambda _ids: [cert], signature=signature).valid_sigs)
    except RuntimeError:
        return False
