"""Commands that say what the library is to hold: subscribe, unsubscribe, and changing what a subscription asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.options import Architectures, Editions, Json, Languages, Under, under_bytes
from cli.output import print_json, say
from isomanager.errors import UsageError
from isomanager.model import Assurance

if TYPE_CHECKING:
    from isomanager.library.opening import Library
    from isomanager.model import Selector, Subscription

app = typer.Typer(help="Change what is subscribed to.", no_args_is_help=True, rich_markup_mode=None)

Old = Literal["trash", "keep", "archive"]

SelectorOrCondition = Annotated[
    str,
    typer.Argument(
        metavar="SELECTOR",
        help="PRODUCT[/FLAVOR][@VERSION], or a condition over many: '*/server@lts', 'linux:*', 'ubuntu*/desktop'.",
    ),
]
Chosen = Annotated[
    str, typer.Argument(metavar="NAME", help="The subscription's id, selector, product, tag:..., or group:...")
]

# what may be said when subscribing and changed later has one type there and another here, where leaving it out changes nothing
VERSION = typer.Option("--version", metavar="RULE", help="A version rule or channel: 24.04, 24.latest, lts.")
REPOSITORY = typer.Option("--repository", "-r", metavar="NAME", help="Where to keep it; may be given again.")
KEEP = typer.Option("--keep", min=1, metavar="N", help="How many versions to keep.")
KEEP_DAYS = typer.Option("--keep-days", min=0, metavar="DAYS", help="Also keep what was proved in so many days.")
KEEP_MAJORS = typer.Option(
    "--keep-majors", min=0, metavar="N", help="Also keep the newest of each of N major versions."
)
KEEP_MINORS = typer.Option(
    "--keep-minors", min=0, metavar="N", help="Also keep the newest of each of N minor versions."
)
OLD = typer.Option("--old", help="What happens to replaced versions.")
FLOOR = typer.Option("--floor", metavar="ASSURANCE", help="Publish nothing proved less: signed, pinned, published, ...")
UNDER = typer.Option("--under", metavar="SIZE", help="Leave out what is not smaller, such as 1GiB; 0: nothing.")
TAG = typer.Option("--tag", metavar="WORD", help="Its tags, in place of those it has; may be given again.")
GROUP = typer.Option("--group", metavar="WORD", help="The schedule group: a deployment calls for group:WORD.")
PAUSE = typer.Option("--pause/--resume", help="Leave it alone, or go on.")

Tags = Annotated[
    list[str], typer.Option("--tag", metavar="WORD", help="To call for it by tag:WORD; may be given again.")
]
Archive = Annotated[
    str, typer.Option("--archive", metavar="REPOSITORY", help="Where --old archive copies them before they go.")
]


def add_to(main: typer.Typer) -> None:
    """Register the commands."""
    main.command("subscribe")(subscribe)
    main.command("unsubscribe")(unsubscribe)
    app.command("set")(change_subscription)
    main.add_typer(app, name="subscription")


def subscribe(
    selector: SelectorOrCondition,
    arch: Architectures = [],
    language: Languages = [],
    edition: Editions = [],
    repository: Annotated[list[str], REPOSITORY] = [],
    keep: Annotated[int, KEEP] = 1,
    keep_days: Annotated[int, KEEP_DAYS] = 0,
    keep_majors: Annotated[int, KEEP_MAJORS] = 0,
    keep_minors: Annotated[int, KEEP_MINORS] = 0,
    old: Annotated[Old, OLD] = "trash",
    archive: Archive = "",
    floor: Annotated[Assurance, FLOOR] = Assurance.PUBLISHED,
    under: Under = "",
    tag: Tags = [],
    group: Annotated[str, GROUP] = "",
    as_json: Json = False,
) -> None:
    """Keep what fits a selector, or everything that fits a condition now, up to date from now on."""
    from isomanager.catalogue.globs import is_glob
    from isomanager.library.subscribing import Terms, best_assurance, out_of_reach, subscribe_all
    from isomanager.model import Keep

    kept_versions = Keep(last=keep, days=keep_days, per_major=keep_majors, per_minor=keep_minors)
    terms = Terms(tuple(repository), kept_versions, old, floor, under_bytes(under), tuple(tag), group, archive)
    ways: dict[str, Any] = {"architectures": tuple(arch), "languages": tuple(language), "editions": tuple(edition)}
    with _library() as library:
        kept = subscribe_all(library, _selectors(library, selector, ways), terms)
        told = [(one, best_assurance(library, one), out_of_reach(library, one)) for one in kept]
    if as_json:
        rows = [_as_json(one) | {"reachable": best, "warning": warning or None} for one, best, warning in told]
        print_json(rows if is_glob(selector) else rows[0])
        return
    for one, _, warning in told:
        _tell_subscribed(one, warning)
    if not all(warning for _, _, warning in told):
        print("Next: isomanager plan shows what that means, isomanager update does it.")


def _selectors(library: Library, text: str, ways: dict[str, Any]) -> tuple[Selector, ...]:
    """The selectors of all that fits a condition now, or the one that `text` is."""
    from isomanager.catalogue.globs import expand, is_glob
    from isomanager.model import Selector

    return expand(library.catalogue, text, **ways).selectors if is_glob(text) else (Selector.parse(text, **ways),)


def _as_json(subscription: Subscription) -> dict[str, Any]:
    return subscription.model_dump(mode="json") | {"text": str(subscription.selector)}


def _tell_subscribed(kept: Subscription, warning: str) -> None:
    wanted, places = ", ".join(kept.selector.architectures), ", ".join(kept.repositories)
    print(f"Subscribed to {kept.selector} ({wanted}) in {places}.")
    if warning:
        say(f"But {warning}")


def _library() -> Library:
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    return Library(load_settings())


def _chosen(library: Library, name: str) -> tuple[Subscription, ...]:
    from isomanager.library.choosing import chosen_subscriptions

    chosen = chosen_subscriptions(library, [name])
    if not chosen:
        raise UsageError(f"No subscription fits '{name}'.", hint="`isomanager subscriptions` lists them.")
    return chosen


def unsubscribe(subscription: Chosen, as_json: Json = False) -> None:
    """Stop keeping something up to date. What is held stays."""
    with _library() as library:
        removed = [library.inventory.remove_subscription(one.id) for one in _chosen(library, subscription)]
    if as_json:
        print_json(list(map(_as_json, removed)))
    else:
        print("\n".join(f"No longer subscribed to {one.selector}; what is held stays." for one in removed))


def change_subscription(
    subscription: Chosen,
    version: Annotated[str | None, VERSION] = None,
    repository: Annotated[list[str] | None, REPOSITORY] = None,
    keep: Annotated[int | None, KEEP] = None,
    keep_days: Annotated[int | None, KEEP_DAYS] = None,
    keep_majors: Annotated[int | None, KEEP_MAJORS] = None,
    keep_minors: Annotated[int | None, KEEP_MINORS] = None,
    old: Annotated[Old | None, OLD] = None,
    archive: Archive = "",
    floor: Annotated[Assurance | None, FLOOR] = None,
    under: Annotated[str | None, UNDER] = None,
    tag: Annotated[list[str] | None, TAG] = None,
    group: Annotated[str | None, GROUP] = None,
    pause: Annotated[bool | None, PAUSE] = None,
    as_json: Json = False,
) -> None:
    """Change a subscription, its version rule above all. What is held stays until something newer is in."""
    from isomanager.library.subscribing import Changes, change

    changes = Changes(
        version=version,
        repositories=tuple(repository) if repository else None,
        keep=keep,
        keep_days=keep_days,
        keep_majors=keep_majors,
        keep_minors=keep_minors,
        old=old,
        archive=archive or None,
        floor=floor,
        under=None if under is None else under_bytes(under),
        tags=tuple(tag) if tag is not None else None,
        group=group,
        paused=pause,
    )
    if changes == Changes():
        raise UsageError("Nothing to change was named.", hint="For example --version 24.04 or --keep 2.")
    with _library() as library:
        changed = [change(library, one, changes) for one in _chosen(library, subscription)]
    if as_json:
        print_json(list(map(_as_json, changed)))
        return
    for one in changed:
        _tell_changed(one)


def _tell_changed(kept: Subscription) -> None:
    from isomanager.planning.keeping import policy_told

    archived = f"; older ones are archived in {kept.archive}" if kept.archive else ""
    wanted = f"{kept.selector} ({', '.join(kept.selector.architectures)})"
    print(f"{kept.id} is now {wanted}; keep: {policy_told(kept.keep)}{archived}.")
