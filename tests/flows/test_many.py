"""Many images at once: by condition, within a budget, and only what a person approved."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import FlowRun, StateType

from flow_runs import Given, eventually, outcomes_of
from flows.approving import answering
from flows.download_many import download_many
from flows.subscribe import change_subscription, subscribe
from flows.update import update
from isomanager.errors import UsageError
from isomanager.model import Assurance, Plan
from isomanager.planning.approving import choices_of
from isomanager.planning.costs import Costs
from isomanager.sample.upstream import SampleUpstream

pytestmark = pytest.mark.prefect


def paused(client: SyncPrefectClient) -> FlowRun | None:
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
    return next(iter(client.read_flow_runs(flow_run_filter=FlowRunFilter(state=state))), None)


def test_everything_of_a_condition_comes_once_within_a_budget(given: Given, upstream: SampleUpstream) -> None:
    shown = download_many(selector="sample-orchard/*", dry_run=True)
    assert shown.plan is not None
    sizes = [one.cost or 0 for one in shown.plan.actions]
    assert len(sizes) == 2
    assert given.images() == {}
    report = download_many(selector="sample-orchard/*", budget=sizes[0], approve=False)
    assert sorted(one.outcome.value for one in report.outcomes) == ["published", "skipped"]
    (left,) = [one for one in report.outcomes if one.outcome == "skipped"]
    assert left.code == "over-budget"
    assert report.totals["bytes"] <= sizes[0]


def test_a_family_without_products_is_refused(given: Given) -> None:
    with pytest.raises(UsageError, match="no condition"):
        download_many(family="planets", approve=False)


def test_a_paused_run_does_only_what_was_approved(
    given: Given, upstream: SampleUpstream, client: SyncPrefectClient
) -> None:
    subscribe(selector="sample-orchard/*@lts", floor=Assurance.MIRROR)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(update, approve=True)
        waiting = eventually(lambda: paused(client))
        assert given.images() == {}
        (desktop,) = [f"download {title} in default" for title in ["sample-orchard/desktop@26.04.1 x86_64"]]
        client.resume_flow_run(waiting.id, run_input={"go_on": True, "leave_out": [desktop]})
        report = run.result(timeout=240)
    told = {one.title.flavor: (one.outcome.value, one.code) for one in report.outcomes if one.title}
    assert told == {"server": ("published", ""), "desktop": ("skipped", "not-approved")}


def test_what_is_declined_lets_nothing_go(given: Given, upstream: SampleUpstream) -> None:
    given.subscription("sample-lantern")
    update()
    upstream.publish("lantern")
    before = given.images()
    seen: list[Costs] = []

    def decline(plan: Plan, costs: Costs) -> tuple[str, ...]:
        seen.append(costs)
        assert len(choices_of(plan)) == 2
        return ()

    with answering(decline):
        report = update(approve=True)
    assert {one.code for one in report.outcomes if one.outcome == "skipped"} == {"not-approved"}
    assert given.images() == before
    (costs,) = seen
    (room,) = costs.rooms
    assert costs.images == 1
    assert costs.seconds is not None, "the first update was measured"
    assert room.free_before is not None
    assert room.free_after == room.free_before - room.fetches + room.frees


def test_a_subscription_changed_by_a_form_changes_what_comes(given: Given, upstream: SampleUpstream) -> None:
    subscribe(selector="sample-orchard/server@lts", floor=Assurance.MIRROR, tags=["lab"])
    (changed,) = change_subscription(what=["tag:lab"], version="24.04")
    assert str(changed.selector) == "sample-orchard/server@24.04"
    assert outcomes_of(update(what=["tag:lab"], target="24.04.2")) == {"sample-orchard": "published"}
    assert given.versions("sample-orchard") == ["24.04.2"]
    update()
    assert given.versions("sample-orchard") == ["24.04.3"]
