"""What failed the last time it was tried, so that `update --failed` tries just that again."""

from __future__ import annotations

from collections.abc import Sequence

from isomanager.inventory.runs import Run
from isomanager.library.opening import Library
from isomanager.model import Subscription

_RUNS = 200
"""How far back is looked."""


def failed_selectors(runs: Sequence[Run]) -> frozenset[str]:
    """The selectors, as outcomes name them, of which something failed or was refused in the newest run that tried them."""
    seen: set[str] = set()
    failed: set[str] = set()
    for run in sorted(runs, key=lambda one: one.started_at, reverse=True):
        tried = {one.selector for one in run.outcomes if one.selector}
        failed |= {one.selector for one in run.outcomes if one.is_bad and one.selector} - seen
        seen |= tried
    return frozenset(failed)


def failed_subscriptions(library: Library, subscriptions: Sequence[Subscription]) -> tuple[Subscription, ...]:
    """Those of `subscriptions` of which something failed or was refused when they were last tried."""
    failed = failed_selectors([run for run in library.inventory.runs(_RUNS) if run.name == "update"])
    return tuple(one for one in subscriptions if str(one.selector) in failed)
