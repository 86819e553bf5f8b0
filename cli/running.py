"""Running a flow from the terminal: Prefect kept quiet, progress shown live, the report given back whatever the end state."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cli.progress import terminal_progress

if TYPE_CHECKING:
    from isomanager.library.outcomes import RunReport
    from tasks.progress import Moment


def quiet_prefect(verbosity: int) -> None:
    """Set, before prefect is imported, how much of its own log reaches the terminal. Its server gets all of it."""
    level = {0: "CRITICAL", 1: "INFO"}.get(verbosity, "DEBUG")
    os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = level


class Run:
    """Calls a flow."""

    def __init__(self, *, show_progress: bool) -> None:
        self._show_progress = show_progress

    def __call__(self, flow: Callable[[], RunReport]) -> RunReport:
        """The flow's report; of a failed run the one that its error carries."""
        from flows.reporting import RunFailed
        from tasks.progress import listening

        def tell(moment: Moment) -> None:
            show(moment.image, moment.done, moment.total)

        with terminal_progress(shown=self._show_progress) as show, listening(tell):
            try:
                return flow()
            except RunFailed as failed:
                return failed.report


def report_json(report: RunReport) -> dict[str, Any]:
    """A run's result as `--json` prints it: a contract for other programs."""
    outcomes = [one.model_dump(mode="json") | {"image": str(one.title or one.selector)} for one in report.outcomes]
    plan = [
        action.model_dump(mode="json", exclude={"expectation"}) | {"image": str(action.title or action.selector)}
        for action in (report.plan.actions if report.plan else ())
    ]
    return {
        "outcomes": outcomes,
        "totals": report.totals,
        "plan": plan,
        "recovered": report.recovered,
        "indexes": report.indexes,
        "seconds": round(report.seconds, 3),
    }
