"""Cost: what a plan takes, by the rates that earlier runs saw and the room there is."""

from __future__ import annotations

import logging

from isomanager.errors import IsoManagerError
from isomanager.library.opening import Library
from isomanager.model import ActionKind, Plan
from isomanager.planning.costs import Costs, costs_of, remembered_rates

_log = logging.getLogger(__name__)
_RUNS = 30
"""So many runs back, rates are remembered."""


def costs_for(library: Library, plan: Plan) -> Costs:
    """The plan's costs; nothing is asked of stores and database where the plan changes nothing."""
    changing = plan.of_kind(ActionKind.DOWNLOAD, ActionKind.RETIRE)
    if not changing:
        return Costs()
    outcomes = [one for run in library.inventory.runs(_RUNS) for one in run.outcomes]
    names = dict.fromkeys(one.repository for one in changing)
    free = {name: _free(library, name) for name in names}
    return costs_of(plan, remembered_rates(outcomes), free, at_once=library.settings.images_at_once)


def _free(library: Library, repository: str) -> int | None:
    try:
        return library.store(repository).space().free
    except IsoManagerError as wrong:
        _log.info("The room in %s cannot be told: %s", repository, wrong)
        return None
