"""Which images a scrub proves again: the oldest proof first, as many as a budget of bytes allows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from isomanager.model import Copy


def due(copies: Iterable[Copy]) -> tuple[Copy, ...]:
    """The copies in the order in which they are to be proved again: the longest unproved first, over all repositories."""
    return tuple(sorted(copies, key=lambda one: (last_proof(one), one.repository, one.path)))


def last_proof(copy: Copy) -> datetime:
    """When its bytes were last read and compared."""
    return copy.proved_at or copy.created_at


def within(copies: Iterable[Copy], budget: int) -> Iterator[Copy]:
    """The first of `copies` whose sizes add up to at most `budget` bytes (0: no limit). One at least, so that an image larger than
    the whole budget has its turn too."""
    spent = 0
    for copy in copies:
        spent += copy.size or 0
        if budget and spent > budget and spent != (copy.size or 0):
            return
        yield copy
