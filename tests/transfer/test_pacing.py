"""More connections are opened as long as more bring more, and closed again where they do not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from isomanager.transfer.pacing import GROWTH, PATIENCE, PERIOD, Pace

GIB = 1 << 30


def run(
    speed: Callable[[int], float], seconds: float, *, most: int = 16, busy: bool = False, size: int = 64 * GIB
) -> list[int]:
    """The numbers of connections wanted, period by period, on a line that brings `speed(connections)` bytes a second."""
    pace, now, came, wanted = Pace(), 0.0, 0.0, [1]
    while now < seconds and came < size:
        wanted.append(pace.judge(now, int(came), int(size - came), most, busy=busy))
        now += PERIOD
        came += speed(wanted[-1]) * PERIOD
    return wanted


def test_a_line_that_gives_each_connection_a_share_gets_all_that_are_allowed() -> None:
    told = run(lambda connections: connections * 5e6, 10)
    assert told[-1] == 16
    assert told.index(16) <= 8


def test_a_full_line_keeps_its_one_connection() -> None:
    told = run(lambda _: 100e6, 20)
    assert (told[-1], max(told)) == (1, GROWTH)
    assert sum(one > 1 for one in told) <= 5


def test_what_did_not_help_is_tried_again_much_later_only() -> None:
    told = run(lambda _: 100e6, 2 * PATIENCE - 10)
    tries = sum(before == 1 and after > 1 for before, after in pairwise(told))
    assert tries == 2


def test_a_line_that_is_full_with_some_connections_keeps_those() -> None:
    told = run(lambda connections: min(connections, 4) * 5e6, 20)
    assert told[-1] == 4


def test_a_machine_that_cannot_take_more_asks_for_no_more() -> None:
    assert max(run(lambda connections: connections * 5e6, 10, busy=True)) == 1


def test_a_file_that_is_nearly_there_needs_no_more() -> None:
    assert max(run(lambda connections: connections * 300e6, 10, size=GIB)) == 1


def test_no_more_than_are_allowed() -> None:
    assert max(run(lambda connections: connections * 5e6, 10, most=3)) == 3
