"""What is contiguous, whatever the order of writes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from isomanager.storage.extents import Extents

RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 8)).map(lambda pair: (pair[0], sum(pair))), max_size=30)


@settings(deadline=None)  # the machine may be busy
@given(RANGES, st.integers(0, 10))
def test_knows_the_contiguous_beginning(ranges: list[tuple[int, int]], begun: int) -> None:
    extents, written = Extents(begun), set(range(begun))
    for start, end in ranges:
        extents.add(start, end)
        written |= set(range(start, end))
        reached = next(number for number in range(60) if number not in written)
        assert extents.contiguous == reached


def test_joins_islands_that_are_reached() -> None:
    extents = Extents()
    extents.add(4, 8)
    extents.add(2, 4)
    assert extents.add(0, 2) == 8
    assert extents.add(8, 9) == 9
