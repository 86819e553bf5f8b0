"""An update, step by step as the tasks do it, without Prefect: for tests of the domain alone."""

from __future__ import annotations

from isomanager.errors import IsoManagerError
from isomanager.library.choosing import by_product
from isomanager.library.downloading import download_reserved
from isomanager.library.indexing import refresh_indexes
from isomanager.library.opening import Library
from isomanager.library.outcomes import failed_outcome, published_outcome, settled_outcome
from isomanager.library.planning_updates import make_plan, with_others
from isomanager.library.pruning import prune_repository
from isomanager.library.recovering import let_go_of_abandoned, recover
from isomanager.library.registering import register, verify_received
from isomanager.library.repairing import repaired_instead
from isomanager.library.reserving import reserved
from isomanager.library.resolving import resolve_patiently
from isomanager.model import Action, ActionKind, Outcome, Plan
from isomanager.planning.wanting import Want


def update(library: Library) -> tuple[Outcome, ...]:
    """One update of everything subscribed to."""
    recover(library)
    wants = answers(library)
    plan, everyone = make_plan(library, wants), with_others(library, wants)
    let_go_of_abandoned(library, plan, everyone)
    settled = (settled_outcome(action) for action in plan.actions)
    outcomes = [*filter(None, settled), *(bring_in(library, one, plan) for one in plan.of_kind(ActionKind.DOWNLOAD))]
    for record in library.inventory.repositories():
        going = [one for one in plan.of_kind(ActionKind.RETIRE) if one.repository == record.name]
        outcomes += prune_repository(library, record.name, going, everyone)
    refresh_indexes(library)
    return tuple(outcomes)


def answers(library: Library) -> tuple[Want, ...]:
    """What upstream answers for every subscription."""
    groups = by_product(library.inventory.subscriptions())
    return tuple(want for group in groups.values() for want in resolve_patiently(library, group))


def bring_in(library: Library, action: Action, plan: Plan) -> Outcome:
    """What becomes of one download of the plan."""
    try:
        mended = repaired_instead(library, action)
        if mended is not None:
            return mended
        with reserved(library, action, plan.made_at) as reservation:
            received = download_reserved(library, reservation)
            receipt = verify_received(library, reservation, received)
            return published_outcome(action, register(library, reservation, received, receipt), received)
    except IsoManagerError as wrong:
        return failed_outcome(action, wrong)
