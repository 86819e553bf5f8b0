"""Plan: gather what is wanted, held and refused, and let the pure planner decide."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from isomanager.inventory.rows import collector_resting
from isomanager.library.opening import Library
from isomanager.library.pinning import holding
from isomanager.library.pruning import guards_for
from isomanager.library.rooms import room_of
from isomanager.model import Plan, Title
from isomanager.planning.deciding import RefusedBefore, Rules
from isomanager.planning.update import plan_from
from isomanager.planning.wanting import Want


def make_plan(library: Library, wants: Sequence[Want], *, force: bool = False) -> Plan:
    """The plan for these wants, beside every other subscription."""
    return plan_wants(library, with_others(library, wants), force=force)


def plan_wants(library: Library, wants: Sequence[Want], *, force: bool = False) -> Plan:
    """The plan for these wants and nothing else."""
    repositories = {name for want in wants for name in want.subscription.repositories}
    rules = Rules(
        selects=library.selects,
        guards=guards_for(library, repositories),
        refused_before=_refused_before(library),
        held_back=holding(library),
        room_of=partial(room_of, library),
        force=force,
        reaches=library.reaches,
    )
    with collector_resting():
        return plan_from(wants, library.inventory, rules, now=library.now())


def with_others(library: Library, wants: Sequence[Want]) -> tuple[Want, ...]:
    """These wants and, unanswered, the subscriptions that were not asked about as they are: they still protect what they select,
    one that a run narrowed too."""
    asked = {(want.subscription.id, want.subscription.selector) for want in wants}
    others = (Want(one, ()) for one in library.inventory.subscriptions() if (one.id, one.selector) not in asked)
    return (*wants, *others)


def _refused_before(library: Library) -> RefusedBefore:
    """What says why bytes were refused before; the database is asked about none that nothing was ever refused of."""
    known = library.inventory.refused_fingerprints()

    def told(fingerprint: str, title: Title) -> str | None:
        found = library.inventory.is_quarantined(fingerprint, title) if fingerprint in known else None
        return f"{found.reason} ({found.at:%Y-%m-%d})" if found else None

    return told
