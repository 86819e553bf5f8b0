"""Which bytes of a file are still to be fetched, and by whom. Pure: no clock, no lock, no network.

A file is a row of granules. A connection takes a span of them; the spans taken never reach further than a window beyond the
front, so that whatever breaks off, one integer (the front) says what is there.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass


@dataclass(eq=False)
class Span:
    """The bytes from `at` up to, not including, `end` that one connection brings. `end` may shrink while it does.

    `writing`: some of them are on their way to the disk just now. `relieved`: another connection brings what was left.
    """

    at: int
    end: int
    writing: bool = False
    relieved: bool = False

    @property
    def left(self) -> int:
        """Bytes still to come."""
        return self.end - self.at


class Spans:
    """What is missing between `start` and `size`, in bytes; ends of spans lie on multiples of `granule`, but for the last."""

    def __init__(self, start: int, size: int, granule: int) -> None:
        self.size, self._granule = size, granule
        self._gaps: list[tuple[int, int]] = [(start, size)] if start < size else []
        self.taken: list[Span] = []

    @property
    def front(self) -> int:
        """How many bytes from the file's start have come without a hole."""
        starts = [start for start, _ in self._gaps[:1]] + [one.at for one in self.taken if one.left]
        return min(starts, default=self.size)

    @property
    def missing(self) -> int:
        """Bytes that have not come yet."""
        return sum(end - start for start, end in self._gaps) + sum(one.left for one in self.taken)

    def take(self, length: int | None, limit: int) -> Span | None:
        """The first bytes nobody brings, `length` of them (None: all up to the next that somebody does), from before `limit`.

        Nothing is taken that begins at or beyond `limit`; what is taken may end beyond it.
        """
        if not self._gaps or self._gaps[0][0] >= limit:
            return None
        start, end = self._gaps.pop(0)
        cut = end if length is None else min(end, self._align(start + length))
        if cut < end:
            self._gaps.insert(0, (cut, end))
        span = Span(start, cut)
        self.taken.append(span)
        return span

    def _align(self, place: int) -> int:
        """The granule's end at or after `place`."""
        return -(-place // self._granule) * self._granule

    def came(self, span: Span, length: int) -> None:
        """`length` bytes of `span` are written."""
        span.at += length

    def ended(self, span: Span) -> None:
        """The connection is done with `span`; what is left of it is free again."""
        self.taken.remove(span)
        if span.left > 0:
            self._free(span.at, span.end)

    def ends_at(self, size: int) -> None:
        """The file is `size` bytes long, as it turned out."""
        self.size = size
        self._gaps = [(start, min(end, size)) for start, end in self._gaps if start < size]
        for one in self.taken:
            one.end = max(one.at, min(one.end, size))

    def shorten(self, length: int) -> None:
        """Every span gives up what lies more than `length` bytes ahead of it, for other connections to take."""
        for one in list(self.taken):
            cut = self._align(one.at + length)
            if cut < one.end:
                self._free(cut, one.end)
                one.end = cut

    def split(self, least: int) -> Span | None:
        """The second half of the longest span, taken from it, if each half has `least` bytes; None when none is that long."""
        longest = max(self.taken, key=lambda one: one.left, default=None)
        if longest is None or longest.left < 2 * least:
            return None
        cut = self._align(longest.at + longest.left // 2)
        if cut >= longest.end:
            return None
        half = Span(cut, longest.end)
        longest.end = cut
        self.taken.append(half)
        return half

    def relieve(self, span: Span) -> Span:
        """All that is left of `span`, for a faster connection to bring; whoever brought it finds nothing left to do."""
        rest = Span(span.at, span.end)
        span.end, span.relieved = span.at, True
        self.taken.append(rest)
        return rest

    def _free(self, start: int, end: int) -> None:
        insort(self._gaps, (start, end))
        joined: list[tuple[int, int]] = []
        for first, last in self._gaps:
            if joined and joined[-1][1] == first:
                joined[-1] = (joined[-1][0], last)
            else:
                joined.append((first, last))
        self._gaps = joined
