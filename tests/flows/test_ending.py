"""A run that is told to end, or killed, in the middle of a transfer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

import pytest

from flow_runs import PATIENCE, Given
from flows.update import update
from isomanager.library.recovering import INTERRUPTED
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream

pytestmark = [pytest.mark.prefect, pytest.mark.skipif(os.name != "posix", reason="POSIX signals")]

SERVER = "sample-orchard/server@lts"
RATE = 64 << 10
FIRST_BYTES = 100_000


@pytest.fixture
def upstream(upstream: SampleUpstream) -> SampleUpstream:
    """With a release whose image takes seconds to come."""
    upstream.fault(FaultKind.SLOW, "*server*.iso", rate=RATE)
    return upstream


@contextmanager
def updating() -> Iterator[subprocess.Popen[bytes]]:
    """`isomanager update`, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "update", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_bytes(upstream: SampleUpstream, process: subprocess.Popen[bytes], wanted: int) -> None:
    """Return once so many bytes of an image have been sent."""
    until = monotonic() + PATIENCE
    while sum(one.sent for one in upstream.requests if one.method == "GET" and one.path.endswith(".iso")) < wanted:
        assert process.poll() is None, "it ended before it began"
        assert monotonic() < until
        sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_end_ends_soon_and_the_next_goes_on(
    number: signal.Signals, given: Given, upstream: SampleUpstream
) -> None:
    given.subscription(SERVER)
    with updating() as process:
        wait_for_bytes(upstream, process, FIRST_BYTES)
        process.send_signal(number)
        process.wait(PATIENCE)  # seconds on a quiet machine; never the minutes of a long transfer
    assert process.returncode != 0
    assert given.images() == {}
    upstream.clear_faults()
    update()
    assert given.versions("sample-orchard") == ["26.04.1"]
    assert given.copies(*INTERRUPTED) == ()
    last = [one for one in upstream.requests if one.method == "GET" and one.path.endswith(".iso")][-1]
    assert last.status == 206, "it went on from what was there"


@pytest.mark.crash
@pytest.mark.parametrize("at", [1, 70_000, 180_000])
def test_a_run_that_is_killed_converges(at: int, given: Given, upstream: SampleUpstream) -> None:
    given.subscription(SERVER, "sample-lantern")
    with updating() as process:
        wait_for_bytes(upstream, process, at)
        process.kill()
        process.wait(PATIENCE)
    published = {one.sha256 for one in upstream.site.state.published}
    assert set(given.images().values()) <= published
    upstream.clear_faults()
    report = update()
    assert not report.bad
    assert given.versions("sample-orchard") == ["26.04.1"]
    assert given.versions("sample-lantern") == ["2.10.1"]
    assert given.copies(*INTERRUPTED) == ()
    assert {copy.path: copy.sha256 for copy in given.copies()} == given.images()
