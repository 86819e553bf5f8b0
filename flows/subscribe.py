"""Subscribe and change subscriptions from a form or another program."""

from __future__ import annotations

from typing import Literal

from prefect import flow

from flows.running import named, running
from isomanager.catalogue.globs import expand, is_glob
from isomanager.errors import UsageError
from isomanager.library.choosing import chosen_subscriptions
from isomanager.library.subscribing import Changes, Terms, change, subscribe_all
from isomanager.model import Assurance, Keep, Selector, Subscription


@flow(name="subscribe", flow_run_name=named("subscribe"), persist_result=False)
def subscribe(
    selector: str,
    architectures: list[str] = [],  # noqa: B006 - never changed
    languages: list[str] = [],  # noqa: B006
    editions: list[str] = [],  # noqa: B006
    repositories: list[str] = [],  # noqa: B006
    keep: int = 1,
    keep_days: int = 0,
    keep_majors: int = 0,
    keep_minors: int = 0,
    old: Literal["trash", "keep", "archive"] = "trash",
    archive: str = "",
    floor: Assurance = Assurance.PUBLISHED,
    under: int = 0,
    tags: list[str] = [],  # noqa: B006
    group: str = "",
) -> tuple[Subscription, ...]:
    """Keep what fits a selector, or everything that fits a condition now, up to date from now on.

    Args:
        selector: PRODUCT[/FLAVOR][@VERSION], or a condition such as */server@lts, linux:* or ubuntu*/desktop.
        architectures: Such as x86_64 or aarch64; none means the product's default.
        languages: Where a product comes in several; none means its default.
        editions: Where a product comes in several.
        repositories: Names of the repositories to keep it in; none means the default one.
        keep: How many versions to keep.
        keep_days: Also keep what was proved in so many days.
        keep_majors: Also keep the newest of each of so many major versions.
        keep_minors: Also keep the newest of each of so many pairs of major and minor version.
        old: What happens to replaced versions.
        archive: The repository that replaced versions are copied to before they go, with archive above.
        floor: Publish nothing that is proved less.
        under: Leave out images that are not smaller than so many bytes; 0 means none is left out.
        tags: Words by which an update can call for it, as tag:WORD.
        group: Its schedule group; an update calls for group:WORD.
    """
    ways = {"architectures": tuple(architectures), "languages": tuple(languages), "editions": tuple(editions)}
    keeping = Keep(last=keep, days=keep_days, per_major=keep_majors, per_minor=keep_minors)
    terms = Terms(tuple(repositories), keeping, old, floor, under, tuple(tags), group, archive)
    with running() as library:
        many = is_glob(selector)
        selectors = (
            expand(library.catalogue, selector, **ways).selectors if many else (Selector.parse(selector, **ways),)
        )
        return subscribe_all(library, selectors, terms)


@flow(name="change-subscription", flow_run_name=named("change"), persist_result=False)
def change_subscription(
    what: list[str],
    version: str = "",
    repositories: list[str] = [],  # noqa: B006 - never changed
    keep: int = 0,
    keep_days: int = -1,
    keep_majors: int = -1,
    keep_minors: int = -1,
    old: Literal["as it is", "trash", "keep", "archive"] = "as it is",
    archive: str = "",
    floor: Literal["as it is", "signed", "pinned", "published", "served", "mirror", "none"] = "as it is",
    tags: list[str] = [],  # noqa: B006
    group: str = "",
    state: Literal["as it is", "active", "paused"] = "as it is",
) -> tuple[Subscription, ...]:
    """Change subscriptions, their version rule above all. What is held stays until something newer is in.

    Args:
        what: Ids, selectors, products, tags, groups or conditions of the subscriptions.
        version: The new version rule or channel, such as 24.04, 24.latest or lts; empty leaves it.
        repositories: The new repositories; none leaves them.
        keep: How many versions to keep; 0 leaves it.
        keep_days: Also keep what was proved in so many days; 0 ends that, -1 leaves it.
        keep_majors: Also keep the newest of each of so many major versions; 0 ends that, -1 leaves it.
        keep_minors: Also keep the newest of each of so many pairs of major and minor version; 0 ends that, -1 leaves it.
        old: What happens to replaced versions.
        archive: The repository that replaced versions are copied to before they go, with archive above; empty leaves it.
        floor: Publish nothing that is proved less.
        tags: Its tags, in place of those it has; none leaves them.
        group: Its schedule group; empty leaves it.
        state: Whether updates are to bring anything for them.
    """
    changes = Changes(
        version=version or None,
        repositories=tuple(repositories) or None,
        keep=keep or None,
        keep_days=_unless_left(keep_days),
        keep_majors=_unless_left(keep_majors),
        keep_minors=_unless_left(keep_minors),
        old=None if old == "as it is" else old,
        archive=archive or None,
        floor=None if floor == "as it is" else Assurance(floor),
        tags=tuple(tags) or None,
        group=group or None,
        paused=None if state == "as it is" else state == "paused",
    )
    if not what or changes == Changes():
        raise UsageError("Name a subscription, and what to change of it.")
    with running() as library:
        return tuple(change(library, one, changes) for one in chosen_subscriptions(library, what))


def _unless_left(number: int) -> int | None:
    """The number; None for -1, by which a form says that it is to stay as it is."""
    return None if number < 0 else number
