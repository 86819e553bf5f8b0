"""Subscribe: write down what the library is to hold."""

from __future__ import annotations

import secrets
from typing import Literal

from isomanager.catalogue.reach import reachable
from isomanager.library.opening import DEFAULT, Library
from isomanager.model import Assurance, Keep, Selector, Subscription


def subscribe(
    library: Library,
    selector: Selector,
    *,
    repositories: tuple[str, ...] = (),
    keep: Keep = Keep(),  # noqa: B008 - a frozen value
    old: Literal["trash", "keep"] = "trash",
    floor: Assurance = Assurance.PUBLISHED,
) -> Subscription:
    """Keep what fits the selector up to date from now on; the same selector again changes the subscription there is.

    Raises ResolveError for a product, flavor, channel or architecture that is none, InventoryError for an unknown repository.
    """
    wanted = Subscription(
        id=secrets.token_hex(4),
        selector=library.canonical(selector),
        repositories=repositories or (DEFAULT,),
        keep=keep,
        old=old,
        floor=floor,
        created_at=library.now(),
    )
    for name in wanted.repositories:
        library.inventory.repository(name)
    return library.inventory.add_subscription(wanted)


def best_assurance(library: Library, subscription: Subscription) -> Assurance | None:
    """How far the product's images can be proved at best; None for those that are only to be had by hand."""
    selector = subscription.selector
    return reachable(library.catalogue.product(selector.product), selector.flavor)


def out_of_reach(library: Library, subscription: Subscription) -> str:
    """Why the subscription can never publish anything, and what to do about it; empty when it can."""
    best = best_assurance(library, subscription)
    if best is None or best >= subscription.floor:
        return ""
    return (
        f"{subscription.selector} can be proved as '{best}' at best, and this subscription publishes nothing below "
        f"'{subscription.floor}'. To take less: isomanager subscribe {subscription.selector} --floor {best}"
    )
