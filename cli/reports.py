"""Plans and run reports as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from cli.output import say
from cli.tables import print_table, size

if TYPE_CHECKING:
    from isomanager.library.outcomes import RunReport
    from isomanager.model import Plan
    from isomanager.planning.costs import Costs


Moved = Literal["fetched", "copied", "written"]
"""What a command does with bytes: from upstream, between places of ours, or to a medium."""
_COLUMNS: dict[Moved, str] = {"fetched": "fetches", "copied": "copies", "written": "writes"}


def print_plan(plan: Plan, costs: Costs | None = None, *, moved: Moved = "fetched") -> None:
    """The plan as a table, its costs below."""
    word = _COLUMNS[moved]
    rows = (
        (
            "copy" if moved == "copied" and action.kind == "download" else action.kind,
            action.title or action.selector,
            action.repository,
            size(action.cost) if action.cost != 0 else "",
            size(action.frees) if action.frees else "",
            action.why,
        )
        for action in plan.actions
    )
    columns = ("action", "image", "repository", word, "frees", "why")
    print_table(columns, rows, below=("why",), empty="Nothing to do.")
    if plan.actions:
        unknown = sum(action.cost is None for action in plan.actions)
        more = f" and {unknown} of unknown size" if unknown else ""
        print(f"{word.capitalize()} {size(plan.cost)}{more}, lets go of {size(plan.frees)}.{_time_told(costs)}")
        for room in costs.rooms if costs else ():
            before, after = (size(one) if one is not None else "unknown" for one in (room.free_before, room.free_after))
            print(f"{room.repository}: {before} free now, {after} once all is done and the trash is emptied.")


def _time_told(costs: Costs | None) -> str:
    return f" About {costs.seconds:.0f} s, as downloads went before." if costs and costs.seconds else ""


def print_report(report: RunReport, *, moved: Moved = "fetched") -> None:
    """What became of each image, what an interrupted run had left, and the totals: of each place, where images were copied to
    several."""
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
    if several and moved == "copied":
        for place, totals in report.places.items():
            print(f"{place}: {_counted(totals, moved)}.")
    print(f"{_counted(report.totals, moved)} in {report.seconds:.1f} s.")
    for told in report.indexes:
        if "not rewritten" in told:
            say(f"isomanager: {told}")


def _counted(totals: dict[str, int], moved: Moved) -> str:
    """How many of each outcome, and the bytes if any moved."""
    counts = ", ".join(f"{count} {kind}" for kind, count in totals.items() if count and kind != "bytes")
    bytes_told = f"; {size(totals['bytes'])} {moved}" if totals["bytes"] else ""
    return f"{counts or 'no images'}{bytes_told}"
