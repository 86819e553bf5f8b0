"""Flows run in this process on a real Prefect server, against the sample upstream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client

from flow_runs import Given
from isomanager.sample.upstream import SampleUpstream


@pytest.fixture(autouse=True)
def _server(prefect_server: str) -> None:
    """Every test here needs it."""


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    """To ask the server what it knows."""
    with get_client(sync_client=True) as opened:
        yield opened


@pytest.fixture
def given(upstream: SampleUpstream, tmp_path: Path) -> Given:
    """The library and the sample upstream."""
    return Given(tmp_path, upstream)
