from hypothesis import given
from hypothesis import strategies as st

from isomanager.transfer.blocks.segments import LEAST_HERE, MISSING, Segment, blocks_of, nowhere, segments, to_fetch

BLOCK = 32 << 10


def places(*told: int) -> object:
    found = nowhere(len(told))
    for number, at in enumerate(told):
        found[number] = at
    return found


def test_blocks_that_follow_each_other_here_are_read_in_one_go() -> None:
    plan = segments(4 * BLOCK, BLOCK, places(7, 7 + BLOCK, 0, BLOCK))  # type: ignore[arg-type]
    assert plan == (Segment(0, 2 * BLOCK, 7), Segment(2 * BLOCK, 2 * BLOCK, 0))


def test_what_is_missing_is_fetched_in_one_go_and_a_crumb_between_with_it() -> None:
    plan = segments(5 * BLOCK, BLOCK, places(MISSING, BLOCK, MISSING, 3 * BLOCK, 4 * BLOCK))  # type: ignore[arg-type]
    assert plan == (Segment(0, 3 * BLOCK), Segment(3 * BLOCK, 2 * BLOCK, 3 * BLOCK))
    assert BLOCK < LEAST_HERE
    assert to_fetch(plan) == 3 * BLOCK


def test_a_file_within_a_torrent_begins_within_a_piece() -> None:
    assert blocks_of(BLOCK, BLOCK, first=1) == 2
    plan = segments(BLOCK, BLOCK, places(MISSING, BLOCK - 1), first=1)  # type: ignore[arg-type]
    assert plan == (Segment(0, BLOCK - 1), Segment(BLOCK - 1, 1, BLOCK - 1))


@given(st.data())
def test_every_byte_is_in_exactly_one_segment_and_what_is_here_is_at_its_place(data: st.DataObject) -> None:
    size, first = data.draw(st.integers(1, 20 * BLOCK)), data.draw(st.integers(0, BLOCK - 1))
    count = blocks_of(size, BLOCK, first=first)
    told = data.draw(st.lists(st.one_of(st.just(MISSING), st.integers(0, 1 << 40)), min_size=count, max_size=count))
    plan = segments(size, BLOCK, places(*told), first=first)  # type: ignore[arg-type]
    at = 0
    for one in plan:
        assert one.start == at
        assert one.length > 0
        if one.at is not None:
            number, within = divmod(one.start + first, BLOCK)
            begin = within if number else within - first
            assert one.at == told[number] + begin
        at = one.end
    assert at == size
