from __future__ import annotations

from pathlib import Path

import pytest

from domain_update import answers, update
from isomanager.library.leasing import leased_copy
from isomanager.library.opening import Library
from isomanager.library.planning_updates import make_plan, with_others
from isomanager.library.pruning import empty_trash, guards_for, overdue, prune_repository
from isomanager.library.subscribing import subscribe
from isomanager.model import ActionKind, Copy, CopyState, Keep, OutcomeKind, Plan, Selector
from isomanager.planning.wanting import Want
from isomanager.sample.upstream import SampleUpstream
from library.conftest import SERVER, Clock, PlanFor, held


@pytest.fixture
def old(library: Library, upstream: SampleUpstream, plan_for: PlanFor) -> Copy:
    """A release that has been replaced: both are held, and nothing keeps the old one."""
    plan_for()
    subscribe(library, Selector.parse(SERVER), old="keep")
    update(library)
    (copy,) = held(library)
    upstream.publish("orchard")
    update(library)
    subscribe(library, Selector.parse(SERVER), old="trash")
    return copy


def planned(library: Library) -> tuple[Plan, tuple[Want, ...]]:
    wants = answers(library)
    return make_plan(library, wants), with_others(library, wants)


def test_what_was_replaced_goes_to_the_trash_whole(library: Library, old: Copy, repository: Path) -> None:
    content = (repository / old.path).read_bytes()
    plan, wants = planned(library)
    (action,) = plan.of_kind(ActionKind.RETIRE)
    assert (action.copy_id, action.frees) == (old.id, old.size)
    (outcome,) = prune_repository(library, "default", [action], wants)
    assert outcome.outcome is OutcomeKind.RETIRED
    trashed = library.inventory.copy(old.id)
    assert trashed.state is CopyState.TRASHED
    assert "replaces it" in trashed.reason
    assert (repository / trashed.trash_path).read_bytes() == content
    assert not (repository / old.path).exists()


def test_what_became_wanted_since_the_plan_stays_and_says_so(library: Library, old: Copy) -> None:
    plan, _ = planned(library)
    subscribe(library, Selector.parse(f"sample-orchard/server@{old.title.version}"))
    _, wants = planned(library)
    (outcome,) = prune_repository(library, "default", plan.of_kind(ActionKind.RETIRE), wants)
    assert outcome.outcome is OutcomeKind.SKIPPED
    assert "it stays after all" in outcome.reason
    assert library.inventory.copy(old.id).state is CopyState.HELD


def test_what_lost_its_replacement_since_the_plan_stays(library: Library, old: Copy) -> None:
    plan, wants = planned(library)
    new = next(copy for copy in held(library) if copy.id != old.id)
    library.inventory.transition(new.id, CopyState.SUSPECT, expected=CopyState.HELD, reason="failed a proof")
    (outcome,) = prune_repository(library, "default", plan.of_kind(ActionKind.RETIRE), wants)
    assert outcome.outcome is OutcomeKind.SKIPPED
    assert library.inventory.copy(old.id).state is CopyState.HELD


def test_what_is_gone_already_is_skipped(library: Library, old: Copy) -> None:
    plan, wants = planned(library)
    going = plan.of_kind(ActionKind.RETIRE)
    prune_repository(library, "default", going, wants)
    (again,) = prune_repository(library, "default", going, wants)
    assert (again.outcome, again.reason) == (OutcomeKind.SKIPPED, "it is no longer held")


def test_what_somebody_is_working_on_is_left_alone_and_told(library: Library, another: Library, old: Copy) -> None:
    plan, wants = planned(library)
    with leased_copy(another, old.id):
        (outcome,) = prune_repository(library, "default", plan.of_kind(ActionKind.RETIRE), wants)
    assert outcome.outcome is OutcomeKind.SKIPPED
    assert "is working on it" in outcome.reason
    assert library.inventory.copy(old.id).state is CopyState.HELD


def test_the_trash_is_emptied_after_its_days_and_not_before(
    library: Library, old: Copy, repository: Path, clock: Clock
) -> None:
    update(library)
    trashed = library.inventory.copy(old.id)
    clock.pass_(days=library.settings.trash_days, hours=-1)
    assert empty_trash(library, "default") == overdue(library) == ()
    assert (repository / trashed.trash_path).exists()
    clock.pass_(hours=2)
    assert [copy.id for copy in overdue(library)] == [old.id]
    assert empty_trash(library, "default") == ()
    assert not (repository / trashed.trash_path).exists()
    gone = library.inventory.copy(old.id)
    assert gone.state is CopyState.GONE
    assert "replaces it" in gone.reason
    assert "removed from the trash" in gone.reason


def test_trash_that_cannot_be_removed_is_told_and_costs_nothing_else(
    library: Library, another: Library, old: Copy, clock: Clock
) -> None:
    update(library)
    clock.pass_(days=library.settings.trash_days + 1)
    with leased_copy(another, old.id):
        (outcome,) = empty_trash(library, "default")
    assert (outcome.outcome, outcome.code) == (OutcomeKind.FAILED, "lease-lost")
    assert library.inventory.copy(old.id).state is CopyState.TRASHED


def test_a_repository_that_shows_nothing_loses_nothing(library: Library, tmp_path: Path, repository: Path) -> None:
    assert guards_for(library, ["default"]).listed == frozenset(), "empty"
    (repository / "some.iso").write_bytes(b"x")
    assert guards_for(library, ["default"]).listed == {"default"}
    repository.rename(tmp_path / "unmounted")
    assert guards_for(library, ["default"]).listed == frozenset(), "not there"


def test_so_many_versions_are_kept(library: Library, old: Copy) -> None:
    subscribe(library, Selector.parse(SERVER), keep=Keep(last=2))
    plan, _ = planned(library)
    assert plan.of_kind(ActionKind.RETIRE) == ()
