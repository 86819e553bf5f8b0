"""Who does what, and what is stuck, told from the inventory alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain_update import update
from isomanager.inventory.leases import SeenLease
from isomanager.inventory.runs import Run
from isomanager.library.leasing import leased_copy
from isomanager.library.opening import Library
from isomanager.library.recording import recorded
from isomanager.library.standing import alarm, run_called, standing, work_on
from isomanager.model import Copy, CopyState, Family, Title
from isomanager.version import Version
from library.conftest import SERVER, Clock, PlanFor, held

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
COPY = Copy(
    id="c", repository="default", path="x.iso", title=Title(family=Family.LINUX, product="x", version=Version("1")),
    state=CopyState.RESERVED, created_at=NOW, changed_at=NOW,
)  # fmt: skip


def run(days_ago: float | None) -> Run:
    ended = None if days_ago is None else NOW - timedelta(days=days_ago)
    return Run(id="abc", name="update", started_at=NOW, finished_at=ended)


def test_a_copy_under_a_live_lease_is_being_worked_on_by_its_holder() -> None:
    found = work_on(COPY, SeenLease("copy:c", "host:1:a", NOW, live=True), (10, 100))
    assert (found.who, found.done, found.total, found.stuck) == ("host:1:a", 10, 100, "")


def test_a_copy_that_nobody_holds_is_stuck_since_it_changed() -> None:
    assert "nobody is at it since 2026-11-27 12:00" in work_on(COPY, None, None).stuck


def test_a_copy_whose_holder_has_fallen_silent_says_whose_it_was_and_since_when() -> None:
    found = work_on(COPY, SeenLease("copy:c", "host:1:a", NOW - timedelta(hours=1), live=False), None)
    assert found.stuck.startswith("host:1:a was last heard of at 2026-11-27 11:00")


def test_the_alarm_is_raised_when_nothing_ran_for_too_long_and_something_is_wanted() -> None:
    assert "for 4 days" in alarm(run(4), NOW, 3, wanted=True)
    assert alarm(run(2.9), NOW, 3, wanted=True) == ""
    assert "ever" in alarm(None, NOW, 3, wanted=True)
    assert alarm(None, NOW, 3, wanted=False) == ""


def test_the_library_tells_what_is_under_way_and_what_ended_last(
    library: Library, plan_for: PlanFor, clock: Clock
) -> None:
    plan_for(SERVER)
    update(library)
    (copy,) = held(library)
    with recorded(library, "update"):
        (going,) = standing(library).runs
        assert going.finished_at is None
    with leased_copy(library, copy.id) as lease:
        library.inventory.transition(copy.id, CopyState.RETIRING, expected=CopyState.HELD, lease=lease)
        (work,) = standing(library).work
        assert (work.who, work.stuck) == (library.owner.name, "")
    (work,) = standing(library).work
    assert "nobody is at it" in work.stuck
    assert standing(library).last is not None
    clock.pass_(days=9)
    assert run_called(library.inventory.runs(), "update") is not None


def test_a_run_is_found_by_the_beginning_of_its_id() -> None:
    assert run_called([run(1)], "ab") is not None
    assert run_called([run(1)], "zz") is None
