"""`isomanager sync` and `isomanager site`: many places kept in step with one."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cli import changing
from cli.changing import DryRun
from cli.options import Json
from cli.output import print_json
from cli.tables import print_table

sites = typer.Typer(help="Named sets of repositories, to be kept in step by one name.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("sync")(sync)
    app.add_typer(sites, name="site")


def sync(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A repository, or the address of a place that describes itself.")
    ],
    to: Annotated[list[str], typer.Argument(metavar="DESTINATION...", help="Repositories and sites.")],
    mode: Annotated[
        Literal["mirror", "update", "merge"],
        typer.Option(
            "--mode", help="mirror: equal, extra files to the trash; update: what is newer or missing; merge: both."
        ),
    ] = "update",
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Hold the bytes against every digest of the receipts, not the SHA-256 alone."),
    ] = False,
    link: Annotated[
        bool,
        typer.Option(
            "--link",
            help="Between folders on one disk: a second name of the same file. Damage to one is damage to both.",
        ),
    ] = False,
    max_deletes: Annotated[
        int,
        typer.Option("--max-deletes", metavar="N", min=0, help="How many a mirror may let go of in one destination."),
    ] = 10,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Bring repositories and sites in step with another repository. One that fails never stops the others."""
    from cli.running import flows, tell
    from isomanager.library.opening import Library
    from isomanager.library.sync_planning import destinations
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        destinations(library, to, source)  # a name that fits nothing is refused before a server is started for it
    with flows(changing.verbosity, as_json=as_json) as run:
        from flows.sync import sync as sync_flow

        report = run(
            lambda: sync_flow(
                source=source, to=to, mode=mode, verify=verify, link=link, max_deletes=max_deletes, dry_run=dry_run
            )
        )
    tell(report, as_json=as_json, dry_run=dry_run, moved="copied")


@sites.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    repository: Annotated[list[str], typer.Argument(metavar="REPOSITORY...", help="The repositories there.")],
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What it is.")] = "",
    as_json: Json = False,
) -> None:
    """Name a set of repositories."""
    from isomanager.library.opening import Library
    from isomanager.library.sites import add_site
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        site = add_site(library, name, tuple(repository), description)
    if as_json:
        print_json(site.model_dump(mode="json"))
    else:
        print(f"{site.name}: {', '.join(site.repositories)}. Next: isomanager sync default {site.name} --dry-run")


@sites.command("list")
def list_sites(as_json: Json = False) -> None:
    """Every site and its repositories."""
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        found = library.inventory.sites()
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    rows = ((one.name, ", ".join(one.repositories), one.description or "-") for one in found)
    print_table(
        ("site", "repositories", "description"),
        rows,
        empty="No sites yet. Add one with: isomanager site add NAME REPOSITORY",
    )


@sites.command("remove")
def remove(name: Annotated[str, typer.Argument(metavar="NAME", help="The site.")]) -> None:
    """Forget a site; its repositories and their images stay."""
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        library.inventory.remove_site(name)
    print(f"The site {name} is forgotten.")
