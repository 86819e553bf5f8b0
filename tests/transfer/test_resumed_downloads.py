"""A resumed download goes on where it stopped if the file is provably the same, starts again if not, and is never spliced."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from isomanager.errors import BodyTruncated, FetchRefused, StoreError
from isomanager.sample.server import SampleServer
from isomanager.storage.contract import Space
from isomanager.transfer.download import Limits
from transfer.serving import CONTENT, IMAGE, KEY, MIB, SHA256, Asked, Fetch, Reply, fault, scripted

BROKEN_AT = 2 * MIB + 333
OTHER = CONTENT.translate(bytes(255 - value for value in range(256)))
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
ETAG = '"a-strong-tag"'


def break_off(server: SampleServer, fetch: Fetch, *urls: str, at: int = BROKEN_AT, **wanted: object) -> None:
    """The first part of the image, then a broken connection."""
    cut = server.faults.add(fault("truncate", at=at, times=1))
    with pytest.raises(BodyTruncated):
        fetch(*(urls or (server.url + IMAGE,)), **wanted)
    assert cut.befallen == 1
    assert fetch.front == at


def test_goes_on_at_the_front_and_asks_only_for_the_rest(server: SampleServer, fetch: Fetch) -> None:
    break_off(server, fetch)
    told: list[int] = []
    received = fetch(server.url + IMAGE, progress=lambda done, _: told.append(done))
    assert (received.sha256, received.size, received.resumed_at) == (SHA256, len(CONTENT), BROKEN_AT)
    first, second = server.requests
    assert (first.range, second.range) == ("", f"bytes={BROKEN_AT}-")
    assert second.if_range.startswith('"')
    assert second.sent == len(CONTENT) - BROKEN_AT
    assert told[0] == BROKEN_AT
    assert fetch.published(received) == CONTENT


def test_goes_on_after_any_number_of_breaks(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("truncate", at=777_777, times=4))
    fronts = []
    for _ in range(4):
        with pytest.raises(BodyTruncated):
            fetch(server.url + IMAGE)
        fronts.append(fetch.front)
    assert fronts == [777_777 * (one + 1) for one in range(4)]
    assert fetch.published(fetch(server.url + IMAGE)) == CONTENT


def test_several_digests_of_a_resumed_file_are_those_of_the_whole(server: SampleServer, fetch: Fetch) -> None:
    break_off(server, fetch)
    received = fetch(server.url + IMAGE, algorithms=("sha512", "md5"))
    assert received.digests == {one: hashlib.new(one, CONTENT).hexdigest() for one in ("sha512", "md5")}


def test_what_came_whole_is_not_fetched_again(server: SampleServer, fetch: Fetch) -> None:
    fetch(server.url + IMAGE)
    again = fetch(server.url + IMAGE)
    assert (again.sha256, again.size, again.resumed_at) == (SHA256, len(CONTENT), len(CONTENT))
    assert len(server.requests) == 1


def test_what_came_whole_gets_the_final_name_that_is_planned_now(server: SampleServer, fetch: Fetch) -> None:
    fetch(server.url + IMAGE)
    received = fetch(server.url + IMAGE, final="Linux/another-name.iso")
    assert len(server.requests) == 1
    assert fetch.published(received) == CONTENT
    assert [entry.path for entry in fetch.store.list()] == ["Linux/another-name.iso"]


def test_a_resumed_file_gets_the_final_name_that_is_planned_now(server: SampleServer, fetch: Fetch) -> None:
    break_off(server, fetch)
    received = fetch(server.url + IMAGE, final="Linux/another-name.iso")
    assert received.resumed_at == BROKEN_AT
    assert fetch.published(received) == CONTENT
    assert [entry.path for entry in fetch.store.list()] == ["Linux/another-name.iso"]


def test_a_file_that_changed_upstream_starts_again(server: SampleServer, fetch: Fetch) -> None:
    break_off(server, fetch)
    server.faults.add(fault("change"))
    received = fetch(server.url + IMAGE)
    assert (received.resumed_at, received.sha256) == (0, hashlib.sha256(OTHER).hexdigest())
    assert fetch.published(received) == OTHER


def test_a_file_for_which_other_digests_are_expected_starts_again(server: SampleServer, fetch: Fetch) -> None:
    break_off(server, fetch, expected={"sha256": "0" * 64})
    received = fetch(server.url + IMAGE, expected={"sha256": SHA256})
    assert (received.resumed_at, received.sha256) == (0, SHA256)
    assert [one.range for one in server.requests] == ["", ""]


def test_a_file_for_which_another_size_is_expected_starts_again(server: SampleServer, fetch: Fetch) -> None:
    break_off(server, fetch, size=len(CONTENT))
    with pytest.raises(FetchRefused, match="evidence"):
        fetch(server.url + IMAGE, size=len(CONTENT) + 1)
    assert server.requests[-1].range == ""


def test_a_server_that_ignores_ranges_is_asked_once_and_taken_from_its_start(
    server: SampleServer, fetch: Fetch
) -> None:
    break_off(server, fetch)
    server.faults.add(fault("ignore-range"))
    received = fetch(server.url + IMAGE)
    assert (received.resumed_at, received.sha256, len(server.requests)) == (0, SHA256, 2)
    assert fetch.published(received) == CONTENT


def test_another_range_than_was_asked_for_is_not_written_anywhere(server: SampleServer, fetch: Fetch) -> None:
    break_off(server, fetch)
    server.faults.add(fault("wrong-range", shift=512, times=1))
    received = fetch(server.url + IMAGE)
    assert (received.resumed_at, received.sha256) == (0, SHA256)
    assert [one.range for one in server.requests] == ["", f"bytes={BROKEN_AT}-", ""]
    assert fetch.published(received) == CONTENT


@pytest.mark.parametrize("shrunk", [BROKEN_AT, MIB])
def test_a_file_that_is_shorter_now_than_its_first_part_starts_again(
    server: SampleServer, fetch: Fetch, shrunk: int
) -> None:
    """416 in reply: the server looks at the range before the condition, or the file kept its validators."""
    break_off(server, fetch)
    shorter = OTHER[:shrunk]
    with scripted(lambda asked: Reply(416) if "range" in asked.headers else Reply(body=shorter)) as changed:
        received = fetch(changed.url + IMAGE)
    assert (received.resumed_at, received.size) == (0, shrunk)
    assert fetch.published(received) == shorter


def conditional(headers: dict[str, str], content: bytes) -> Callable[[Asked], Reply]:
    """A server that ignores If-Range: it sends the part that is asked for whatever the file has become."""

    def answer(asked: Asked) -> Reply:
        if "range" not in asked.headers:
            return Reply(200, headers, content)
        span = f"bytes {asked.first}-{len(content) - 1}/{len(content)}"
        return Reply(206, {**headers, "Content-Range": span}, content[asked.first :])

    return answer


def begin_with(headers: dict[str, str], fetch: Fetch) -> None:
    """The first part of the image, with these validators."""
    reply = Reply(200, headers, CONTENT[:BROKEN_AT], length=len(CONTENT))
    with scripted(lambda _: reply) as before, pytest.raises(BodyTruncated):
        fetch(before.url + IMAGE)
    assert fetch.front == BROKEN_AT


SAME = {"ETag": ETAG, "Last-Modified": DATE}


@pytest.mark.parametrize(
    "now",
    [
        {**SAME, "ETag": '"another-tag"'},
        {**SAME, "Last-Modified": "Tue, 14 Nov 2023 22:13:21 GMT"},
        {"ETag": f"W/{ETAG}"},
        {},
    ],
    ids=["another-tag", "another-date", "weakened-tag", "nothing-to-compare"],
)
def test_a_part_of_what_may_be_another_file_is_never_joined_to_the_first(fetch: Fetch, now: dict[str, str]) -> None:
    with (
        scripted(lambda _: Reply(200, SAME, CONTENT[:BROKEN_AT], length=len(CONTENT))) as before,
        pytest.raises(BodyTruncated),
    ):
        fetch(before.url + IMAGE)
    with scripted(conditional(now, OTHER)) as after:
        received = fetch(after.url + IMAGE)
        assert ["range" in one.headers for one in after.asked] == [True, False]
    assert (received.resumed_at, received.sha256) == (0, hashlib.sha256(OTHER).hexdigest())
    assert fetch.published(received) == OTHER


def test_a_part_of_a_file_of_another_length_is_never_joined_to_the_first(fetch: Fetch) -> None:
    with (
        scripted(lambda _: Reply(200, SAME, CONTENT[:BROKEN_AT], length=len(CONTENT))) as before,
        pytest.raises(BodyTruncated),
    ):
        fetch(before.url + IMAGE)
    longer = OTHER + b"more"
    with scripted(conditional(SAME, longer)) as after:
        received = fetch(after.url + IMAGE)
    assert (received.resumed_at, received.sha256) == (0, hashlib.sha256(longer).hexdigest())


@pytest.mark.parametrize(
    ("validators", "resumes"),
    [
        ({"ETag": ETAG}, True),
        ({"Last-Modified": DATE}, True),
        ({"ETag": f"W/{ETAG}", "Last-Modified": DATE}, True),
        ({"ETag": "unquoted-tag", "Last-Modified": DATE}, True),
        ({"ETag": f"W/{ETAG}"}, False),
        ({"ETag": '"caf\xe9"'}, False),
        ({"ETag": "unquoted-tag"}, False),
        ({"Last-Modified": "yesterday"}, False),
        ({"Last-Modified": DATE, "Date": DATE}, False),
        ({}, False),
    ],
    ids=lambda one: (
        " ".join(f"{name}:{value}" for name, value in one.items()).encode("ascii", "replace").decode()
        if isinstance(one, dict)
        else ""
    ),
)
def test_goes_on_only_where_a_validator_guards_it(fetch: Fetch, validators: dict[str, str], resumes: bool) -> None:
    begin_with(validators, fetch)
    with scripted(conditional(validators, CONTENT)) as after:
        received = fetch(after.url + IMAGE)
        asked = after.asked[0].headers
    assert (received.resumed_at, received.sha256) == (BROKEN_AT if resumes else 0, SHA256)
    assert ("range" in asked, "if-range" in asked) == (resumes, resumes)
    assert fetch.published(received) == CONTENT


def test_a_server_that_gives_a_part_at_a_time_is_brought_to_the_end(fetch: Fetch) -> None:
    def piecemeal(asked: Asked) -> Reply:
        if "range" not in asked.headers:
            return Reply(200, SAME, CONTENT[:MIB], length=len(CONTENT))
        part = CONTENT[asked.first : asked.first + MIB]
        span = f"bytes {asked.first}-{asked.first + len(part) - 1}/{len(CONTENT)}"
        return Reply(206, {**SAME, "Content-Range": span}, part)

    with scripted(piecemeal) as server:
        for _ in range(3):
            with pytest.raises(BodyTruncated):
                fetch(server.url + IMAGE)
        received = fetch(server.url + IMAGE)
    assert received.sha256 == SHA256


def test_another_address_goes_on_mid_file_when_it_has_the_same_file(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("truncate", at=BROKEN_AT, times=1))
    received = fetch(server.url + IMAGE, server.url + "/mirror.iso")
    assert (received.resumed_at, received.sha256) == (0, SHA256)
    assert [(one.url.rpartition("/")[2], one.bytes, one.code) for one in received.sources] == [
        ("image.iso", BROKEN_AT, "body-truncated"),
        ("mirror.iso", len(CONTENT) - BROKEN_AT, ""),
    ]
    assert server.requests[-1].range == f"bytes={BROKEN_AT}-{len(CONTENT) - 1}"
    assert fetch.published(received) == CONTENT


def test_another_address_starts_again_when_its_file_may_be_another(
    server: SampleServer, site: Path, fetch: Fetch
) -> None:
    (site / "mirror.iso").write_bytes(OTHER)
    server.faults.add(fault("truncate", at=BROKEN_AT, times=1))
    received = fetch(server.url + IMAGE, server.url + "/mirror.iso")
    assert (received.resumed_at, received.sha256) == (0, hashlib.sha256(OTHER).hexdigest())
    assert fetch.published(received) == OTHER


def test_bytes_that_vanished_from_the_unfinished_file_are_fetched_again(server: SampleServer, fetch: Fetch) -> None:
    break_off(server, fetch)
    bytes_of_it = fetch.store.root / ".isomanager" / "partials" / f"{KEY}.bin"
    os.truncate(bytes_of_it, MIB)
    received = fetch(server.url + IMAGE)
    assert (received.resumed_at, received.sha256) == (MIB, SHA256)


def test_bytes_that_vanish_while_the_rest_is_asked_for_leave_no_hole(fetch: Fetch) -> None:
    begin_with(SAME, fetch)
    honest = conditional(SAME, CONTENT)

    def answer(asked: Asked) -> Reply:
        if "range" in asked.headers:
            os.truncate(fetch.store.root / ".isomanager" / "partials" / f"{KEY}.bin", MIB)
        return honest(asked)

    with scripted(answer) as server:
        received = fetch(server.url + IMAGE)
    assert received.sha256 == SHA256
    assert fetch.published(received) == CONTENT


def test_no_room_left_is_told_as_such_and_nothing_is_lost(
    server: SampleServer, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_off(server, fetch)
    with monkeypatch.context() as full:
        full.setattr(fetch.store, "space", lambda: Space(total=MIB, free=0))
        with pytest.raises(StoreError) as refused:
            fetch(server.url + IMAGE)
    assert refused.value.code == "no-space"
    assert fetch(server.url + IMAGE).resumed_at == BROKEN_AT


PROGRAM = """
import sys
from pathlib import Path
from isomanager.settings import Settings
from isomanager.storage.local import LocalStore
from isomanager.transfer.download import Limits, Request, download
from isomanager.transfer.http import FetchPolicy, open_client

request = Request((sys.argv[1],), "Linux/image.iso", sys.argv[2], policy=FetchPolicy(True, True))
limits = Limits(checkpoint_bytes=1 << 20)
print(download(request, LocalStore(Path(sys.argv[3])), open_client(Settings()), limits=limits).resumed_at)
"""


@pytest.mark.crash
def test_a_new_process_goes_on_where_a_killed_one_had_flushed(server: SampleServer, fetch: Fetch) -> None:
    stall = server.faults.add(fault("stall", at=BROKEN_AT, times=1))
    arguments = [sys.executable, "-c", PROGRAM, server.url + IMAGE, KEY, str(fetch.store.root)]
    with subprocess.Popen(arguments) as first:
        try:
            assert stall.wait_reached(120)
            while fetch.front < 2 * MIB:
                assert first.poll() is None
        finally:
            first.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    second = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120)
    assert int(second.stdout) == 2 * MIB
    assert fetch.published(fetch(server.url + IMAGE)) == CONTENT


@pytest.mark.parametrize("often", [Limits(checkpoint_bytes=MIB), Limits(checkpoint_seconds=0)])
def test_every_so_often_what_came_is_made_durable(server: SampleServer, fetch: Fetch, often: Limits) -> None:
    stall = server.faults.add(fault("stall", at=BROKEN_AT, times=1))
    seen: list[tuple[int, int]] = []

    def look(done: int, _total: int | None) -> None:
        seen.append((done, fetch.front))
        if fetch.front >= MIB:
            stall.release()

    fetch(server.url + IMAGE, limits=often, progress=look)
    assert all(front <= done for done, front in seen)
    assert any(MIB <= front < len(CONTENT) for _, front in seen)
