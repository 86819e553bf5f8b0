"""Runs of a real server, listed and cancelled over plain HTTP by the command."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from cli.main import status_of
from deployments.bootstrap import deploy
from deployments.prefect_runs import active_runs
from isomanager.settings import load_settings
from prefect_over_http import Api

pytestmark = pytest.mark.prefect


@pytest.fixture
def waiting(api: Api) -> str:
    """A run of our deployment that is due tomorrow."""
    list(deploy(load_settings()))
    due = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
    return str(api.start("update/update", {"what": ["debian"]}, state=state).json()["id"])


def test_a_waiting_run_is_listed_and_cancelled_by_the_beginning_of_its_id(
    waiting: str, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    (mine,) = [one for one in active_runs(api.url) if one.id == waiting]
    assert mine.state == "scheduled"
    assert status_of(["status", "--json"]) == 0
    assert waiting in [one["id"] for one in json.loads(capsys.readouterr().out)["server"]]
    assert status_of(["runs", "cancel", waiting]) == 0
    assert api.ended(waiting)["state"]["type"] == "CANCELLED"
    assert status_of(["runs", "cancel", waiting]) == 2
