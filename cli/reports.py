"""Plans and run reports as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.output import say
from cli.tables import print_table, size

if TYPE_CHECKING:
    from isomanager.library.outcomes import RunReport
    from isomanager.model import Plan
    from isomanager.planning.costs import Costs


def print_plan(plan: Plan, costs: Costs | None = None) -> None:
    """The plan as a table, its costs below."""
    rows = (
        (
            action.kind,
            action.title or action.selector,
            action.repository,
            size(action.cost) if action.cost != 0 else "",
            size(action.frees) if action.frees else "",
            action.why,
        )
        for action in plan.actions
    )
    columns = ("action", "image", "repository", "fetches", "frees", "why")
    print_table(columns, rows, below=("why",), empty="Nothing to do.")
    if plan.actions:
        unknown = sum(action.cost is None for action in plan.actions)
        more = f" and {unknown} of unknown size" if unknown else ""
        print(f"Fetches {size(plan.cost)}{more}, lets go of {size(plan.frees)}.{_time_told(costs)}")
        for room in costs.rooms if costs else ():
            before, after = (size(one) if one is not None else "unknown" for one in (room.free_before, room.free_after))
            print(f"{room.repository}: {before} free now, {after} once all is done and the trash is emptied.")


def _time_told(costs: Costs | None) -> str:
    return f" About {costs.seconds:.0f} s, as downloads went before." if costs and costs.seconds else ""


def print_report(report: RunReport) -> None:
    """What became of each image, what an interrupted run had left, and the totals."""
    for told in report.recovered:
        say(f"Recovered: {told}")
    several = len({one.repository for one in report.outcomes if one.repository}) > 1
    rows = (
        (
            one.outcome,
            one.title or one.selector,
            *((one.repository,) if several else ()),
            size(one.bytes) if one.bytes else "",
            one.assurance if one.assurance.rank else "",
            one.path,
            one.why,
        )
        for one in report.outcomes
    )
    columns = ("outcome", "image", *(("repository",) if several else ()), "size", "assurance", "path", "why")
    print_table(columns, rows, below=("path", "why"), empty="Nothing to do.")
    totals = ", ".join(f"{count} {kind}" for kind, count in report.totals.items() if count and kind != "bytes")
    print(f"{totals or 'no images'}; {size(report.totals['bytes'])} fetched in {report.seconds:.1f} s.")
    for told in report.indexes:
        if "not rewritten" in told:
            say(f"isomanager: {told}")
