"""`isomanager catalogue refresh`: the flow of that name, run from the terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import changing
from cli.options import Json, What
from cli.output import FAILED, print_json, say
from cli.running import flows


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("refresh")(refresh)


def refresh(
    what: What = [],
    publish: Annotated[
        list[str],
        typer.Option(
            "--publish", metavar="REPOSITORY", help="Also write catalogue.json there, for other servers to read."
        ),
    ] = [],
    as_json: Json = False,
) -> None:
    """Ask upstream about what is subscribed to, so that updates find fresh answers. Exit code 1 when something is not answered."""
    _require_sense(what, publish)
    with flows(changing.verbosity, as_json=as_json):
        from flows.refresh_catalogue import refresh_catalogue as flow

        done = flow(what=what, publish=publish)
    if as_json:
        print_json(done.model_dump(mode="json"))
    else:
        print(f"Upstream answered for {done.answered} subscriptions.")
        for place in done.published:
            print(f"Published at {place}")
        for told in done.unanswered:
            say(f"isomanager: {told}")
    if done.unanswered:
        raise typer.Exit(FAILED)


def _require_sense(what: list[str], publish: list[str]) -> None:
    from isomanager.library.choosing import chosen_subscriptions
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        chosen_subscriptions(library, what)
        for name in publish:
            library.inventory.repository(name)
