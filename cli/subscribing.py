"""Commands that say what the library is to hold: subscribe, unsubscribe, and changing what a subscription asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.options import Architectures, Editions, Json, Languages, Repositories, Under, under_bytes
from cli.output import print_json, say
from isomanager.errors import UsageError
from isomanager.model import Assurance

if TYPE_CHECKING:
    from isomanager.library.opening import Library
    from isomanager.model import Selector, Subscription

app = typer.Typer(help="Change what is subscribed to.", no_args_is_help=True, rich_markup_mode=None)

Chosen = Annotated[
    str, typer.Argument(metavar="NAME", help="The subscription's id, selector, product, tag:..., or group:...")
]
Floor = Annotated[
    Assurance,
    typer.Option("--floor", metavar="ASSURANCE", help="Publish nothing proved less: signed, pinned, published, ..."),
]
Tags = Annotated[
    list[str], typer.Option("--tag", metavar="WORD", help="To call for it by tag:WORD; may be given again.")
]
Old = Literal["trash", "keep", "archive"]
Archive = Annotated[
    str, typer.Option("--archive", metavar="REPOSITORY", help="Where --old archive copies them before they go.")
]
Group = Annotated[
    str, typer.Option("--group", metavar="WORD", help="The schedule group: a deployment calls for group:WORD.")
]


def add_to(main: typer.Typer) -> None:
    """Register the commands."""
    main.command("subscribe")(subscribe)
    main.command("unsubscribe")(unsubscribe)
    app.command("set")(change_subscription)
    main.add_typer(app, name="subscription")


def subscribe(
    selector: Annotated[
        str,
        typer.Argument(
            metavar="SELECTOR",
            help="PRODUCT[/FLAVOR][@VERSION], or a condition over many: '*/server@lts', 'linux:*', 'ubuntu*/desktop'.",
        ),
    ],
    arch: Architectures = [],
    language: Languages = [],
    edition: Editions = [],
    repository: Repositories = [],
    keep: Annotated[int, typer.Option("--keep", min=1, metavar="N", help="How many versions to keep.")] = 1,
    keep_days: Annotated[
        int, typer.Option("--keep-days", min=0, metavar="DAYS", help="Also keep what was proved in so many days.")
    ] = 0,
    keep_majors: Annotated[
        int, typer.Option("--keep-majors", min=0, metavar="N", help="Also keep the newest of each of N major versions.")
    ] = 0,
    keep_minors: Annotated[
        int, typer.Option("--keep-minors", min=0, metavar="N", help="Also keep the newest of each of N minor versions.")
    ] = 0,
    old: Annotated[Old, typer.Option("--old", help="What happens to replaced versions.")] = "trash",
    archive: Archive = "",
    floor: Floor = Assurance.PUBLISHED,
    under: Under = "",
    tag: Tags = [],
    group: Group = "",
    as_json: Json = False,
) -> None:
    """Keep what fits a selector, or everything that fits a condition now, up to date from now on."""
    from isomanager.catalogue.globs import expand, is_glob
    from isomanager.library.subscribing import Terms, best_assurance, out_of_reach, subscribe_all
    from isomanager.model import Keep, Selector

    terms = Terms(
        tuple(repository),
        Keep(last=keep, days=keep_days, per_major=keep_majors, per_minor=keep_minors),
        old,
        floor,
        under_bytes(under),
        tuple(tag),
        group,
        archive,
    )
    ways: dict[str, Any] = {"architectures": tuple(arch), "languages": tuple(language), "editions": tuple(edition)}
    with _library() as library:
        many = is_glob(selector)
        selectors: tuple[Selector, ...] = (
            expand(library.catalogue, selector, **ways).selectors if many else (Selector.parse(selector, **ways),)
        )
        kept = subscribe_all(library, selectors, terms)
        told = [(one, best_assurance(library, one), out_of_reach(library, one)) for one in kept]
    if as_json:
        rows = [
            one.model_dump(mode="json") | {"text": str(one.selector), "reachable": best, "warning": warning or None}
            for one, best, warning in told
        ]
        print_json(rows if many else rows[0])
        return
    for one, _, warning in told:
        _tell_subscribed(one, warning)
    if not all(warning for _, _, warning in told):
        print("Next: isomanager plan shows what that means, isomanager update does it.")


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
        print_json([one.model_dump(mode="json") | {"text": str(one.selector)} for one in removed])
    else:
        print("\n".join(f"No longer subscribed to {one.selector}; what is held stays." for one in removed))


def change_subscription(
    subscription: Chosen,
    version: Annotated[
        str | None, typer.Option("--version", metavar="RULE", help="A version rule or channel: 24.04, 24.latest, lts.")
    ] = None,
    repository: Annotated[
        list[str] | None,
        typer.Option("--repository", "-r", metavar="NAME", help="Where to keep it; may be given again."),
    ] = None,
    keep: Annotated[int | None, typer.Option("--keep", min=1, metavar="N", help="How many versions to keep.")] = None,
    keep_days: Annotated[
        int | None,
        typer.Option("--keep-days", min=0, metavar="DAYS", help="Also keep what was proved in so many days."),
    ] = None,
    keep_majors: Annotated[
        int | None, typer.Option("--keep-majors", min=0, metavar="N", help="The newest of each of N major versions.")
    ] = None,
    keep_minors: Annotated[
        int | None, typer.Option("--keep-minors", min=0, metavar="N", help="The newest of each of N minor versions.")
    ] = None,
    old: Annotated[Old | None, typer.Option("--old", help="What happens to replaced versions.")] = None,
    archive: Archive = "",
    floor: Annotated[
        Assurance | None, typer.Option("--floor", metavar="ASSURANCE", help="Publish nothing proved less.")
    ] = None,
    under: Annotated[
        str | None,
        typer.Option("--under", metavar="SIZE", help="Leave out what is not smaller, such as 1GiB; 0: nothing."),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="WORD", help="Its tags, in place of those it has.")
    ] = None,
    group: Annotated[str | None, typer.Option("--group", metavar="WORD", help="Its schedule group.")] = None,
    pause: Annotated[bool | None, typer.Option("--pause/--resume", help="Leave it alone, or go on.")] = None,
    as_json: Json = False,
) -> None:
    """Change a subscription, its version rule above all. What is held stays until something newer is in."""
    from isomanager.library.subscribing import Changes, change
    from isomanager.planning.keeping import policy_told

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
        print_json([one.model_dump(mode="json") | {"text": str(one.selector)} for one in changed])
        return
    for one in changed:
        archived = f"; older ones are archived in {one.archive}" if one.archive else ""
        wanted = f"{one.selector} ({', '.join(one.selector.architectures)})"
        print(f"{one.id} is now {wanted}; keep: {policy_told(one.keep)}{archived}.")
