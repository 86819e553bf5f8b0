"""Putting a file together: in order, from here and from afar, over a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from isomanager.errors import Cancelled, IsoManagerError, StoreError
from isomanager.sample.faults import Fault, FaultKind
from isomanager.sample.folder import ServedFolder
from isomanager.sample.server import SampleServer
from isomanager.settings import Settings
from isomanager.transfer.blocks.assembling import assembled
from isomanager.transfer.blocks.ranges import HttpRanges
from isomanager.transfer.blocks.segments import Segment
from isomanager.transfer.http import FetchPolicy, open_client

CONTENT = bytes(range(256)) * (48 << 10)
MIB = 1 << 20
PLAN = (Segment(0, MIB, 5), Segment(MIB, 6 * MIB), Segment(7 * MIB, MIB, 0), Segment(8 * MIB, 4 * MIB))


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with open_client(Settings()) as opened:
        yield opened


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SampleServer]:
    folder = tmp_path / "www"
    folder.mkdir()
    for name in ("a.iso", "b.iso"):
        (folder / name).write_bytes(CONTENT)
    with SampleServer(ServedFolder(folder)) as running:
        yield running


def ranges(client: httpx.Client, *urls: str, stop: threading.Event | None = None) -> HttpRanges:
    return HttpRanges(urls, len(CONTENT), client, FetchPolicy(allow_http=True), stop or threading.Event())


def donor(start: int, length: int) -> bytes:
    """Another file, which has the first MiB at byte 5 and the eighth at its beginning."""
    return (CONTENT[7 * MIB : 8 * MIB] if start == 0 else CONTENT[:MIB])[:length]


def test_the_whole_comes_in_order_and_only_what_is_missing_is_asked_for(
    client: httpx.Client, server: SampleServer
) -> None:
    pieces = assembled(PLAN, donor, ranges(client, f"{server.url}/a.iso"))
    assert b"".join(pieces) == CONTENT
    asked = [one.headers["range"] for one in server.requests]
    assert sorted(asked) == sorted(
        [f"bytes={MIB}-{5 * MIB - 1}", f"bytes={5 * MIB}-{7 * MIB - 1}", f"bytes={8 * MIB}-{12 * MIB - 1}"]
    )


@pytest.mark.parametrize("kind", ["ignore-range", "wrong-range", "not-found", "busy", "truncate", "html"])
def test_an_address_that_fails_gives_way_to_the_next(kind: str, client: httpx.Client, server: SampleServer) -> None:
    server.faults.add(Fault(FaultKind(kind), "/a.iso"))
    urls = (f"{server.url}/a.iso", f"{server.url}/b.iso")
    assert b"".join(assembled(PLAN, donor, ranges(client, *urls))) == CONTENT


def test_a_file_that_changes_meanwhile_is_not_spliced(client: httpx.Client, server: SampleServer) -> None:
    server.faults.add(Fault(FaultKind("change"), "/a.iso", skip=1))
    read = ranges(client, f"{server.url}/a.iso")
    read(0, 10)
    with pytest.raises(IsoManagerError) as wrong:
        read(10, 10)
    assert wrong.value.code == "upstream-changed"
    with pytest.raises(IsoManagerError, match="no address"):
        read(0, 10)


def test_a_donor_that_shrank_is_an_error(client: httpx.Client, server: SampleServer) -> None:
    with pytest.raises(StoreError) as wrong:
        list(assembled(PLAN, lambda _start, _length: b"less", ranges(client, f"{server.url}/a.iso")))
    assert wrong.value.code == "changed"


def test_a_stop_ends_the_fetching(client: httpx.Client, server: SampleServer) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        ranges(client, f"{server.url}/a.iso", stop=stop)(0, 10)
