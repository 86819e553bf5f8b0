"""Commands that only look: what is held, where it is, what is wanted, what an update would do. None of them needs Prefect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import Architectures, Editions, Json, Languages, SelectorText, What
from cli.output import FAILED, print_json, print_table, say, size

if TYPE_CHECKING:
    from isomanager.library.opening import Library
    from isomanager.model import Copy, Plan


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("list")(list_copies)
    app.command("show")(show)
    app.command("path")(path)
    app.command("subscriptions")(subscriptions)
    app.command("plan")(plan)
    app.command("digests")(digests)
    app.command("config")(config)


def _library() -> Library:
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    return Library(load_settings())


def list_copies(
    what: What = [],
    repository: Annotated[str, typer.Option("--repository", "-r", help="Only this repository.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Also what is in the trash or gone.")] = False,
    as_json: Json = False,
) -> None:
    """The images that are held."""
    from isomanager.library.checking import CHECKED, held_copies

    with _library() as library:
        found = held_copies(library, what) if what else library.inventory.copies(states=None if every else CHECKED)
    found = tuple(copy for copy in found if not repository or copy.repository == repository)
    if as_json:
        print_json([copy_json(copy) for copy in found])
        return
    columns = ("image", "repository", "path", "size", "assurance", "state", "proved")
    rows = (
        (
            copy.title,
            copy.repository,
            copy.path,
            size(copy.size),
            copy.assurance,
            copy.state,
            f"{copy.proved_at:%Y-%m-%d}" if copy.proved_at else "",
        )
        for copy in found
    )
    print_table(columns, rows, empty="Nothing is held yet. Begin with: isomanager subscribe ubuntu/server@lts")


def copy_json(copy: Copy) -> dict[str, Any]:
    """A copy as `list --json` prints it: a contract for other programs."""
    title, version = copy.title, copy.title.version
    return {
        "family": title.family.value,
        "product": title.product,
        "flavor": title.flavor,
        "version": {"major": version.major, "minor": version.minor, "patch": version.patch, "text": version.text},
        "architecture": title.architecture,
        "language": title.language,
        "edition": title.edition,
        "repository": copy.repository,
        "path": copy.path,
        "size": copy.size,
        "sha256": copy.sha256,
        "assurance": copy.assurance.value,
        "proved_at": copy.proved_at.isoformat() if copy.proved_at else None,
        "state": copy.state.value,
        "id": copy.id,
        "source": copy.source,
    }


def show(name: Annotated[str, typer.Argument(help="A title, product, path or id.")], as_json: Json = False) -> None:
    """Everything that is known of a held image: digests, who signed what, why it was believed, where it came from."""
    from isomanager.library.checking import held_copies

    with _library() as library:
        told = [(copy, library.inventory.receipts(copy.sha256 or "")) for copy in held_copies(library, [name])]
    if as_json:
        print_json(
            [
                {
                    **copy_json(copy),
                    "digests": copy.digests,
                    "receipts": [one.model_dump(mode="json") for one in receipts],
                }
                for copy, receipts in told
            ]
        )
        return
    for copy, receipts in told:
        rows: list[tuple[str, object]] = [("image", copy.title), ("path", copy.path), ("size", size(copy.size))]
        rows += [("state", copy.state), ("assurance", copy.assurance), *sorted(copy.digests.items())]
        for receipt in receipts:
            rows += [("signed by", receipt.signer.primary)] if receipt.signer else []
            rows += [("why", reason) for reason in receipt.reasons] + [("from", url) for url in receipt.urls]
            rows.append(("proved", receipt.proved_at.isoformat(timespec="seconds")))
        print_table(("", ""), rows)


def path(
    selector: SelectorText,
    arch: Architectures = [],
    language: Languages = [],
    edition: Editions = [],
    as_json: Json = False,
) -> None:
    """Where the newest held image that fits a selector is. Looks only; exit code 1 when there is none."""
    from isomanager.library.finding import location, newest_held
    from isomanager.model import Selector

    asked = Selector.parse(selector, architectures=tuple(arch), languages=tuple(language), editions=tuple(edition))
    with _library() as library:
        copy = newest_held(library, asked)
        place = location(library, copy) if copy else ""
    if copy is None:
        told = f"Nothing that is held fits {asked}."
        if as_json:
            print_json({"error": "not-held", "message": told})
        else:
            say(f"isomanager: {told} `isomanager download {selector}` fetches it.")
        raise typer.Exit(FAILED)
    if as_json:
        print_json({**copy_json(copy), "location": place})
    else:
        print(place)


def subscriptions(as_json: Json = False) -> None:
    """What the library is to hold."""
    with _library() as library:
        found = library.inventory.subscriptions()
    if as_json:
        print_json([one.model_dump(mode="json") | {"text": str(one.selector)} for one in found])
        return
    columns = ("id", "selector", "architectures", "repositories", "keep", "floor")
    rows = (
        (
            one.id,
            one.selector,
            ", ".join(one.selector.architectures),
            ", ".join(one.repositories),
            f"{one.keep.last}" + (f" or {one.keep.days} days" if one.keep.days else ""),
            one.floor,
        )
        for one in found
    )
    print_table(columns, rows, empty="No subscriptions yet. Add one with: isomanager subscribe ubuntu/server@lts")


def plan(what: What = [], as_json: Json = False) -> None:
    """What an update would do now, and why. Asks upstream, changes nothing."""
    from isomanager.library.planning_updates import by_product, chosen_subscriptions, make_plan
    from isomanager.library.resolving import resolve_patiently

    with _library() as library:
        chosen = chosen_subscriptions(library, what)
        wants = [want for group in by_product(chosen).values() for want in resolve_patiently(library, group)]
        made = make_plan(library, wants)
    if as_json:
        print_json(made.model_dump(mode="json", exclude={"actions": {"__all__": {"expectation"}}}))
    else:
        print_plan(made)


def print_plan(made: Plan) -> None:
    """The plan as a table, its costs below."""
    rows = (
        (
            action.kind,
            action.title or action.selector,
            action.repository,
            size(action.cost) if action.cost != 0 else "",
            size(action.frees) if action.frees else "",
            action.reason,
        )
        for action in made.actions
    )
    columns = ("action", "image", "repository", "fetches", "frees", "why")
    print_table(columns, rows, empty="Nothing to do: there are no subscriptions yet.")
    if made.actions:
        print(f"Fetches {size(made.cost)}, lets go of {size(made.frees)}.")


def digests(
    file: Annotated[Path, typer.Argument(help="A checksum document.")],
    signature: Annotated[Path | None, typer.Option("--signature", help="Its detached signature.")] = None,
    product: Annotated[str, typer.Option("--product", help="The product whose pinned keys must have signed.")] = "",
    key: Annotated[list[Path], typer.Option("--key", help="A key file instead; may be given again.")] = [],
    as_json: Json = False,
) -> None:
    """What a checksum document says, and whether its signature is good."""
    from isomanager.library.digesting_documents import report_digests

    with _library() as library:
        told = report_digests(library, file, signature=signature, product=product, keys=key)
    if as_json:
        print_json(told)
        return
    print_table(
        ("name", "algorithm", "digest", "size"),
        ((one["name"], one["algorithm"], one["digest"], one.get("size") or "") for one in told["entries"]),
        empty="It lists no digests.",
    )
    if told.get("signature"):
        print_table(("signature", ""), told["signature"].items())


def config(as_json: Json = False) -> None:
    """Each setting, its value, where it comes from and what it is for."""
    from isomanager.settings import Settings, default_config_file, load_settings, origins

    settings = load_settings()
    found = origins(settings)
    fields = Settings.model_fields
    rows = [(name, getattr(settings, name), found[name], fields[name].description or "") for name in fields]
    if as_json:
        print_json({name: {"value": value, "from": origin} for name, value, origin, _ in rows})
        return
    print_table(("setting", "value", "from", "what for"), rows)
    print(f"File: {default_config_file()}; environment: ISOMANAGER_NAME. The database in use: {settings.database}")
