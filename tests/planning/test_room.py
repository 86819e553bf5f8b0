"""What fits is fetched; what does not is refused, and said what would make room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from isomanager.model import Action, ActionKind
from isomanager.planning.room import Reclaimable, Room, boundless, fitting
from isomanager.planning.update import plan_update
from planning.test_update import NOW, OPEN, copy, selects, told, want


def download(size: int | None, repository: str = "nas") -> Action:
    return Action(kind=ActionKind.DOWNLOAD, repository=repository, reason="not held", cost=size)


def test_what_does_not_fit_is_refused_and_the_old_version_stays() -> None:
    room = Room(free=99, limit="of its quota of 500", reclaimable=lambda: Reclaimable(trash=40, old=60))
    made = plan_update(
        [want("24.04.4")], [copy("24.04.3")], selects=selects, guards=OPEN, now=NOW, room_of=lambda _name: room
    )
    assert told(made) == [("fail", "24.04.4")]
    (refused,) = made.actions
    assert refused.code == "no-space"
    assert "needs 100 bytes, and nas has 99 left of its quota of 500" in refused.reason
    assert "`isomanager trash empty --all` frees 40 bytes" in refused.reason
    assert "take 60 bytes" in refused.reason


def test_a_smaller_image_still_comes_when_a_larger_one_has_no_room() -> None:
    decided = fitting([download(60), download(60), download(40), download(None)], lambda _name: Room(free=100))
    assert [one.kind.value for one in decided] == ["download", "fail", "download", "download"]


def test_where_nobody_knows_of_a_limit_everything_is_tried() -> None:
    assert fitting([download(1 << 50)], boundless) == [download(1 << 50)]


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from(["nas", "s3"])), max_size=8), st.integers(0, 120))
def test_no_plan_promises_more_than_there_is(wanted: list[tuple[int, str]], free: int) -> None:
    decided = fitting([download(size, name) for size, name in wanted], lambda _name: Room(free=free))
    assert len(decided) == len(wanted)
    for name in ("nas", "s3"):
        coming = [one for one in decided if one.kind is ActionKind.DOWNLOAD and one.repository == name]
        assert sum(one.cost or 0 for one in coming) <= free
