"""A scan that asks: the run pauses until a person has chosen in a form, and goes on with what was chosen."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pycdlib
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import FlowRun, StateType

from flow_runs import Given, eventually
from flows.report import report
from flows.reporting import CATALOGUE
from flows.scan import scan

pytestmark = pytest.mark.prefect

NAMED = ("ubuntu-24.04.3-live-server-amd64.iso", "debian-13.1.0-amd64-netinst.iso")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two discs of which nothing but the name tells what they are."""
    there = tmp_path / "found"
    there.mkdir()
    for name in NAMED:
        image = pycdlib.PyCdlib()
        image.new(vol_ident="BACKUP")
        image.add_fp(io.BytesIO(name.encode()), len(name), "/README.TXT;1")
        image.write(str(there / name))
        image.close()
    return there


def paused(client: SyncPrefectClient) -> FlowRun | None:
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
    return next(iter(client.read_flow_runs(flow_run_filter=FlowRunFilter(state=state))), None)


def test_a_run_pauses_for_doubtful_files_and_takes_what_was_chosen(
    given: Given, folder: Path, client: SyncPrefectClient
) -> None:
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(scan, folder=str(folder), doubtful="ask", settle_seconds=0, dry_run=False)
        waiting = eventually(lambda: paused(client))
        client.resume_flow_run(waiting.id, run_input={"take": [NAMED[0]]})
        told = {one.path.rpartition("/")[2]: one.outcome.value for one in run.result(timeout=240).outcomes}
    assert told == {"ubuntu.server-24.04.3.iso": "published", NAMED[1]: "skipped"}
    assert given.versions("ubuntu") == ["24.04.3"]


def test_a_dry_run_changes_nothing_and_leaving_leaves(given: Given, folder: Path) -> None:
    assert {one.code for one in scan(folder=str(folder), settle_seconds=0).outcomes} == {"ask"}
    left = scan(folder=str(folder), doubtful="leave", settle_seconds=0, dry_run=False)
    assert {one.outcome.value for one in left.outcomes} == {"skipped"}
    assert given.copies() == ()


def test_the_report_shows_what_the_filters_leave(given: Given, folder: Path, client: SyncPrefectClient) -> None:
    scan(folder=str(folder), doubtful="take", settle_seconds=0, dry_run=False)
    done = report(products=["debian"])
    assert any("reports/inventory-" in one for one in done.indexes)
    shown = str(client._client.get(f"/artifacts/{CATALOGUE}/latest").json()["data"])
    assert "debian" in shown.lower()
    assert "ubuntu" not in shown.lower()
    report(where=["Type=Linux", "Name=ubuntu"], larger="1", newer_than="1d", limit=10, save=False)
    shown = str(client._client.get(f"/artifacts/{CATALOGUE}/latest").json()["data"])
    assert "ubuntu" in shown.lower()
    assert "debian" not in shown.lower()
