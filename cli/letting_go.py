"""Commands about what stays and what goes: pin, hold, release, freeze, why, the trash, the quarantine.

What only writes down an intention needs no flow; restoring and emptying run the flow `trash`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import changing
from cli.options import Architectures, Json
from cli.output import print_json, say
from cli.tables import print_facts, print_table, size

if TYPE_CHECKING:
    from isomanager.library.opening import Library
    from isomanager.model import Pin

trash_app = typer.Typer(help="What was retired, and bringing it back.", no_args_is_help=True)
quarantine_app = typer.Typer(help="What was refused, and trying it again.", no_args_is_help=True)

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A selector (ubuntu/server@24.04), or a path, title or id of what is held."),
]
Because = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for whoever asks later.")]
Until = Annotated[str, typer.Option("--until", metavar="DATE", help="When it ends by itself: 2027-01-31, or in 90d.")]
Trashed = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="Families, products, selectors, paths or ids in the trash.")
]
Refused = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="Products, titles, selectors or ids of refusals.")
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("pin")(pin)
    app.command("hold")(hold)
    app.command("release")(release)
    app.command("pins")(pins)
    app.command("freeze")(freeze)
    app.command("unfreeze")(unfreeze)
    app.command("why")(why)
    app.add_typer(trash_app, name="trash")
    app.add_typer(quarantine_app, name="quarantine")


def _library() -> Library:
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    return Library(load_settings())


def pin(name: Name, arch: Architectures = [], reason: Because = "", until: Until = "", as_json: Json = False) -> None:
    """Keep something whatever the subscriptions say."""
    _pin("pin", name, arch, reason, until, as_json)


def hold(name: Name, arch: Architectures = [], reason: Because = "", until: Until = "", as_json: Json = False) -> None:
    """Keep something, and fetch nothing newer in its place."""
    _pin("hold", name, arch, reason, until, as_json)


def _pin(kind: Literal["pin", "hold"], name: str, arch: list[str], reason: str, until: str, as_json: bool) -> None:
    from isomanager.library.checking import CHECKED
    from isomanager.library.pinning import covered, end_of
    from isomanager.library.pinning import pin as pin_it
    from isomanager.model import architecture

    architectures = tuple(architecture(one) for one in arch)
    with _library() as library:
        end = end_of(until, library.now())
        made = pin_it(library, name, kind, architectures=architectures, reason=reason, until=end)
        copies = library.inventory.copies(states=CHECKED)
        covering = [(one, covered(library, one, copies)) for one in made]
    if as_json:
        print_json([_pin_json(one) | {"covers": [copy.path for copy in copies]} for one, copies in covering])
        return
    for one, copies in covering:
        print(f"{'Pinned' if kind == 'pin' else 'On hold'}: {one.selector or one.name}, {len(copies)} held images.")
        for copy in copies:
            print(f"  {copy.path} in {copy.repository}")


def _pin_json(one: Pin) -> dict[str, object]:
    return one.model_dump(mode="json") | {"text": str(one.selector or one.name)}


def release(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The id or name of a pin or hold, or the path of an image.")
    ],
    as_json: Json = False,
) -> None:
    """Take back a pin or a hold."""
    from isomanager.library.pinning import release as release_it

    with _library() as library:
        released = release_it(library, name)
    if as_json:
        print_json([_pin_json(one) for one in released])
    else:
        print("\n".join(f"Released the {one.kind} on {one.name}." for one in released))


def pins(as_json: Json = False) -> None:
    """What is pinned or on hold."""
    with _library() as library:
        found = library.inventory.pins()
    if as_json:
        print_json([_pin_json(one) for one in found])
        return
    rows = (
        (one.id, one.kind, one.selector or one.name, f"{one.until:%Y-%m-%d}" if one.until else "-", one.reason or "-")
        for one in found
    )
    print_table(("id", "kind", "what", "until", "why"), rows, empty="Nothing is pinned or on hold.")


def freeze(reason: Because = "", as_json: Json = False) -> None:
    """Delete nothing anywhere, not even from the trash, until `isomanager unfreeze`."""
    with _library() as library:
        frozen = library.inventory.freeze(reason)
    if as_json:
        print_json(frozen.model_dump(mode="json"))
    else:
        print(f"Frozen since {frozen.at:%Y-%m-%d %H:%M}: nothing is deleted until `isomanager unfreeze`.")


def unfreeze(as_json: Json = False) -> None:
    """Allow deletions again."""
    with _library() as library:
        was = library.inventory.unfreeze()
    if as_json:
        print_json({"was_frozen": was})
    else:
        print("Deletions are allowed again." if was else "It was not frozen.")


def why(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A path, title or id, or a selector or product.")],
    as_json: Json = False,
) -> None:
    """Why an image is here, why it stays or goes, how it is trusted, and what would change that. Asks nobody."""
    from isomanager.library.answering_why import why as answers

    with _library() as library:
        told = answers(library, name)
    if as_json:
        keys = ("code", "reason", "change")
        print_json(
            [one.model_dump() | {"reasons": [dict(zip(keys, why, strict=True)) for why in one.reasons]} for one in told]
        )
        return
    for place, one in enumerate(told):
        if place:
            print()
        print_facts(one.facts)


@trash_app.command("list")
def list_trash(as_json: Json = False) -> None:
    """What is in the trash, why, and until when it can come back."""
    from isomanager.inventory.passing import copy_json
    from isomanager.library.trash import stays_until, trashed

    with _library() as library:
        found = [(copy, stays_until(library, copy)) for copy in trashed(library)]
    if as_json:
        print_json(
            [
                copy_json(one) | {"reason": one.reason, "until": end.isoformat(), "trash_path": one.trash_path}
                for one, end in found
            ]
        )
        return
    rows = ((one.title, size(one.size), f"{end:%Y-%m-%d}", one.repository, one.path, one.reason) for one, end in found)
    columns = ("image", "size", "until", "repository", "path", "why")
    print_table(columns, rows, below=("path", "why"), empty="The trash is empty.")


@trash_app.command("restore")
def restore(what: Trashed, as_json: Json = False) -> None:
    """Bring images back from the trash: moved back, read and proved, and pinned so that they stay."""
    _run_trash(what, "restore", as_json)


@trash_app.command("empty")
def empty(
    what: Annotated[
        list[str], typer.Argument(metavar="[NAME]...", help="What to remove; with --all nothing is named.")
    ] = [],
    every: Annotated[bool, typer.Option("--all", help="All that is in the trash.")] = False,
    as_json: Json = False,
) -> None:
    """Remove images from the trash for good, before their time."""
    from isomanager.errors import UsageError

    if bool(what) == every:
        raise UsageError("Name what to remove for good, or say --all.")
    _run_trash(what or ["all"], "empty", as_json)


def _run_trash(what: list[str], action: Literal["restore", "empty"], as_json: bool) -> None:
    from cli.running import flows, tell
    from isomanager.library.trash import trashed

    with _library() as library:
        if not trashed(library, [] if what == ["all"] else what):
            say("The trash is empty.")
    with flows(changing.verbosity, as_json=as_json) as run:
        from flows.letting_go import trash as flow

        report = run(lambda: flow(what=what, action=action))
    tell(report, as_json=as_json)


@quarantine_app.command("list")
def list_quarantine(as_json: Json = False) -> None:
    """What was refused, the newest first."""
    from isomanager.library.refusals import refusal_id, refusals

    with _library() as library:
        found = refusals(library)
    if as_json:
        print_json([one.model_dump(mode="json") | {"id": refusal_id(one), "image": str(one.title)} for one in found])
        return
    rows = ((refusal_id(one), one.title, one.code, f"{one.at:%Y-%m-%d}", one.reason) for one in found)
    print_table(
        ("id", "image", "code", "since", "why"),
        rows,
        below=("why",),
        empty="No image was refused for its evidence or its bytes. `isomanager plan` says what subscriptions refuse beforehand.",
    )


@quarantine_app.command("show")
def show_quarantine(what: Refused, as_json: Json = False) -> None:
    """Everything that is known of refusals."""
    from isomanager.library.refusals import refusal_id, refusals

    with _library() as library:
        found = refusals(library, what)
    if as_json:
        print_json([one.model_dump(mode="json") | {"id": refusal_id(one), "image": str(one.title)} for one in found])
        return
    for place, one in enumerate(found):
        if place:
            print()
        print_facts(
            [
                ("id", refusal_id(one)), ("image", one.title), ("code", one.code), ("why", one.reason),
                ("since", one.at.isoformat(timespec="seconds")), ("evidence", one.fingerprint),
                ("tried again", f"when upstream's evidence changes, or after `isomanager quarantine release {refusal_id(one)}`"),
            ]
        )  # fmt: skip


@quarantine_app.command("release")
def release_quarantine(what: Refused, as_json: Json = False) -> None:
    """Forget refusals: the next update fetches those images and judges them again."""
    from isomanager.library.refusals import release as release_them

    with _library() as library:
        released = release_them(library, what)
    if as_json:
        print_json([one.model_dump(mode="json") | {"image": str(one.title)} for one in released])
    else:
        print("\n".join(f"Released {one.title}: the next update tries it again." for one in released))
