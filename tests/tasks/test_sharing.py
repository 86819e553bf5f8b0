"""Workers share slots of a limit on the Prefect server, as a courtesy that never holds an image up for good."""

from __future__ import annotations

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

from isomanager.library.opening import library_in_use
from tasks.sharing import download_slot

pytestmark = pytest.mark.prefect


@pytest.fixture(autouse=True)
def _server(prefect_server: str) -> None:
    """Every test here needs it."""


def test_a_download_holds_a_slot_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOMANAGER_BANDWIDTH_SLOTS", "isos-of-a-test")
    with get_client(sync_client=True) as client, library_in_use():
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="isos-of-a-test", limit=2))

        def taken() -> int:
            return client.read_global_concurrency_limit_by_name("isos-of-a-test").active_slots

        with download_slot():
            assert taken() == 1
            with download_slot():
                assert taken() == 2
        assert taken() == 0


def test_a_limit_that_the_server_does_not_know_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOMANAGER_BANDWIDTH_SLOTS", "nobody-made-this-limit")
    with library_in_use(), download_slot():
        pass


def test_without_the_setting_no_server_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.sharing.concurrency", None)
    with library_in_use(), download_slot():
        pass
