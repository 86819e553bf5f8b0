"""Several connections and several addresses bring one file: faster where each is slow, whole whatever one of them does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event, Lock
from time import monotonic
from typing import Any

import httpx
import pytest

from isomanager.errors import BodyTruncated, Stalled
from isomanager.sample.server import SampleServer
from isomanager.settings import Settings
from isomanager.storage.contract import Store, StoreTraits
from isomanager.storage.local import LocalStore
from isomanager.storage.tree_partial import TreePartial
from isomanager.transfer.http import open_client
from isomanager.transfer.limits import Limits
from isomanager.transfer.politeness import gates_of
from transfer.serving import CONTENT, IMAGE, MIB, SHA256, Asked, Fetch, Reply, fault, scripted

RATE = 400_000
"""Bytes a second of a throttled connection: alone it takes some eight seconds."""
EXPECTED = {"sha256": SHA256}
MIRROR = "/mirror.iso"
OTHER = CONTENT.translate(bytes(255 - value for value in range(256)))


def ranges(server: SampleServer) -> list[str]:
    return [one.range for one in server.requests]


def test_several_connections_bring_what_each_is_too_slow_for(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("slow", rate=RATE))
    received = fetch(server.url + IMAGE)
    assert (received.sha256, received.resumed_at) == (SHA256, 0)
    assert received.sources[0].connections > 1
    assert received.seconds < len(CONTENT) / RATE * 0.8
    assert ranges(server)[0] == ""
    assert all(one.startswith("bytes=") for one in ranges(server)[1:])
    assert fetch.published(received) == CONTENT


def test_one_connection_is_enough_where_it_is_fast(server: SampleServer, fetch: Fetch) -> None:
    assert fetch(server.url + IMAGE).sources[0].connections == 1
    assert len(server.requests) == 1


def test_a_host_never_has_more_connections_open_than_is_polite(server: SampleServer, store: LocalStore) -> None:
    server.faults.add(fault("slow", rate=RATE))
    with open_client(Settings(connections_per_host=2)) as client:
        gates = gates_of(client)
        most, lock = [0], Lock()

        def look(_done: int, _total: int | None) -> None:
            with lock:
                most.append(gates.inside(server.url))

        received = Fetch(store, client)(server.url + IMAGE, progress=look)
    assert received.sha256 == SHA256
    assert max(most) == 2


def test_where_another_file_waits_for_the_host_further_connections_make_room(
    server: SampleServer, tmp_path: Path, client: httpx.Client
) -> None:
    server.faults.add(fault("slow", IMAGE, rate=RATE))
    first, second = (Fetch(LocalStore(tmp_path / name), client) for name in ("one", "two"))
    told: list[float] = []

    def look(_done: int, _total: int | None) -> None:
        if not told and gates_of(client).inside(server.url) == gates_of(client).limit:
            begun = monotonic()
            assert second(server.url + MIRROR).sha256 == SHA256
            told.append(monotonic() - begun)

    assert first(server.url + IMAGE, progress=look).sha256 == SHA256
    assert told


def test_another_address_helps_where_one_is_slow(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("slow", rate=RATE))
    with open_client(Settings(connections_per_host=1)) as client:
        received = Fetch(fetch.store, client)(server.url + IMAGE, mirror_of(server), expected=EXPECTED)
    assert received.sha256 == SHA256
    assert all(one.bytes > 0 and one.seconds > 0 and not one.dropped for one in received.sources)
    assert len(received.sources) == 2


def mirror_of(server: SampleServer) -> str:
    """The same server under another name, which is another host to whoever counts connections."""
    return server.url.replace("127.0.0.1", "localhost") + MIRROR


def test_an_address_that_fails_is_relieved_in_the_middle_of_the_file(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("truncate", IMAGE, at=MIB + 5))
    received = fetch(server.url + IMAGE, server.url + MIRROR, expected=EXPECTED)
    assert (received.sha256, received.url) == (SHA256, server.url + MIRROR)
    assert [one.code for one in received.sources] == ["body-truncated", ""]
    assert [one.bytes for one in received.sources] == [MIB + 5, len(CONTENT) - MIB - 5]


def test_a_mirror_that_lags_or_lies_is_dropped_and_the_next_one_asked(
    server: SampleServer, site: Path, fetch: Fetch
) -> None:
    (site / "short.iso").write_bytes(CONTENT[:-1])
    (site / "page.iso").write_text("<html>")
    server.faults.add(fault("truncate", IMAGE, at=MIB + 5))
    server.faults.add(fault("html", "/page.iso"))
    server.faults.add(fault("ignore-range", "/whole.iso"))
    (site / "whole.iso").write_bytes(CONTENT)
    names = ("image", "gone", "short", "page", "whole", "mirror")
    received = fetch(*(f"{server.url}/{name}.iso" for name in names), expected=EXPECTED)
    assert received.sha256 == SHA256
    told = {one.url.rpartition("/")[2]: (one.code, one.bytes > 0) for one in received.sources}
    assert told == {
        "image.iso": ("body-truncated", True),
        "gone.iso": ("http-status", False),
        "short.iso": ("upstream-changed", False),
        "page.iso": ("bad-range", False),
        "whole.iso": ("bad-range", False),
        "mirror.iso": ("", True),
    }


def test_without_a_digest_only_the_provably_same_file_helps(server: SampleServer, site: Path, fetch: Fetch) -> None:
    (site / "mirror.iso").write_bytes(OTHER)
    server.faults.add(fault("truncate", IMAGE, at=MIB + 5))
    received = fetch(server.url + IMAGE, server.url + MIRROR)
    # begun anew from the other address, not joined
    assert fetch.published(received) == OTHER


def test_a_file_that_changes_while_it_is_fetched_is_not_joined(fetch: Fetch) -> None:
    changed = Event()

    def answer(asked: Asked) -> Reply:
        content, tag = (OTHER, '"new"') if changed.is_set() else (CONTENT, '"old"')
        changed.set()
        span = {"Content-Range": f"bytes {asked.first}-{len(content) - 1}/{len(content)}"} if asked.first else {}
        body = content[asked.first :][: MIB + 9 if tag == '"old"' else None]
        return Reply(206 if asked.first else 200, {"ETag": tag, **span}, body, length=len(content) - asked.first)

    with scripted(answer) as server:
        with pytest.raises(BodyTruncated):
            fetch(server.url + IMAGE)
        received = fetch(server.url + IMAGE)
    assert (received.resumed_at, fetch.published(received)) == (0, OTHER)


def test_a_connection_that_breaks_beside_others_costs_no_address(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("slow", rate=RATE))
    server.faults.add(fault("truncate", at=1000, skip=1, times=1))
    received = fetch(server.url + IMAGE)
    assert (received.sha256, received.sources[0].dropped) == (SHA256, "")


def test_what_a_silent_connection_holds_up_is_brought_by_another(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("slow", rate=RATE))
    stall = server.faults.add(fault("stall", at=MIB // 2, times=1))
    received = fetch(server.url + IMAGE)
    assert stall.befallen == 1
    assert (received.sha256, fetch.published(received) == CONTENT) == (SHA256, True)


def test_a_server_that_bears_no_further_connections_is_left_alone(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("slow", rate=RATE))
    server.faults.add(fault("busy", skip=1, times=3))
    received = fetch(server.url + IMAGE)
    assert (received.sha256, received.sources[0].dropped) == (SHA256, "")


def test_a_file_that_takes_too_long_altogether_is_given_up_and_kept(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("slow", rate=RATE // 4))
    with pytest.raises(Stalled, match="longer than the 1 s"):
        fetch(server.url + IMAGE, limits=Limits(budget=1.0))
    assert fetch.front > 0


class Unreadable(LocalStore):
    """A store whose unfinished files cannot be read back, and which takes whole granules of 1 MiB only, like parts of S3."""

    @property
    def traits(self) -> StoreTraits:
        return replace(super().traits, readable_partial=False)


def test_a_store_that_cannot_read_back_gets_whole_granules_and_its_digest_from_memory(
    server: SampleServer, tmp_path: Path, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[int, int]] = []
    put = TreePartial.write

    def write(self: TreePartial, offset: int, buffer: Any) -> None:
        written.append((offset, len(buffer)))
        put(self, offset, buffer)

    monkeypatch.setattr(TreePartial, "write", write)
    monkeypatch.setattr(TreePartial, "read", None)
    server.faults.add(fault("slow", rate=RATE))
    server.faults.add(fault("truncate", IMAGE, at=MIB // 2, skip=1, times=1))
    store: Store = Unreadable(tmp_path / "parts")
    received = Fetch(store, client)(server.url + IMAGE, limits=Limits(window=2 * MIB))  # type: ignore[arg-type]
    assert received.sha256 == SHA256
    assert sorted(written) == [(0, MIB), (MIB, MIB), (2 * MIB, MIB), (3 * MIB, len(CONTENT) - 3 * MIB)]
