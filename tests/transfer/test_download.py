"""A download brings the whole file and its digests in one pass, and says plainly why when it cannot."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import replace
from time import monotonic

import pytest

from isomanager.errors import (
    BodyTruncated,
    ConnectionFailed,
    FetchRefused,
    IsoManagerError,
    ServerBusy,
    Stalled,
    StoreUnavailable,
)
from isomanager.sample.server import SampleServer
from isomanager.settings import Settings
from isomanager.storage.local import LocalStore
from isomanager.transfer.download import Limits
from isomanager.transfer.http import open_client
from transfer.serving import CONTENT, IMAGE, KEY, MIB, SHA256, Fetch, Reply, fault, scripted

IMPATIENT = Limits(stall_timeout=1.5, stall_bytes_per_second=100_000, connections=1)


def test_brings_the_whole_file_and_shows_nothing_under_its_final_name(server: SampleServer, fetch: Fetch) -> None:
    received = fetch(server.url + IMAGE)
    assert (received.size, received.sha256, received.resumed_at) == (len(CONTENT), SHA256, 0)
    assert (received.partial, received.url) == (KEY, server.url + IMAGE)
    assert received.etag.startswith('"')
    assert received.last_modified == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert list(fetch.store.list()) == []
    assert fetch.published(received) == CONTENT
    assert [entry.path for entry in fetch.store.list()] == ["Linux/image.iso"]


def test_takes_several_digests_in_the_same_pass(server: SampleServer, fetch: Fetch) -> None:
    algorithms = ("sha256", "sha512", "sha1", "md5", "blake2b")
    received = fetch(server.url + IMAGE, algorithms=algorithms)
    assert received.digests == {one: hashlib.new(one, CONTENT).hexdigest() for one in algorithms}
    assert len(server.requests) == 1


def test_tells_how_far_it_is_from_the_beginning_to_the_end(server: SampleServer, fetch: Fetch) -> None:
    told: list[tuple[int, int | None]] = []
    fetch(server.url + IMAGE, progress=lambda done, total: told.append((done, total)))
    assert (told[0], told[-1]) == ((0, len(CONTENT)), (len(CONTENT), len(CONTENT)))
    assert told == sorted(told)


def test_brings_a_file_whose_length_nobody_announces(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("chunked"))
    received = fetch(server.url + IMAGE)
    assert (received.size, received.sha256) == (len(CONTENT), SHA256)


def test_a_file_of_unannounced_length_that_came_whole_is_not_fetched_again(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("chunked"))
    fetch(server.url + IMAGE)
    again = fetch(server.url + IMAGE)
    assert (again.sha256, again.resumed_at, len(server.requests)) == (SHA256, len(CONTENT), 1)


def test_a_length_that_only_the_evidence_knows_is_held_to(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("chunked"))
    with pytest.raises(BodyTruncated, match=f"ended after {len(CONTENT)} of {len(CONTENT) + 1} bytes"):
        fetch(server.url + IMAGE, size=len(CONTENT) + 1)
    with pytest.raises(FetchRefused, match="more than") as refused:
        fetch(server.url + IMAGE, size=len(CONTENT) - 1)
    assert refused.value.code == "too-large"
    assert fetch.unfinished is None


def test_a_size_other_than_the_evidence_says_is_refused_before_the_first_byte(
    server: SampleServer, fetch: Fetch
) -> None:
    with pytest.raises(FetchRefused) as refused:
        fetch(server.url + IMAGE, size=10)
    assert (refused.value.code, refused.value.data["got"]) == ("wrong-size", len(CONTENT))
    assert fetch.unfinished is None


def test_no_more_bytes_are_taken_than_an_image_may_have(server: SampleServer, fetch: Fetch) -> None:
    few = Limits(max_bytes=MIB)
    with pytest.raises(FetchRefused) as announced:
        fetch(server.url + IMAGE, limits=few)
    server.faults.add(fault("chunked"))
    with pytest.raises(FetchRefused) as sent:
        fetch(server.url + IMAGE, limits=few)
    assert (announced.value.code, sent.value.code) == ("too-large", "too-large")
    assert fetch.unfinished is None


@pytest.mark.parametrize("shift", [1, 70_000])
def test_a_body_shorter_than_announced_is_truncated_and_kept(server: SampleServer, fetch: Fetch, shift: int) -> None:
    server.faults.add(fault("wrong-length", shift=shift, times=1))
    with pytest.raises(BodyTruncated):
        fetch(server.url + IMAGE)
    assert fetch.front == len(CONTENT)


def test_a_body_cut_short_keeps_every_byte_that_came(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("truncate", at=MIB + 777))
    with pytest.raises(BodyTruncated) as cut:
        fetch(server.url + IMAGE)
    assert cut.value.transient
    assert fetch.front == MIB + 777


def test_a_web_page_in_place_of_the_image_is_refused_by_its_type(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("html"))
    with pytest.raises(FetchRefused) as refused:
        fetch(server.url + IMAGE)
    assert refused.value.code == "html-instead"
    assert refused.value.hint
    assert fetch.unfinished is None


@pytest.mark.parametrize(
    "page", [b"  \r\n<!DOCTYPE HTML><p>Sign in", b"\xef\xbb\xbf<html>", b"<?xml version='1.0'?><Error>"]
)
def test_a_web_page_that_calls_itself_an_image_is_refused_by_its_content(fetch: Fetch, page: bytes) -> None:
    reply = Reply(headers={"Content-Type": "application/octet-stream"}, body=page)
    with scripted(lambda _: reply) as server, pytest.raises(FetchRefused) as refused:
        fetch(server.url + IMAGE)
    assert refused.value.code == "html-instead"
    assert fetch.unfinished is None


def test_a_web_page_costs_nothing_of_what_is_there_already(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("truncate", at=MIB, times=1))
    with pytest.raises(BodyTruncated):
        fetch(server.url + IMAGE)
    for kind in ("text/html", "application/octet-stream"):
        page = Reply(headers={"Content-Type": kind}, body=b"<html>Sign in")
        with scripted(lambda _, page=page: page) as portal, pytest.raises(FetchRefused):
            fetch(portal.url + IMAGE)
    assert fetch.front == MIB


def test_an_empty_file_is_no_image(fetch: Fetch) -> None:
    for reply in (Reply(), Reply(length=-1)):
        with scripted(lambda _, reply=reply: reply) as server, pytest.raises(FetchRefused) as refused:
            fetch(server.url + IMAGE)
        assert refused.value.code == "empty"


def test_a_body_packed_for_the_journey_is_refused(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("gzip"))
    with pytest.raises(FetchRefused) as refused:
        fetch(server.url + IMAGE)
    assert refused.value.code == "content-encoding"
    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_a_packed_file_that_is_announced_as_such_comes_as_it_is(fetch: Fetch) -> None:
    packed = zlib.compress(CONTENT, wbits=31)
    with scripted(lambda _: Reply(headers={"Content-Encoding": "x-gzip"}, body=packed)) as server:
        assert fetch(server.url + "/image.iso.gz").sha256 == hashlib.sha256(packed).hexdigest()


def test_a_busy_server_says_how_long_to_wait(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("busy", retry_after=7))
    with pytest.raises(ServerBusy) as busy:
        fetch(server.url + IMAGE)
    assert (busy.value.data["status"], busy.value.data["retry_after"], busy.value.transient) == (503, 7.0, True)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 507, 522])
def test_what_may_pass_is_worth_another_try(fetch: Fetch, status: int) -> None:
    with scripted(lambda _: Reply(status)) as server, pytest.raises(ServerBusy) as busy:
        fetch(server.url + IMAGE)
    assert busy.value.data["retry_after"] is None


@pytest.mark.parametrize("status", [201, 204, 400, 401, 403, 404, 410, 451, 501, 505, 511])
def test_what_will_not_pass_is_refused(fetch: Fetch, status: int) -> None:
    with scripted(lambda _: Reply(status)) as server, pytest.raises(FetchRefused) as refused:
        fetch(server.url + IMAGE)
    assert (refused.value.code, refused.value.data["status"]) == ("http-status", status)


def test_a_missing_file_is_refused_by_name(server: SampleServer, fetch: Fetch) -> None:
    with pytest.raises(FetchRefused, match=r"nothing\.iso answered 404"):
        fetch(server.url + "/nothing.iso")


def test_a_server_that_refuses_even_the_start_is_not_asked_for_ever(fetch: Fetch) -> None:
    for status in (206, 416):
        reply = Reply(status, {"Content-Range": "bytes 0-9/10"}, b"0123456789")
        with scripted(lambda _, reply=reply: reply) as server, pytest.raises(FetchRefused) as refused:
            fetch(server.url + IMAGE)
        assert (refused.value.code, len(server.asked)) == ("bad-range", 1)


def test_nobody_listening_is_worth_another_try(fetch: Fetch) -> None:
    with scripted(lambda _: Reply()) as server:
        gone = server.url
    with pytest.raises(ConnectionFailed):
        fetch(gone + IMAGE)


def test_a_server_that_hangs_up_without_an_answer_is_worth_another_try(fetch: Fetch) -> None:
    with scripted(lambda _: Reply(0)) as server, pytest.raises(IsoManagerError) as broken:
        fetch(server.url + IMAGE)
    assert broken.value.transient


def test_bytes_that_stop_coming_are_a_stall_and_those_that_came_are_kept(
    server: SampleServer, store: LocalStore
) -> None:
    stall = fault("stall", at=MIB + 5)
    server.faults.add(stall)
    started = monotonic()
    with open_client(Settings(first_byte_timeout=200)) as client:
        fetch = Fetch(store, client)
        with pytest.raises(Stalled):
            fetch(server.url + IMAGE, limits=IMPATIENT)
    # the patience with which the first byte was waited for is over once it came
    assert monotonic() - started < 100
    assert stall.wait_reached()
    assert fetch.front == MIB + 5


def test_bytes_that_trickle_are_a_stall_and_those_that_came_are_kept(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("slow", rate=20_000))
    with pytest.raises(Stalled, match=r"only \d+ bytes came") as stalled:
        fetch(server.url + IMAGE, limits=IMPATIENT)
    assert stalled.value.transient
    # what trickles in is never lost: try by try, even such a server gets through
    first = fetch.front
    assert first > 0
    with pytest.raises(Stalled):
        fetch(server.url + IMAGE, limits=IMPATIENT)
    assert fetch.front > first


def test_the_second_address_serves_when_the_first_does_not(server: SampleServer, fetch: Fetch) -> None:
    received = fetch(server.url + "/gone.iso", server.url + IMAGE)
    assert (received.sha256, received.url) == (SHA256, server.url + IMAGE)


def test_when_no_address_serves_the_error_worth_another_try_is_told(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("busy", "/mirror.iso"))
    with pytest.raises(ServerBusy) as busy:
        fetch(server.url + "/gone.iso", server.url + "/mirror.iso", server.url + "/nothing.iso")
    assert ["answered 404" in told for told in busy.value.data["tried"]] == [True, False, True]


def test_an_offer_without_addresses_is_refused(fetch: Fetch) -> None:
    with pytest.raises(FetchRefused, match="no address"):
        fetch()


def test_a_repository_that_is_gone_is_not_the_servers_fault(server: SampleServer, fetch: Fetch) -> None:
    fetch.store.root.rmdir()
    with pytest.raises(StoreUnavailable):
        fetch(server.url + IMAGE, server.url + "/mirror.iso")


def test_limits_follow_the_settings(fetch: Fetch) -> None:
    limits = Limits.of(Settings(stall_timeout=7, stall_bytes_per_second=8, transfer_window=9 << 20))
    assert limits == replace(Limits(), stall_timeout=7, stall_bytes_per_second=8, window=9 << 20)
