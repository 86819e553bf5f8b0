"""Update: bring the library to what the subscriptions ask for."""

from __future__ import annotations

from functools import partial
from time import monotonic

from prefect import flow

from flows.approving import approved
from flows.gathering import answered
from flows.reporting import finish, show_plan
from flows.running import awaited, image_threads, named, running
from isomanager.errors import IsoManagerError
from isomanager.library.choosing import Narrowing, chosen_subscriptions
from isomanager.library.costing import costs_for
from isomanager.library.failed_before import failed_subscriptions
from isomanager.library.indexing import refresh_indexes
from isomanager.library.opening import current_library
from isomanager.library.outcomes import RunReport, failed_outcome, settled_outcome
from isomanager.library.planning_updates import make_plan, with_others
from isomanager.library.pruning import overdue
from isomanager.library.recording import recorded
from isomanager.library.recovering import let_go_of_abandoned, recover
from isomanager.model import Action, ActionKind, Outcome, OutcomeKind, Plan
from isomanager.planning.wanting import Want
from tasks.image import bring_in
from tasks.prune import prune
from tasks.retrying import patient


@flow(name="update", flow_run_name=named("update"), task_runner=image_threads(), persist_result=False)
def update(
    what: list[str] = [],  # noqa: B006 - never changed
    conditions: list[str] = [],  # noqa: B006
    architectures: list[str] = [],  # noqa: B006
    under: int = 0,
    target: str = "",
    force: bool = False,
    dry_run: bool = False,
    accept: bool = False,
    refresh: bool = False,
    failed: bool = False,
    approve: bool = False,
) -> RunReport:
    """Fetch what the subscriptions ask for, prove it, publish it, and retire what it replaces.

    Args:
        what: Families, products, selectors, tags, groups or conditions, such as linux, ubuntu/server@lts, tag:lab, group:nightly
            or */server@lts; none means every subscription.
        conditions: More of them in words that no list has, such as tag:lab, group:nightly or */server@lts.
        architectures: Only these; none means all that are subscribed to.
        under: Leave out images that are not smaller than so many bytes; 0 means none is left out.
        target: For this run, this version in place of the newest, within what the subscription's version rule allows.
        force: Fetch again what is already held, and try again what was refused before.
        dry_run: Only show the plan.
        accept: Believe answers that surprise (older, far newer, another size) although nobody else bears them out.
        refresh: Ask upstream again about what it was asked a short while ago.
        failed: Only what failed or was refused when it was last tried.
        approve: Pause with the plan and its costs until a person approves it, or leaves some of it out.
    """
    started = monotonic()
    with running() as library:
        found = recover(library)
        narrowing = Narrowing(tuple(architectures), under, target)
        chosen = chosen_subscriptions(library, [*what, *conditions], narrowing)
        chosen = failed_subscriptions(library, chosen) if failed else chosen
        wants = answered(library, chosen, refresh=refresh or force or accept or failed, accept=accept)
        plan = make_plan(library, wants, force=force)
        costs = costs_for(library, plan)
        show_plan(plan, costs)
        if dry_run:
            return RunReport(plan=plan, costs=costs, recovered=found)
        plan = approved(plan, costs) if approve else plan
        everyone = with_others(library, wants)
        found = (*found, *let_go_of_abandoned(library, plan, everyone))
        with recorded(library, "update") as record:
            outcomes = record((*settled(plan), *bring_in_all(plan)))
            outcomes = record((*outcomes, *retire_replaced(plan, everyone)))
        indexes = refresh_indexes(library)
        report = RunReport(
            plan=plan,
            costs=costs,
            outcomes=outcomes,
            recovered=found,
            indexes=indexes,
            seconds=monotonic() - started,
        )
        return finish(library, report)


def settled(plan: Plan) -> tuple[Outcome, ...]:
    """The outcomes of what needs no work."""
    return tuple(outcome for action in plan.actions if (outcome := settled_outcome(action)) is not None)


def bring_in_all(plan: Plan) -> tuple[Outcome, ...]:
    """Fetch every image of the plan, several at a time; each has its own outcome."""
    going = [
        (action, bring_in.submit(str(action.title), action, plan.made_at))
        for action in plan.of_kind(ActionKind.DOWNLOAD)
    ]
    return tuple(awaited(future, partial(failed_outcome, action)) for action, future in going)


def retire_replaced(plan: Plan, wants: tuple[Want, ...]) -> tuple[Outcome, ...]:
    """Retire what the plan lets go, repository by repository, after everything new is in, and empty the trash there."""
    going = plan.of_kind(ActionKind.RETIRE)
    emptying = (copy.repository for copy in overdue(current_library()))
    repositories = dict.fromkeys([*(action.repository for action in going), *emptying])
    return tuple(
        outcome
        for name in repositories
        for outcome in _pruned(name, tuple(action for action in going if action.repository == name), wants)
    )


def _pruned(repository: str, going: tuple[Action, ...], wants: tuple[Want, ...]) -> tuple[Outcome, ...]:
    try:
        return patient(prune)(repository, going, wants)
    except IsoManagerError as wrong:
        return (Outcome(outcome=OutcomeKind.FAILED, repository=repository, reason=str(wrong), code=wrong.code),)
