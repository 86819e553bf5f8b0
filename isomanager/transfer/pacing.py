"""How many connections one file is worth: more as long as more bring more. Pure; told the time, never asks for it."""

from __future__ import annotations

from dataclasses import dataclass

PERIOD = 0.5
"""Seconds over which a number of connections is judged."""
GROWTH = 4
WORTH = 1.2
"""More connections stay if they bring this many times as much."""
PATIENCE = 30.0
"""Seconds until what did not help is tried again."""
HURRY = 5.0
"""A file that is there in as many seconds needs no further connections."""
_STARTING = 2
"""Periods that new connections get to reach their speed."""


@dataclass
class Pace:
    """One file's pace: `wanted` connections, judged by what comes. `rate` in bytes a second."""

    wanted: int = 1
    rate: float = 0.0
    _since: float | None = None
    _came: int = 0
    _before: tuple[int, float] | None = None
    _waiting: int = 0
    _again_at: float = 0.0

    def judge(self, now: float, came: int, missing: int, most: int, *, busy: bool) -> int:
        """How many connections there should be at `now`, `came` being all bytes so far and `most` what is allowed.

        `busy`: this machine cannot take more, its disk or its digest being slower than the network.
        """
        if self._since is None:
            self._since, self._came = now, came
        passed = now - self._since
        if passed >= PERIOD:
            self.rate = (came - self._came) / passed
            self._since, self._came = now, came
            self._decide(now, missing, most, busy)
        return min(self.wanted, most)

    def _decide(self, now: float, missing: int, most: int, busy: bool) -> None:
        if self._waiting:
            self._waiting -= 1
        if self._before is not None:
            self._conclude(now, *self._before)
        elif self.wanted < most and now >= self._again_at and not busy and missing > HURRY * self.rate:
            self._before = (self.wanted, self.rate)
            self.wanted = min(self.wanted * GROWTH, most)
            self._waiting = _STARTING

    def _conclude(self, now: float, fewer: int, slower: float) -> None:
        if self.rate >= WORTH * slower:
            self._before = None  # worth it; the next period may try still more
        elif not self._waiting:
            self.wanted, self._before, self._again_at = fewer, None, now + PATIENCE
