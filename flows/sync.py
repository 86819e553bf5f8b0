"""Sync: keep repositories and sites in step with one that has what they should have."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Literal

from prefect import flow
from prefect.futures import PrefectFuture

from flows.reporting import finish, show_plan
from flows.running import image_threads, running
from isomanager.errors import IsoManagerError
from isomanager.library.indexing import refresh_indexes
from isomanager.library.opening import Library, current_library
from isomanager.library.outcomes import RunReport
from isomanager.library.recording import recorded
from isomanager.library.recovering import recover
from isomanager.library.sync_sources import SyncSource
from isomanager.library.syncing import destinations, plan_destination, retire_extra, settled, unreachable
from isomanager.model import Outcome, OutcomeKind
from isomanager.planning.syncing import Shared, SyncKind, SyncMode, SyncStep, as_plan
from tasks.sync import sync as sync_task

PLACES_AT_ONCE = 8

Mode = Literal["mirror", "update", "merge"]


@flow(name="sync", flow_run_name="sync {source}", task_runner=image_threads(), persist_result=False)
def sync(
    source: str = "default",
    to: list[str] = [],  # noqa: B006 - never changed
    mode: Mode = "update",
    verify: bool = False,
    link: bool = False,
    max_deletes: int = 10,
    dry_run: bool = True,
) -> RunReport:
    """Bring repositories in step with another; a site that fails never stops the others.

    Args:
        source: A repository, or the address of a place that describes itself (its receipts are judged again).
        to: Repositories and sites to bring in step.
        mode: mirror makes them equal (what is extra goes to their trash), update brings what is newer or missing, merge keeps both.
        verify: Also hold the bytes against every digest of the source's receipts, not the SHA-256 alone.
        link: Between folders on one filesystem, give the source's file a second name instead of copying it: no room is needed,
            and damage to one is damage to both.
        max_deletes: How many images a mirror may let go of in one destination.
        dry_run: Only show what would happen.
    """
    started = monotonic()
    with running() as library:
        found = recover(library)
        places = destinations(library, to, source)
        origin = SyncSource(library, source)
        steps, failures = planned(library, origin.shared(), places, SyncMode(mode), max_deletes)
        plan = as_plan(steps, failures, library.now())
        show_plan(plan)
        if dry_run:
            return RunReport(plan=plan, outcomes=(*failures, *map(settled, steps)))
        with recorded(library, "sync") as record:
            outcomes = record((*failures, *carried_out(origin, steps, verify, link)))
            outcomes = record((*outcomes, *retired(steps, outcomes)))
        indexes = refresh_indexes(library)
        report = RunReport(
            plan=plan, outcomes=outcomes, recovered=found, indexes=indexes, seconds=monotonic() - started
        )
        return finish(library, report)


def planned(
    library: Library, shared: tuple[Shared, ...], places: tuple[str, ...], mode: SyncMode, max_deletes: int
) -> tuple[tuple[SyncStep, ...], tuple[Outcome, ...]]:
    """The steps for every place that answers, and an outcome for each that does not."""

    def plan(place: str) -> tuple[SyncStep, ...] | Outcome:
        try:
            return plan_destination(library, shared, place, mode, max_deletes=max_deletes)
        except IsoManagerError as wrong:
            return unreachable(place, wrong)

    with ThreadPoolExecutor(PLACES_AT_ONCE) as pool:  # one that is slow to answer keeps nobody waiting but itself
        told = list(pool.map(plan, places))
    steps = (step for one in told if not isinstance(one, Outcome) for step in one)
    return tuple(steps), tuple(one for one in told if isinstance(one, Outcome))


def carried_out(source: SyncSource, steps: tuple[SyncStep, ...], verify: bool, link: bool) -> tuple[Outcome, ...]:
    """Copy what is to be copied, one task an image however many places want it."""
    waiting: dict[str, list[SyncStep]] = defaultdict(list)
    for step in steps:
        if step.kind is SyncKind.COPY and step.shared is not None:
            waiting[step.shared.sha256].append(step)
    going = [
        (group, sync_task.submit(str(group[0].title), source, tuple(group), verify, link)) for group in waiting.values()
    ]
    rest = (settled(step) for step in steps if step.kind in (SyncKind.SAME, SyncKind.SKIP))
    return (*rest, *(outcome for group, future in going for outcome in _outcomes(group, future)))


def _outcomes(group: list[SyncStep], future: PrefectFuture[tuple[Outcome, ...]]) -> tuple[Outcome, ...]:
    try:
        return future.result()
    except IsoManagerError as wrong:
        failed = {"outcome": OutcomeKind.FAILED, "reason": str(wrong), "code": wrong.code}
        return tuple(settled(step).model_copy(update=failed) for step in group)


def retired(steps: tuple[SyncStep, ...], outcomes: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """Let go of what is extra, in places where everything came: a place that lacks something loses nothing."""
    failed = {one.repository for one in outcomes if one.outcome is OutcomeKind.FAILED}
    going = [step for step in steps if step.kind is SyncKind.RETIRE]
    kept = (
        settled(step).model_copy(update={"reason": "something that was to come failed: nothing goes in this run"})
        for step in going
        if step.destination in failed
    )
    library = current_library()
    return (*kept, *(retire_extra(library, step) for step in going if step.destination not in failed))
