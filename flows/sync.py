"""Sync: keep repositories and sites in step with one that has what they should have."""

from __future__ import annotations

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
from isomanager.library.sync_planning import Load, Survey, destinations, loads, plan_place
from isomanager.library.sync_sources import SyncSource
from isomanager.library.syncing import retire_extra, settled, unreachable
from isomanager.model import Outcome, OutcomeKind
from isomanager.planning.syncing import SyncKind, SyncMode, SyncStep, as_plan
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
        steps, surveys, failures = planned(library, origin, places, SyncMode(mode), max_deletes)
        plan = as_plan(steps, failures, library.now())
        show_plan(plan)
        if dry_run:
            return RunReport(plan=plan, outcomes=(*failures, *map(settled, steps)))
        with recorded(library, "sync") as record:
            outcomes = record((*failures, *carried_out(origin, steps, surveys, verify, link)))
            outcomes = record((*outcomes, *retired(steps, outcomes)))
        indexes = refresh_indexes(library)
        report = RunReport(
            plan=plan, outcomes=outcomes, recovered=found, indexes=indexes, seconds=monotonic() - started
        )
        return finish(library, report)


def planned(
    library: Library, origin: SyncSource, places: tuple[str, ...], mode: SyncMode, max_deletes: int
) -> tuple[tuple[SyncStep, ...], dict[str, Survey], tuple[Outcome, ...]]:
    """The steps for every place that answers and what was seen there, and an outcome for each place that does not."""
    origin.require()

    def plan(place: str) -> tuple[tuple[SyncStep, ...], Survey | None] | Outcome:
        try:
            return plan_place(library, origin, place, mode, max_deletes=max_deletes)
        except IsoManagerError as wrong:
            return unreachable(place, wrong)

    with ThreadPoolExecutor(PLACES_AT_ONCE) as pool:  # one that is slow to answer keeps nobody waiting but itself
        told = dict(zip(places, pool.map(plan, places), strict=True))
    answered = {place: one for place, one in told.items() if not isinstance(one, Outcome)}
    surveys = {place: seen for place, (_, seen) in answered.items() if seen is not None}
    steps = tuple(step for one, _ in answered.values() for step in one)
    return steps, surveys, tuple(one for one in told.values() if isinstance(one, Outcome))


def carried_out(
    source: SyncSource, steps: tuple[SyncStep, ...], surveys: dict[str, Survey], verify: bool, link: bool
) -> tuple[Outcome, ...]:
    """Copy what is to be copied, one task a load however many places want it."""
    going = [
        (load, sync_task.submit(load.name, source, load, surveys, verify, link))
        for load in loads(steps, surveys, link=link)
    ]
    rest = (settled(step) for step in steps if step.kind in (SyncKind.SAME, SyncKind.SKIP, SyncKind.FAIL))
    return (*rest, *(outcome for load, future in going for outcome in _outcomes(load, future)))


def _outcomes(load: Load, future: PrefectFuture[tuple[Outcome, ...]]) -> tuple[Outcome, ...]:
    try:
        return future.result()
    except IsoManagerError as wrong:
        failed = {"outcome": OutcomeKind.FAILED, "reason": str(wrong), "code": wrong.code}
        return tuple(settled(step).model_copy(update=failed) for step in load.steps)


def retired(steps: tuple[SyncStep, ...], outcomes: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """Let go of what is extra, in places where everything came: a place that lacks something loses nothing."""
    failed = {one.repository for one in outcomes if one.outcome is OutcomeKind.FAILED}
    going = [step for step in steps if step.kind is SyncKind.RETIRE]
    kept = (
        settled(step).model_copy(update={"reason": "something that was to come failed: nothing goes in this run"})
        for step in going
        if step.destination in failed
    )
    return (*kept, *retire_extra(current_library(), [step for step in going if step.destination not in failed]))
