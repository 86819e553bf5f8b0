"""Connections share a file without holes and without bringing a byte twice, whatever order they come in."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from isomanager.transfer.spans import Span, Spans

GRANULE = 10


def brought(spans: Spans, span: Span, length: int | None = None) -> None:
    spans.came(span, span.left if length is None else length)


def test_one_connection_takes_all_that_is_missing() -> None:
    spans = Spans(7, 95, GRANULE)
    span = spans.take(None, 10)
    assert span is not None
    assert (span.at, span.end, spans.front, spans.missing) == (7, 95, 7, 88)
    brought(spans, span)
    spans.ended(span)
    assert (spans.front, spans.missing) == (95, 0)


def test_a_span_ends_where_a_granule_does() -> None:
    spans = Spans(7, 95, GRANULE)
    taken = [spans.take(12, 95) for _ in range(5)]
    assert [(one.at, one.end) for one in taken if one] == [(7, 20), (20, 40), (40, 60), (60, 80), (80, 95)]
    assert spans.take(12, 95) is None


def test_nothing_beyond_the_window_is_begun() -> None:
    spans = Spans(0, 100, GRANULE)
    assert spans.take(30, 30)
    assert spans.take(30, 30) is None
    assert spans.take(30, 31)


def test_what_a_connection_left_is_taken_first() -> None:
    spans = Spans(0, 100, GRANULE)
    first, second = spans.take(30, 100), spans.take(30, 100)
    assert first
    assert second
    brought(spans, first, 5)
    spans.ended(first)
    assert spans.front == 5
    again = spans.take(None, 100)
    assert again
    assert (again.at, again.end) == (5, 30)


def test_a_long_span_gives_up_what_lies_ahead_of_it() -> None:
    spans = Spans(0, 100, GRANULE)
    span = spans.take(None, 100)
    assert span
    brought(spans, span, 13)
    spans.shorten(20)
    rest = spans.take(None, 100)
    assert rest
    assert (span.end, rest.at, rest.end) == (40, 40, 100)


def test_the_longest_span_is_shared_and_a_short_one_is_not() -> None:
    spans = Spans(0, 100, GRANULE)
    assert spans.take(40, 100)
    long = spans.take(60, 100)
    half = spans.split(20)
    assert long
    assert half
    assert (long.at, long.end, half.at, half.end) == (40, 70, 70, 100)
    assert spans.split(30) is None


def test_a_slow_connection_has_nothing_left_once_it_is_relieved() -> None:
    spans = Spans(0, 100, GRANULE)
    slow = spans.take(None, 100)
    assert slow
    brought(spans, slow, 95)
    rest = spans.relieve(slow)
    assert (slow.left, rest.at, rest.end, spans.front) == (0, 95, 100, 95)
    spans.ended(slow)
    assert spans.missing == 5


def test_a_file_ends_where_its_end_is_seen() -> None:
    spans = Spans(0, 1 << 40, GRANULE)
    span = spans.take(None, 1 << 40)
    assert span
    brought(spans, span, 33)
    spans.ends_at(33)
    assert (spans.size, spans.missing, spans.front, span.left) == (33, 0, 33, 0)


class Sharing(RuleBasedStateMachine):
    """Connections come, go, break off, split and relieve one another."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 237
        self.spans = Spans(13, self.size, GRANULE)
        self.there = [False] * self.size
        self.there[:13] = [True] * 13

    @rule(length=st.one_of(st.none(), st.integers(1, 80)), ahead=st.integers(1, 120))
    def take(self, length: int | None, ahead: int) -> None:
        front = self.spans.front
        span = self.spans.take(length, front + ahead)
        assert span is None or span.at < front + ahead

    @precondition(lambda self: self.spans.taken)
    @rule(data=st.data())
    def bring(self, data: st.DataObject) -> None:
        span = data.draw(st.sampled_from(self.spans.taken))
        length = data.draw(st.integers(0, span.left))
        assert not any(self.there[span.at : span.at + length])
        self.there[span.at : span.at + length] = [True] * length
        self.spans.came(span, length)

    @precondition(lambda self: self.spans.taken)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        self.spans.ended(data.draw(st.sampled_from(self.spans.taken)))

    @rule(least=st.integers(1, 40))
    def split(self, least: int) -> None:
        self.spans.split(least)

    @rule(length=st.integers(1, 40))
    def shorten(self, length: int) -> None:
        self.spans.shorten(length)

    @precondition(lambda self: self.spans.taken)
    @rule(data=st.data())
    def relieve(self, data: st.DataObject) -> None:
        self.spans.relieve(data.draw(st.sampled_from(self.spans.taken)))

    @invariant()
    def the_front_is_the_first_hole(self) -> None:
        hole = next((place for place, there in enumerate(self.there) if not there), self.size)
        assert self.spans.front == hole
        assert self.spans.missing == self.there.count(False)

    @invariant()
    def no_two_bring_the_same_byte(self) -> None:
        spans = sorted((one.at, one.end) for one in self.spans.taken if one.left)
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))


TestSharing = Sharing.TestCase


@given(st.integers(0, 300), st.integers(1, 300), st.integers(1, 50))
def test_taking_all_in_turn_covers_the_file_once(start: int, length: int, chunk: int) -> None:
    spans = Spans(start, start + length, GRANULE)
    reached = start
    while (span := spans.take(chunk, start + length)) is not None:
        assert span.at == reached
        reached = span.end
    assert reached == start + length
