"""Approval: a person sees the plan and its costs and says what is done; in the terminal, or in the form of a paused run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, cast

from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import Field, create_model

from flows.asking import PATIENCE, one_of
from isomanager.model import Plan
from isomanager.planning.approving import asks_for_approval, choice_of, choices_of, only_chosen
from isomanager.planning.costs import Costs

_MOST_SHOWN = 200

Ask = Callable[[Plan, Costs], Collection[str]]
"""Shows a plan and gives the choices (`choices_of`) that were approved."""

_asking: list[Ask] = []


@contextmanager
def answering(ask: Ask) -> Iterator[None]:
    """While the block lasts, `ask` is asked in place of pausing the run."""
    _asking.append(ask)
    try:
        yield
    finally:
        _asking.remove(ask)


def approved(plan: Plan, costs: Costs) -> Plan:
    """The plan as a person approves it; what they leave out is skipped, and says so. Where nothing changes nothing is asked."""
    if not asks_for_approval(plan):
        return plan
    chosen = _asking[-1](plan, costs) if _asking else _asked_in_form(plan, costs)
    return only_chosen(plan, chosen)


def _asked_in_form(plan: Plan, costs: Costs) -> Collection[str]:
    """Pause the run until a person has approved, in a form with everything the plan would change."""
    offered = choices_of(plan)
    choices: Any = one_of(offered)
    go_on: Any = Field(default=True, title="Go on", description="Switch off to do nothing of it.")
    leave_out: Any = Field(default=[], title="Leave out", description="What is not to be done this time.")
    form = cast(
        "Any",
        create_model("Approval", __base__=RunInput, go_on=(bool, go_on), leave_out=(list[choices], leave_out)),
    )
    told = form.with_initial_data(description=described(plan, costs))
    answer = pause_flow_run(wait_for_input=told, timeout=PATIENCE, poll_interval=5)
    return [one for one in offered if one not in answer.leave_out] if answer.go_on else []


def described(plan: Plan, costs: Costs) -> str:
    """Plan and costs as Markdown."""
    offered = set(choices_of(plan))
    rows = [one for one in plan.actions if choice_of(one) in offered]
    table = [
        f"| {one.kind} | {one.title or one.selector} | {one.repository} | {one.cost or one.frees} | {one.why} |"
        for one in rows[:_MOST_SHOWN]
    ]
    more = [f"and {len(rows) - _MOST_SHOWN} more"] if len(rows) > _MOST_SHOWN else []
    heads = ["| action | image | repository | bytes | why |", "|---|---|---|---|---|"]
    return "\n".join([*costs_told(costs), "", *heads, *table, *more])


def costs_told(costs: Costs) -> list[str]:
    """The costs as lines of Markdown."""
    from isomanager.inventory.report.page import readable_size

    time = "" if costs.seconds is None else f", in about {costs.seconds:.0f} s as downloads went before"
    more = f", {costs.unknown} of them of unknown size" if costs.unknown else ""
    images = "1 image" if costs.images == 1 else f"{costs.images} images"
    lines = [f"Fetches {images}{more}, {readable_size(costs.bytes)}{time}."]
    for room in costs.rooms:
        before, after = (
            "unknown" if one is None else readable_size(max(0, one)) for one in (room.free_before, room.free_after)
        )
        lines.append(f"- {room.repository}: {before} free now, {after} once all is done and the trash is emptied.")
    return lines
