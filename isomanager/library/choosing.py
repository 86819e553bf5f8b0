"""Choose: which subscriptions a run is about, by name, tag, group or condition, and how this run narrows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from isomanager.catalogue.globs import Glob, is_glob
from isomanager.errors import UsageError
from isomanager.library.opening import Library
from isomanager.model import Family, Subscription, architecture
from isomanager.version import Version, VersionRule


@dataclass(frozen=True)
class Narrowing:
    """What holds for one run only: these architectures, nothing larger than `under` bytes, this version."""

    architectures: tuple[str, ...] = ()
    under: int = 0
    target: str = ""

    def __bool__(self) -> bool:
        return self != Narrowing()


def chosen_subscriptions(
    library: Library, names: Sequence[str] = (), narrowing: Narrowing | None = None
) -> tuple[Subscription, ...]:
    """The subscriptions of these families, products, ids, tags (`tag:lab`), groups (`group:nightly`) or conditions
    (`*/server@lts`); all of them when nothing is named. `narrowing` changes them for this run.

    UsageError for a name that fits none: silently updating nothing would look like success. A family without subscriptions is
    well, and so is a condition or a group: its schedule runs on until there are some.
    """
    subscriptions = library.inventory.subscriptions()
    narrowing = narrowing or Narrowing()
    if not names:
        return narrowed(library, subscriptions, narrowing)
    chosen: dict[str, Subscription] = {}
    for name in names:
        fitting = [one for one in subscriptions if _fits(library, one, name)]
        if not fitting and not _may_be_empty(name):
            known = ", ".join(sorted({str(one.selector) for one in subscriptions})) or "none yet"
            raise UsageError(
                f"No subscription fits '{name}'.",
                hint=f"Subscriptions: {known}. Add one with `isomanager subscribe {name}`.",
            )
        chosen.update({one.id: one for one in fitting})
    return narrowed(library, tuple(chosen.values()), narrowing)


def _may_be_empty(name: str) -> bool:
    return name.lower() in list(Family) or is_glob(name) or name.lower().startswith("group:")


def _fits(library: Library, subscription: Subscription, name: str) -> bool:
    wanted, selector = name.lower(), subscription.selector
    kind, _, word = wanted.partition(":")
    if kind in ("tag", "group") and word:
        return word in (map(str.lower, subscription.tags) if kind == "tag" else (subscription.group.lower(),))
    product = next((one for one in library.catalogue.products if one.id == selector.product), None)
    if is_glob(name):
        return product is not None and Glob.parse(name).fits(product, selector)
    names = {selector.product, subscription.id.lower(), str(selector).lower()}
    if product is not None:  # one that left the catalogue is still called by its id
        names |= {product.family.value, product.name.lower(), *map(str.lower, product.aliases)}
    return wanted in names


def narrowed(
    library: Library, subscriptions: tuple[Subscription, ...], narrowing: Narrowing
) -> tuple[Subscription, ...]:
    """The subscriptions as this run understands them; those that have nothing in common with it are left out.

    UsageError when a target version fits the version rule of none of them.
    """
    if narrowing.target and not subscriptions:
        raise UsageError("A target version needs a subscription it is for.", hint="Name one that there is.")
    fitting = tuple(one for one in (_narrowed(library, one, narrowing) for one in subscriptions) if one is not None)
    if narrowing.target and not fitting:
        rules = ", ".join(str(one.selector) for one in subscriptions)
        raise UsageError(
            f"Version {narrowing.target} is none that {rules} accepts.",
            hint="Change the subscription first: isomanager subscription set SELECTOR --version RULE",
        )
    return fitting


def _narrowed(library: Library, subscription: Subscription, narrowing: Narrowing) -> Subscription | None:
    selector = subscription.selector
    asked = {architecture(one) for one in narrowing.architectures}
    machines = tuple(one for one in selector.architectures if not asked or one in asked)
    if not machines and selector.architectures:
        return None
    selector = selector.model_copy(update={"architectures": machines})
    if narrowing.target:
        rule = VersionRule.parse(f"={narrowing.target.strip()}")
        if not subscription.selector.rule.accepts(Version(rule.exact)):
            return None
        selector = library.canonical(selector.model_copy(update={"rule": rule, "channel": "stable"}))
    limits = [limit for limit in (subscription.under, narrowing.under) if limit]
    return subscription.model_copy(update={"selector": selector, "under": min(limits, default=0)})


def by_product(subscriptions: Sequence[Subscription]) -> dict[str, tuple[Subscription, ...]]:
    """Grouped, since one product's subscriptions share its documents."""
    groups: dict[str, list[Subscription]] = defaultdict(list)
    for one in subscriptions:
        groups[one.selector.product].append(one)
    return {product: tuple(group) for product, group in groups.items()}
