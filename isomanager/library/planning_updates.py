"""Plan: gather what is wanted, held and refused, and let the pure planner decide."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from isomanager.inventory.rows import collector_resting
from isomanager.library.opening import LIVE, Library
from isomanager.library.pinning import holding
from isomanager.library.pruning import guards_for
from isomanager.library.rooms import room_of
from isomanager.model import Plan, Title
from isomanager.planning.update import Rules, Shelf, plan_from
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
        refused_before=partial(_refused_before, library),
        held_back=holding(library),
        room_of=partial(room_of, library),
        force=force,
    )
    inventory = library.inventory
    shelf = Shelf(lambda product: inventory.copies(product=product, states=LIVE), inventory.held_counts())
    with collector_resting():
        return plan_from(wants, shelf, rules, now=library.now())


def with_others(library: Library, wants: Sequence[Want]) -> tuple[Want, ...]:
    """These wants and, unanswered, the subscriptions that were not asked about as they are: they still protect what they select,
    one that a run narrowed too."""
    asked = {(want.subscription.id, want.subscription.selector) for want in wants}
    others = (Want(one, ()) for one in library.inventory.subscriptions() if (one.id, one.selector) not in asked)
    return (*wants, *others)


def _refused_before(library: Library, fingerprint: str, title: Title) -> str | None:
    found = library.inventory.is_quarantined(fingerprint, title)
    return f"{found.reason} ({found.at:%Y-%m-%d})" if found else None
