"""`isomanager dedupe`: what a repository holds twice takes the room of one."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cli import changing
from cli.options import Json


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("dedupe")(dedupe)


def dedupe(
    repositories: Annotated[
        list[str], typer.Argument(metavar="[REPOSITORY]...", help="Which repositories; none means all.")
    ] = [],
    way: Annotated[
        Literal["auto", "reflink", "hardlink"],
        typer.Option(
            "--way",
            help="auto: shared blocks where the disk can, else a second name of the same file; or one of the two only.",
        ),
    ] = "auto",
    dry_run: changing.DryRun = False,
    as_json: Json = False,
) -> None:
    """Let images that are held twice in one repository share their bytes. Each keeps its name; both are read and proved first."""
    from cli.running import flows, tell
    from isomanager.library.deduping import duplicates_report, plan_duplicates
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        planned = plan_duplicates(library, repositories)
    if dry_run or not any(not one.code for one in planned):
        tell(duplicates_report(planned), as_json=as_json)
        return
    with flows(changing.verbosity, as_json=as_json) as run:
        from flows.dedupe import dedupe as dedupe_flow

        report = run(lambda: dedupe_flow(repositories=repositories, way=way, dry_run=False))
    tell(report, as_json=as_json)
