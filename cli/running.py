"""Running a flow from the terminal: Prefect kept quiet, progress shown live, the report given back whatever the end state."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from cli.output import FAILED, print_json, say
from isomanager.errors import UsageError

if TYPE_CHECKING:
    from cli.reports import Moved
    from isomanager.library.outcomes import RunReport
    from isomanager.model import Plan
    from isomanager.planning.costs import Costs
    from tasks.progress import Moment


def quiet_prefect(verbosity: int) -> None:
    """Set, before prefect is imported, how much of its own log reaches the terminal. Its server gets all of it."""
    level = {0: "CRITICAL", 1: "INFO"}.get(verbosity, "DEBUG")
    os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = level
    # what isomanager itself logs belongs to the run it logs it in; outside of one there is no run to tell
    os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "isomanager")
    os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")


class Run:
    """Calls a flow."""

    def __init__(self, *, show_progress: bool) -> None:
        self._show_progress = show_progress

    def __call__(self, flow: Callable[[], RunReport]) -> RunReport:
        """The flow's report; of a failed run the one that its error carries."""
        from cli.progress import terminal_progress
        from flows.reporting import RunFailed
        from tasks.progress import listening

        def tell(moment: Moment) -> None:
            show(moment.image, moment.done, moment.total)

        with terminal_progress(shown=self._show_progress) as show, listening(tell):
            try:
                return flow()
            except RunFailed as failed:
                return failed.report


def require_terminal() -> None:
    """UsageError where nobody can answer a question, before a server is started."""
    if not sys.stdin.isatty():
        raise UsageError(
            "Nobody can approve the plan: this is no terminal.", hint="Look with --dry-run, then go on without asking."
        )


def ask_in_terminal(plan: Plan, costs: Costs) -> Collection[str]:
    """Show a plan with its costs, and ask; everything of it, or nothing."""
    from cli.reports import print_plan
    from isomanager.planning.approving import choices_of

    print_plan(plan, costs)
    return choices_of(plan) if typer.confirm("Do that?") else ()


@contextmanager
def flows(verbosity: int, *, as_json: bool) -> Iterator[Run]:
    """A Prefect API to run on, and live progress in the terminal unless logs or JSON are asked for."""
    from deployments.server import prefect_api
    from isomanager.settings import load_settings

    settings = load_settings()
    quiet_prefect(verbosity)
    with prefect_api(settings, say):
        yield Run(show_progress=not as_json and verbosity == 0)


def tell(report: RunReport, *, as_json: bool, dry_run: bool = False, moved: Moved = "fetched") -> None:
    """Print what a run did, or would do; exit code 1 when an image failed. `moved` is the word for what becomes of bytes."""
    from cli.reports import print_plan, print_report

    if as_json:
        print_json(report_json(report))
    elif dry_run and report.plan is not None:
        print_plan(report.plan, report.costs, moved=moved)
    else:
        print_report(report, moved=moved)
    if report.bad:
        raise typer.Exit(FAILED)


def report_json(report: RunReport) -> dict[str, Any]:
    """A run's result as `--json` prints it: a contract for other programs."""
    outcomes = [one.model_dump(mode="json") | {"image": str(one.title or one.selector)} for one in report.outcomes]
    return {
        "outcomes": outcomes,
        "totals": report.totals,
        "places": report.places,
        "plan": plan_json(report.plan)["actions"] if report.plan else [],
        "costs": report.costs.model_dump(mode="json") if report.costs else None,
        "recovered": report.recovered,
        "indexes": report.indexes,
        "seconds": round(report.seconds, 3),
    }


def plan_json(plan: Plan, costs: Costs | None = None) -> dict[str, Any]:
    """A plan as `--json` prints it, without the evidence that its downloads carry."""
    actions = [
        action.model_dump(mode="json", exclude={"expectation"}) | {"image": str(action.title or action.selector)}
        for action in plan.actions
    ]
    told = {"made_at": plan.made_at.isoformat(), "actions": actions, "cost": plan.cost, "frees": plan.frees}
    return told | ({"costs": costs.model_dump(mode="json")} if costs else {})
