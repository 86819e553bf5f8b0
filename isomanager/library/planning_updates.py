"""Plan: gather what is wanted, held and refused, and let the pure planner decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from isomanager.errors import UsageError
from isomanager.library.opening import LIVE, Library
from isomanager.library.pruning import guards_for
from isomanager.model import Family, Plan, Subscription, Title
from isomanager.planning.update import plan_update
from isomanager.planning.wanting import Want


def chosen_subscriptions(library: Library, names: Sequence[str] = ()) -> tuple[Subscription, ...]:
    """The subscriptions of these families, products or ids; all of them when nothing is named.

    UsageError for a name that fits none: silently updating nothing would look like success. A family without subscriptions is
    well: its schedule runs on until there are some.
    """
    subscriptions = library.inventory.subscriptions()
    if not names:
        return subscriptions
    chosen: dict[str, Subscription] = {}
    for name in names:
        fitting = [one for one in subscriptions if _fits(library, one, name)]
        if not fitting and name.lower() not in list(Family):
            known = ", ".join(sorted({str(one.selector) for one in subscriptions})) or "none yet"
            raise UsageError(
                f"No subscription fits '{name}'.",
                hint=f"Subscriptions: {known}. Add one with `isomanager subscribe {name}`.",
            )
        chosen.update({one.id: one for one in fitting})
    return tuple(chosen.values())


def _fits(library: Library, subscription: Subscription, name: str) -> bool:
    wanted, selector = name.lower(), subscription.selector
    names = {selector.product, subscription.id.lower(), str(selector).lower()}
    product = next((one for one in library.catalogue.products if one.id == selector.product), None)
    if product is not None:  # one that left the catalogue is still called by its id
        names |= {product.family.value, product.name.lower(), *map(str.lower, product.aliases)}
    return wanted in names


def by_product(subscriptions: Sequence[Subscription]) -> dict[str, tuple[Subscription, ...]]:
    """Grouped, since one product's subscriptions share its documents."""
    groups: dict[str, list[Subscription]] = defaultdict(list)
    for one in subscriptions:
        groups[one.selector.product].append(one)
    return {product: tuple(group) for product, group in groups.items()}


def make_plan(library: Library, wants: Sequence[Want], *, force: bool = False) -> Plan:
    """The plan for these wants, beside every other subscription."""
    return plan_wants(library, with_others(library, wants), force=force)


def plan_wants(library: Library, wants: Sequence[Want], *, force: bool = False) -> Plan:
    """The plan for these wants and nothing else."""
    repositories = {name for want in wants for name in want.subscription.repositories}
    return plan_update(
        wants,
        library.inventory.copies(states=LIVE),
        selects=library.selects,
        guards=guards_for(library, repositories),
        now=library.now(),
        refused_before=lambda fingerprint, title: _refused_before(library, fingerprint, title),
        force=force,
    )


def with_others(library: Library, wants: Sequence[Want]) -> tuple[Want, ...]:
    """These wants and, unanswered, the subscriptions that were not asked about: they still protect what they select."""
    asked = {want.subscription.id for want in wants}
    others = (Want(one, ()) for one in library.inventory.subscriptions() if one.id not in asked)
    return (*wants, *others)


def _refused_before(library: Library, fingerprint: str, title: Title) -> str | None:
    found = library.inventory.is_quarantined(fingerprint, title)
    return f"{found.reason} ({found.at:%Y-%m-%d})" if found else None
