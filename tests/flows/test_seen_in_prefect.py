"""What a person finds in the UI, asked of the API."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, FlowRunFilter, FlowRunFilterId
from prefect.states import State

from flow_runs import Given, eventually, report_of
from flows.download import download
from flows.update import update
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream

pytestmark = pytest.mark.prefect

TITLE = "sample-lantern/vanilla@2.10.1 x86_64"


def run_id(state: State[object]) -> UUID:
    assert state.state_details.flow_run_id is not None
    return state.state_details.flow_run_id


def of_run(run: UUID) -> FlowRunFilter:
    return FlowRunFilter(id=FlowRunFilterId(any_=[run]))


def test_runs_are_named_after_what_they_are_about(given: Given, client: SyncPrefectClient) -> None:
    given.subscription("sample-lantern")
    run = run_id(update(what=["sample-lantern"], return_state=True))
    assert client.read_flow_run(run).name == "update sample-lantern"
    wanted = {
        "resolve sample-lantern", TITLE, f"download {TITLE}", f"verify {TITLE}", f"register {TITLE}",
    }  # fmt: skip
    eventually(lambda: wanted <= {one.name for one in client.read_task_runs(flow_run_filter=of_run(run))})


def test_a_run_that_is_named_after_an_address_tells_no_secret_of_it(
    given: Given, upstream: SampleUpstream, client: SyncPrefectClient
) -> None:
    url = upstream.url.replace("http://", "http://somebody:hush@") + "/lantern/stable/lantern-2.9.4.iso?token=hush"
    run = run_id(download(url=url, sha256="0" * 64, return_state=True))
    assert client.read_flow_run(run).name == "download 127.0.0.1/lantern/stable/lantern-2.9.4.iso"


def test_plan_report_and_inventory_are_artifacts_of_the_run(given: Given, client: SyncPrefectClient) -> None:
    given.subscription("sample-lantern")
    run = run_id(update(return_state=True))
    of_this = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))

    def artifacts() -> dict[str | None, object]:
        found = {one.key: one.data for one in client.read_artifacts(artifact_filter=of_this)}
        return found if {"iso-plan", "iso-report", "iso-inventory"} <= found.keys() else {}

    found = eventually(artifacts)
    (planned,) = json.loads(str(found["iso-plan"]))
    assert (planned["action"], planned["image"]) == ("download", TITLE)
    assert planned["why"]
    (reported,) = json.loads(str(found["iso-report"]))
    assert (reported["outcome"], reported["image"]) == ("published", TITLE)
    (held,) = json.loads(str(found["iso-inventory"]))
    assert (held["product"], held["version"], held["state"]) == ("sample-lantern", "2.10.1", "held")


def test_what_changed_is_announced_as_events(given: Given, upstream: SampleUpstream, client: SyncPrefectClient) -> None:
    given.subscription("sample-lantern", "sample-beacon")
    upstream.fault(FaultKind.FLIP_BIT, "*beacon*.iso", at=9)
    report_of(update)

    def announced() -> dict[str, set[str]]:
        body = {"filter": {"event": {"prefix": ["isomanager.image."]}}, "limit": 50}
        events = client._client.post("/events/filter", json=body).json()["events"]
        found = {(one["event"], one["resource"]["prefect.resource.name"]) for one in events}
        wanted = {
            ("isomanager.image.published", TITLE),
            ("isomanager.image.quarantined", "sample-beacon/vanilla@9.2-1 x86_64"),
        }
        return {"all": {event for event, _ in found}} if wanted <= found else {}

    assert eventually(announced)


def test_an_attempt_that_may_pass_is_repeated_and_a_wrong_digest_is_not(
    given: Given, upstream: SampleUpstream, client: SyncPrefectClient
) -> None:
    given.subscription("sample-lantern", "sample-beacon")
    upstream.fault(FaultKind.FLIP_BIT, "*beacon*.iso", at=9)
    upstream.fault(FaultKind.TRUNCATE, "*lantern*.iso", at=1000, times=2)
    run = run_id(update(return_state=True))
    assert given.fetches("lantern") == 3
    assert given.fetches("beacon") == 2  # a second look, which finds the same: no attempt repeats it

    def counts() -> dict[str, int]:
        runs = {one.name: one.run_count for one in client.read_task_runs(flow_run_filter=of_run(run))}
        return runs if len(runs) >= 9 else {}  # 2 of resolve, then image, download, verify of both, register of one

    found = eventually(counts)
    assert found[f"download {TITLE}"] == 3
    assert found["verify sample-beacon/vanilla@9.2-1 x86_64"] == 1
