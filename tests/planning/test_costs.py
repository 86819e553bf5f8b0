"""What a plan costs, and the parts of it that a person or a budget leaves out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomanager.model import Action, ActionKind, Family, Outcome, OutcomeKind, Plan, Title
from isomanager.planning.approving import choices_of, only_chosen, within_budget
from isomanager.planning.costs import costs_of, remembered_rates
from isomanager.version import Version

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def title(product: str, version: str = "1.0") -> Title:
    return Title(family=Family.LINUX, product=product, version=Version(version))


def fetch(product: str, cost: int | None, repository: str = "nas") -> Action:
    return Action(kind=ActionKind.DOWNLOAD, title=title(product), repository=repository, reason="not held", cost=cost)


def retire(product: str, frees: int) -> Action:
    return Action(kind=ActionKind.RETIRE, title=title(product, "0.9"), repository="nas", reason="replaced", frees=frees)


def plan(*actions: Action) -> Plan:
    return Plan(made_at=NOW, actions=actions)


def test_rates_are_remembered_of_what_was_fetched_and_large_enough() -> None:
    def told(product: str, size: int, seconds: float, kind: OutcomeKind = OutcomeKind.PUBLISHED) -> Outcome:
        return Outcome(outcome=kind, title=title(product), bytes=size, seconds=seconds)

    outcomes = [
        told("a", 1 << 20, 1.0),
        told("b", 3 << 20, 1.0),
        told("c", 10, 9.0),
        told("d", 9 << 20, 1.0, OutcomeKind.FAILED),
    ]
    assert remembered_rates(outcomes) == {"a": 1 << 20, "b": 3 << 20, "": 2 << 20}


def test_costs_tell_bytes_time_and_room() -> None:
    costs = costs_of(
        plan(fetch("a", 100), fetch("b", 300), retire("a", 50)), {"": 10.0, "b": 100.0}, {"nas": 1000}, at_once=2
    )
    assert (costs.bytes, costs.images, costs.seconds) == (400, 2, 10.0), "as long as the slowest of the two"
    (room,) = costs.rooms
    assert (room.free_before, room.fetches, room.frees, room.free_after) == (1000, 400, 50, 650)


def test_time_and_room_that_nobody_can_tell_are_not_guessed() -> None:
    costs = costs_of(plan(fetch("a", 100), fetch("b", None)), {"a": 10.0}, {}, at_once=4)
    assert (costs.seconds, costs.unknown, costs.rooms[0].free_after) == (None, 1, None)
    assert costs_of(plan(), {}, {}, at_once=4).seconds == 0.0


@given(st.lists(st.one_of(st.none(), st.integers(0, 100)), max_size=12), st.integers(1, 300))
def test_a_budget_is_never_exceeded_and_never_wasted_on_what_does_not_fit(sizes: list[int | None], budget: int) -> None:
    made = within_budget(plan(*(fetch(f"p{place}", size) for place, size in enumerate(sizes))), budget)
    assert made.cost <= budget
    left_out = [sizes[place] for place, one in enumerate(made.actions) if one.kind is ActionKind.SKIP]
    assert all(size is None or size > 0 for size in left_out)
    if sum(size or 0 for size in sizes) <= budget:
        assert set(left_out) <= {None}


@pytest.mark.parametrize("chosen", [0, 1, 2, 3])
def test_only_what_was_chosen_is_done(chosen: int) -> None:
    whole = plan(fetch("a", 100), fetch("b", 300), retire("a", 50))
    offered = choices_of(whole)
    made = only_chosen(whole, offered[:chosen])
    assert choices_of(made) == offered[:chosen]
    assert {one.code for one in made.of_kind(ActionKind.SKIP)} <= {"not-approved"}
    assert len(made.actions) == 3
