"""Subscribe: write down what the library is to hold."""

from __future__ import annotations

import secrets
from typing import Literal

from isomanager.library.opening import DEFAULT, Library
from isomanager.model import Assurance, Keep, Selector, Subscription


def subscribe(
    library: Library,
    selector: Selector,
    *,
    repositories: tuple[str, ...] = (),
    keep: Keep = Keep(),  # noqa: B008 - a frozen value
    old: Literal["trash", "keep"] = "trash",
    floor: Assurance = Assurance.MIRROR,
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
