"""Runs that crash, or are gone with their worker, are found and started again; a worker survives the return of its run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.events.schemas.automations import AutomationCore
from prefect.events.schemas.events import ResourceSpecification
from prefect.states import Crashed, Running

from deployments.automations import PAUSE, SILENCE, automations
from deployments.definitions import RUN_AGAIN
from flow_runs import eventually
from flows.run_again import why_not
from isomanager.sample.faults import Fault, FaultKind
from prefect_over_http import LIMIT, Api
from worker_processes import WorkerProcess, ended, kill_run, process_id, until

if TYPE_CHECKING:
    from conftest import WorkerLibrary

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(sys.platform == "win32", reason="kills processes as POSIX does"),
]

SHORT = timedelta(seconds=10)
"""In place of minutes: the least that Prefect lets an automation wait for what does not happen."""


def _add(api: Api, automation: AutomationCore) -> str:
    return str(api.send("POST", "/automations/", automation.model_dump(mode="json")).json()["id"])


@pytest.fixture
def crashes(worker_library, api: Api) -> Iterator[Crashes]:
    """A server whose automations are the shipped ones, but for waiting seconds in place of minutes."""
    for one in api.send("POST", "/automations/filter", {}).json():
        api.send("DELETE", f"/automations/{one['id']}", None)
    again, gone = automations(UUID(api.deployment(RUN_AGAIN)["id"]), (), 3)
    at_once = again.actions[0].model_copy(update={"schedule_after": timedelta()})
    made = [_add(api, again.model_copy(update={"actions": [at_once]}))]
    yield Crashes(api, worker_library, gone, made)
    for known in made:
        api.send("DELETE", f"/automations/{known}", None)


@dataclass(frozen=True)
class Crashes:
    """Runs that are in the middle of a download when something ends."""

    api: Api
    library: WorkerLibrary
    gone: AutomationCore
    automations: list[str]

    def ask(self, selector: str, queue: str) -> str:
        """A run in a queue for which no worker works yet."""
        return str(self.api.start("download/download", {"selector": selector}, work_queue_name=queue).json()["id"])

    def run(self, known: str) -> dict[str, Any]:
        return dict(self.api.get(f"/flow_runs/{known}"))

    def until_downloading(self, known: str, stall: Fault) -> None:
        self.api.started(known)
        until("the process of the run", lambda: process_id(self.run(known)))
        assert stall.wait_reached(LIMIT)

    def started_again(self, known: str) -> dict[str, Any]:
        """The run that took up the work, once it has ended."""
        return dict(self.api.ended(eventually(lambda: self._later(known))))

    def _later(self, known: str) -> str:
        body = {"flow_runs": {"tags": {"all_": ["again:1"]}}}
        parameters = self.run(known)["parameters"]
        found = self.api.send("POST", "/flow_runs/filter", body).json()
        return next((one["id"] for one in found if one["parameters"] == parameters), "")

    def mark_gone_soon(self, known: str) -> None:
        """The automation for runs that are gone, in seconds and for this run alone: no busy machine gets others into it."""
        match = {"prefect.resource.id": f"prefect.flow-run.{known}"}
        own = {"after": {"prefect.flow-run.heartbeat"}, "within": SHORT, "match": ResourceSpecification(match)}
        trigger = self.gone.trigger.model_copy(update=own)
        self.automations.append(_add(self.api, self.gone.model_copy(update={"trigger": trigger})))

    def said(self, known: str) -> str:
        """All that was said of the run's states."""
        return " ".join(one["message"] or "" for one in self.api.get(f"/flow_run_states/?flow_run_id={known}"))


def test_runs_that_crashed_or_are_gone_are_started_again_and_their_worker_survives(crashes: Crashes) -> None:
    library, queues = crashes.library, [f"{name}-{uuid4().hex[:6]}" for name in ("crash", "power")]
    told = {**os.environ, "PREFECT_API_URL": crashes.api.url, "PREFECT_WORKER_QUERY_SECONDS": "1"}
    told |= {"ISOMANAGER_STALL_TIMEOUT": "3600"}
    stalls = [library.upstream.fault(FaultKind.STALL, f"*{name}*.iso", at=8000) for name in ("granite", "orchard")]
    crashed, gone = crashes.ask("sample-granite", queues[0]), crashes.ask("sample-orchard", queues[1])
    crashes.mark_gone_soon(gone)
    with ended([WorkerProcess(queue, library.folder, told, queue) for queue in queues]) as workers:
        survivor, victim = workers
        for run, stall in zip((crashed, gone), stalls, strict=True):
            crashes.until_downloading(run, stall)
        kill_run(crashes.run(crashed))
        victim.kill()
        library.upstream.clear_faults()
        workers.append(WorkerProcess(f"{queues[1]}-again", library.folder, told, queues[1]))
        for run, why in ((crashed, "SIGKILL"), (gone, "Nothing was heard of it")):
            until("the crash", lambda known=run, words=why: words in crashes.said(known))  # type: ignore[misc]
            later = crashes.started_again(run)
            assert later["state"]["type"] == "COMPLETED", later["state"]
            assert later["work_queue_name"] == crashes.run(run)["work_queue_name"]
        assert survivor.is_running()
    for name in ("granite", "orchard"):
        assert [one for one in library.images() if name in one]


def _crashed(**fields: Any) -> FlowRun:
    return FlowRun(**{"flow_id": uuid4(), "deployment_id": uuid4(), "state": Crashed(), **fields})


def test_a_run_is_started_again_twice_and_then_somebody_should_look() -> None:
    assert why_not(_crashed(tags=["iso"])) == ""
    assert why_not(_crashed(tags=["iso", "again:1"])) == ""
    assert "look at" in why_not(_crashed(tags=["iso", "again:2"]))


def test_a_run_that_goes_on_after_all_or_belongs_to_no_deployment_is_left_alone() -> None:
    assert why_not(_crashed(state=Running()))
    assert why_not(_crashed(deployment_id=None))


def test_what_is_shipped_gives_a_busy_machine_time() -> None:
    assert timedelta(minutes=15) <= SILENCE
    assert timedelta(seconds=30) <= PAUSE
