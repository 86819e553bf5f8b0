"""Without Prefect, too, what may pass is tried again as late as the server asks, and nothing else is."""

from __future__ import annotations

from pathlib import Path
from threading import Timer
from time import monotonic

import pytest

from isomanager.errors import BodyTruncated, FetchRefused, ServerBusy, Stalled
from isomanager.library.fetching import fetch
from isomanager.library.opening import Library
from isomanager.library.requesting import Asked
from isomanager.library.trying_again import tried_again, waiting_time
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import load_settings
from library.conftest import SERVER


def test_a_download_to_a_file_goes_on_after_a_broken_connection(
    upstream: SampleUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOMANAGER_RETRY_COUNT", "2")
    monkeypatch.setenv("ISOMANAGER_RETRY_DELAY", "0")
    upstream.fault(FaultKind.TRUNCATE, "*.iso", at=100_000, times=2)
    with Library(load_settings()) as library:
        assert fetch(library, Asked(selector=SERVER), tmp_path / "x.iso").resumed_at == 200_000
        upstream.fault(FaultKind.TRUNCATE, "*.iso", at=10_000, times=3)
        with pytest.raises(BodyTruncated):
            fetch(library, Asked(selector=SERVER), tmp_path / "y.iso")


def test_what_will_not_pass_is_not_tried_again(library: Library) -> None:
    tries = []

    def refused() -> None:
        tries.append(1)
        raise FetchRefused("no such file", code="http-status")

    with pytest.raises(FetchRefused):
        tried_again(library, refused)
    assert len(tries) == 1


def test_a_server_gets_the_time_it_asks_for() -> None:
    assert 7 <= waiting_time(ServerBusy("busy", retry_after=7.0), 0.0) <= 7
    assert 2 <= waiting_time(Stalled("slow"), 2.0) <= 3
    assert waiting_time(ServerBusy("busy", retry_after=None), 0.0) == 0


def test_more_patience_than_there_is_is_not_waited_for(library: Library) -> None:
    def busy() -> None:
        raise ServerBusy("busy", retry_after=86_400.0)

    started = monotonic()
    with pytest.raises(ServerBusy):
        tried_again(library, busy)
    assert monotonic() - started < 60


def test_a_stop_ends_the_waiting(library: Library) -> None:
    def busy() -> None:
        raise ServerBusy("busy", retry_after=300.0)

    Timer(0.2, library.stop.set).start()
    with pytest.raises(ServerBusy):
        tried_again(library, busy)
