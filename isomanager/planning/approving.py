"""Parts of a plan that are left out: what a person did not approve, and what a budget has no room for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection

from isomanager.model import Action, ActionKind, Plan

_CHANGES = (ActionKind.DOWNLOAD, ActionKind.RETIRE)


def asks_for_approval(plan: Plan) -> bool:
    """Whether the plan changes anything that a person could approve."""
    return bool(plan.of_kind(*_CHANGES))


def choice_of(action: Action) -> str:
    """What an action is called where a person chooses among them."""
    return f"{action.kind} {action.title or action.selector} in {action.repository}"


def choices_of(plan: Plan) -> tuple[str, ...]:
    """The actions a person may choose among, in the plan's order."""
    return tuple(dict.fromkeys(choice_of(one) for one in plan.of_kind(*_CHANGES)))


def only_chosen(plan: Plan, chosen: Collection[str]) -> Plan:
    """The plan with everything left out that was not chosen. A copy whose replacement was left out stays, since the plan is judged
    again as it acts."""
    return _leave_out(
        plan, lambda one: one.kind in _CHANGES and choice_of(one) not in chosen, "not approved", "not-approved"
    )


def within_budget(plan: Plan, budget: int) -> Plan:
    """The plan with the downloads left out that `budget` bytes have no room for, in the plan's order; an image whose size nobody
    tells may be larger than any budget."""
    left = budget
    over: set[int] = set()
    for place, one in enumerate(plan.actions):
        if one.kind is not ActionKind.DOWNLOAD:
            continue
        if one.cost is None or one.cost > left:
            over.add(place)
        else:
            left -= one.cost
    told = f"left out: the budget of {budget} bytes has no room for it"
    places = {id(plan.actions[place]) for place in over}
    return _leave_out(plan, lambda one: id(one) in places, told, "over-budget")


def _leave_out(plan: Plan, left_out: Callable[[Action], bool], reason: str, code: str) -> Plan:
    changed = {"kind": ActionKind.SKIP, "reason": reason, "code": code, "cost": 0, "frees": 0, "expectation": None}
    actions = tuple(one.model_copy(update=changed) if left_out(one) else one for one in plan.actions)
    return plan.model_copy(update={"actions": actions})
