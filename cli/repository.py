"""`isomanager repository`: the places that hold images; whether they can be used is tried, not believed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import changing
from cli.options import Json
from cli.output import FAILED, print_json
from cli.tables import print_facts, print_table, size

if TYPE_CHECKING:
    from isomanager.library.forgetting import Removal
    from isomanager.library.opening import Library
    from isomanager.model import RepositoryRecord
    from isomanager.storage.checking import StoreCheck

app = typer.Typer(help="The places that hold images.", no_args_is_help=True)


@contextmanager
def _prefect_for(url: str) -> Iterator[None]:
    """A Prefect API where the address names a block, which only Prefect can open."""
    if url.startswith("block://"):
        from cli.running import flows

        with flows(changing.verbosity, as_json=True):
            yield
    else:
        yield


def _library() -> Library:
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    return Library(load_settings())


@app.command("create")
def create(
    url: Annotated[
        str,
        typer.Argument(metavar="URL", help="A folder, s3://bucket/folder, smb://, nfs://, or block://TYPE/NAME."),
    ],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What to call it.")],
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What it is for.")] = "",
    layout: Annotated[
        str, typer.Option("--layout", metavar="LAYOUT", help="Where in it an image goes; else by the default one.")
    ] = "",
    new_disk: Annotated[
        bool,
        typer.Option("--new-disk", help="Its disk was replaced by an empty one: take it, though no image is there."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a place known as a repository, once it has shown that it can be used."""
    from isomanager.library.repositories import add_repository

    with _library() as library, _prefect_for(url):
        record = add_repository(library, name, url, layout, description, new_disk=new_disk)
    if as_json:
        print_json(_told(record))
    else:
        print_facts([("repository", record.name), ("place", record.url), ("layout", record.layout)])
        print(f"Next: isomanager subscribe ubuntu/server@lts --repository {record.name}")


@app.command("list")
def list_repositories(as_json: Json = False) -> None:
    """Every repository that is known."""
    with _library() as library:
        told = [_told(one) for one in library.inventory.repositories()]
    if as_json:
        print_json(told)
        return
    columns = ("name", "place", "layout", "description")
    print_table(columns, ((one["name"], one["url"], one["layout"], one["description"] or "-") for one in told))


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The repository's name.")] = "default",
    as_json: Json = False,
) -> None:
    """Write, read, rename and delete a probe in a repository, and say what is wrong."""
    from isomanager.library.repositories import check_repository

    with _library() as library, _prefect_for(library.inventory.repository(name).url):
        checked = check_repository(library, name)
    if as_json:
        print_json(_checked(name, checked))
    else:
        rows = (("ok" if step.ok else "WRONG", step.name, step.told) for step in checked.steps)
        print_table(("result", "tried", "what it showed"), rows)
        room = f", {size(checked.free)} free" if checked.free is not None else ""
        print(f"{name} at {checked.url}{room}: {'can be used' if checked.ok else 'cannot be used'}.")
    if not checked.ok:
        raise typer.Exit(FAILED)


@app.command("layout")
def layout(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The repository's name.")],
    layout: Annotated[
        str,
        typer.Argument(
            metavar="[LAYOUT]", help="A built-in one, a template, or a tree as JSON; none: the present one."
        ),
    ] = "",
    dry_run: changing.DryRun = False,
    as_json: Json = False,
) -> None:
    """Give a repository another layout: what is held is moved inside the store, nothing is fetched."""
    from cli.running import flows, tell
    from isomanager.library.relocating import moves_report, plan_layout

    with _library() as library:
        record = library.inventory.repository(name)
        wanted = layout or record.layout
        moves = plan_layout(library, name, wanted)
    if dry_run:
        tell(moves_report(moves, name), as_json=as_json)
        return
    with flows(changing.verbosity, as_json=as_json) as run:
        from flows.layout import layout as layout_flow

        report = run(lambda: layout_flow(repository=name, layout=wanted, dry_run=False))
    tell(report, as_json=as_json)


@app.command("rebuild")
def rebuild(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The repository's name.")] = "default",
    as_json: Json = False,
) -> None:
    """Make what the database knows of a repository again, from its files, its receipts and its own inventory."""
    from cli.running import flows, tell

    with _library() as library:
        library.inventory.repository(name)
    with flows(changing.verbosity, as_json=as_json) as run:
        from flows.rebuild_repository import rebuild_repository

        report = run(lambda: rebuild_repository(repository=name))
    tell(report, as_json=as_json)


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The repository's name.")],
    forget_copies: Annotated[
        bool,
        typer.Option(
            "--forget-copies", help="Also forget the images that are there, or in its trash; their files stay."
        ),
    ] = False,
    dry_run: changing.DryRun = False,
    as_json: Json = False,
) -> None:
    """Forget a repository: what the database says of it goes, and no file is touched. Refused while anything names it."""
    from isomanager.library.forgetting import plan_removal, remove_repository

    with _library() as library:
        if dry_run:
            told = plan_removal(library, name, forget_copies=forget_copies)
        else:
            told = remove_repository(library, name, forget_copies=forget_copies)
    if as_json:
        print_json(told.model_dump(mode="json") | {"removed": not dry_run})
    else:
        _print_removal(told, dry_run=dry_run)
    if told.obstacles:
        raise typer.Exit(FAILED)


def _print_removal(told: Removal, *, dry_run: bool) -> None:
    there = ", ".join(f"{count} {state}" for state, count in told.copies.items())
    held = f", {size(told.bytes)}" if told.bytes else ""
    facts = [("repository", told.repository), ("place", told.url), ("forgotten", f"{there or 'no image'}{held}")]
    if told.pins:
        facts.append(("pins", f"{told.pins} on images there go with it"))
    print_facts([*facts, *(("in the way", why) for why in told.obstacles), ("what stays", told.remains)])
    print("Nothing was changed: this was a dry run." if dry_run else f"The repository {told.repository} is forgotten.")


def _told(record: RepositoryRecord) -> dict[str, Any]:
    return {"name": record.name, "url": record.url, "layout": record.layout, "description": record.description}


def _checked(name: str, checked: StoreCheck) -> dict[str, Any]:
    steps = [{"tried": one.name, "ok": one.ok, "told": one.told, "code": one.code} for one in checked.steps]
    return {"repository": name, "url": checked.url, "ok": checked.ok, "free": checked.free, "steps": steps}
