"""Subscribe: write down what the library is to hold."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from isomanager.catalogue.reach import reachable
from isomanager.errors import UsageError
from isomanager.library.opening import DEFAULT, Library
from isomanager.model import Assurance, Keep, Selector, Subscription

_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True)
class Terms:
    """What a subscription says besides its selector: where to, how many versions, how proved, how large, by which words."""

    repositories: tuple[str, ...] = ()
    keep: Keep = Keep()  # noqa: RUF009 - a frozen value
    old: Literal["trash", "keep", "archive"] = "trash"
    floor: Assurance = Assurance.PUBLISHED
    under: int = 0
    tags: tuple[str, ...] = ()
    group: str = ""
    archive: str = ""


def subscribe(
    library: Library,
    selector: Selector,
    *,
    repositories: tuple[str, ...] = (),
    keep: Keep = Keep(),  # noqa: B008 - a frozen value
    old: Literal["trash", "keep", "archive"] = "trash",
    archive: str = "",
    floor: Assurance = Assurance.PUBLISHED,
    under: int = 0,
    tags: tuple[str, ...] = (),
    group: str = "",
) -> Subscription:
    """Keep what fits the selector up to date from now on; the same selector again changes the subscription there is.

    Raises ResolveError for a product, flavor, channel or architecture that is none, InventoryError for an unknown repository,
    UsageError for an archive that cannot be one.
    """
    terms = Terms(repositories, keep, old, floor, under, tags, group, archive)
    return subscribe_all(library, [selector], terms)[0]


def subscribe_all(library: Library, selectors: Sequence[Selector], terms: Terms) -> tuple[Subscription, ...]:
    """As `subscribe`, for many selectors on the same terms; nothing is written down unless all of them can be."""
    for name in (*terms.repositories, *filter(None, [terms.archive])):
        library.inventory.repository(name)
    wanted = [_wanted(library, selector, terms) for selector in selectors]
    return tuple(library.inventory.add_subscription(one) for one in wanted)


def _wanted(library: Library, selector: Selector, terms: Terms) -> Subscription:
    wanted = Subscription(
        id=secrets.token_hex(4),
        selector=library.canonical(selector),
        repositories=terms.repositories or (DEFAULT,),
        keep=terms.keep,
        old=terms.old,
        archive=terms.archive,
        floor=terms.floor,
        under=terms.under,
        tags=tuple(dict.fromkeys(word(tag) for tag in terms.tags)),
        group=word(terms.group) if terms.group else "",
        created_at=library.now(),
    )
    _check_archive(wanted)
    return wanted


def word(text: str) -> str:
    """A tag or group as it is kept; UsageError for what is none."""
    plain = text.strip().lower()
    if not _WORD.fullmatch(plain):
        raise UsageError(f"'{text}' is no tag or group.", hint="Use letters, digits, dashes, dots and underscores.")
    return plain


@dataclass(frozen=True)
class Changes:
    """What is changed of a subscription; None leaves it. `version` is a version rule or a channel."""

    version: str | None = None
    repositories: tuple[str, ...] | None = None
    keep: int | None = None
    keep_days: int | None = None
    keep_majors: int | None = None
    keep_minors: int | None = None
    old: Literal["trash", "keep", "archive"] | None = None
    archive: str | None = None
    floor: Assurance | None = None
    under: int | None = None
    tags: tuple[str, ...] | None = None
    group: str | None = None
    paused: bool | None = None


def change(library: Library, subscription: Subscription, changes: Changes) -> Subscription:
    """Change a subscription, its version rule too; id, time and everything not named stay.

    Raises as `subscribe` does, and InventoryError(subscription-exists) when another one asks for just that already.
    """
    numbers = {
        "last": changes.keep,
        "days": changes.keep_days,
        "per_major": changes.keep_majors,
        "per_minor": changes.keep_minors,
    }
    keep = {name: number for name, number in numbers.items() if number is not None}
    tags = None if changes.tags is None else tuple(dict.fromkeys(word(tag) for tag in changes.tags))
    told: dict[str, object] = {
        "selector": None if changes.version is None else _with_version(library, subscription, changes.version),
        "repositories": changes.repositories,
        "keep": subscription.keep.model_copy(update=keep),
        "old": changes.old,
        "archive": "" if changes.old in ("trash", "keep") else changes.archive,
        "floor": changes.floor,
        "under": changes.under,
        "tags": tags,
        "group": word(changes.group) if changes.group else changes.group,
        "paused": changes.paused,
    }
    for name in (*(changes.repositories or ()), *filter(None, [changes.archive])):
        library.inventory.repository(name)
    changed = subscription.model_copy(update={name: one for name, one in told.items() if one is not None})
    _check_archive(changed)
    return library.inventory.change_subscription(changed)


def _with_version(library: Library, subscription: Subscription, version: str) -> Selector:
    selector = subscription.selector
    asked = Selector.parse(f"{selector.product}@{version}")
    return library.canonical(selector.model_copy(update={"rule": asked.rule, "channel": asked.channel}))


def _check_archive(wanted: Subscription) -> None:
    if bool(wanted.archive) != (wanted.old == "archive"):
        raise UsageError(
            "Old versions are archived in a repository.", hint="Say both: --old archive --archive REPOSITORY."
        )
    if wanted.archive in wanted.repositories:
        raise UsageError(f"{wanted.archive} cannot be both the place and the archive.", hint="Name another repository.")


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
