"""Prune: retire what nothing wants any more, without fetching anything."""

from __future__ import annotations

from time import monotonic

from prefect import flow

from flows.gathering import answered
from flows.reporting import finish, show_plan
from flows.running import image_threads, named, running
from flows.update import retire_replaced
from isomanager.library.choosing import chosen_subscriptions
from isomanager.library.indexing import refresh_indexes
from isomanager.library.outcomes import RunReport
from isomanager.library.planning_updates import make_plan, with_others
from isomanager.library.recording import recorded
from isomanager.library.recovering import let_go_of_abandoned, recover
from isomanager.model import ActionKind


@flow(name="prune", flow_run_name=named("prune"), task_runner=image_threads(), persist_result=False)
def prune(what: list[str] = [], dry_run: bool = True) -> RunReport:  # noqa: B006 - never changed
    """Retire replaced versions to the trash, and empty the trash of what has been there long enough.

    Args:
        what: Families, products or selectors; none means every subscription.
        dry_run: Only show what would go, and why. Switch it off to let it go.
    """
    started = monotonic()
    with running() as library:
        found = recover(library)
        wants = answered(library, chosen_subscriptions(library, what))
        whole = make_plan(library, wants)
        plan = whole.model_copy(update={"actions": whole.of_kind(ActionKind.RETIRE)})
        show_plan(plan)
        if dry_run:
            return RunReport(plan=plan, recovered=found)
        everyone = with_others(library, wants)
        found = (*found, *let_go_of_abandoned(library, whole, everyone))
        with recorded(library, "prune") as record:
            outcomes = record(retire_replaced(plan, everyone))
        indexes = refresh_indexes(library)
        report = RunReport(
            plan=plan, outcomes=outcomes, recovered=found, indexes=indexes, seconds=monotonic() - started
        )
        return finish(library, report)
