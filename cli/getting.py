"""`isomanager get`: where a proved copy is, fetched if it is not held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import changing
from cli.options import Architectures, Editions, Json, Languages, SelectorText, Variables
from cli.output import print_json, say
from cli.running import flows

if TYPE_CHECKING:
    from isomanager.library.getting import Got
    from isomanager.library.requesting import Asked


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("get")(get)


def get(
    selector: SelectorText,
    arch: Architectures = [],
    language: Languages = [],
    edition: Editions = [],
    repository: Annotated[
        str, typer.Option("--repository", "-r", metavar="NAME", help="Only a copy in this repository will do.")
    ] = "",
    variables: Variables = "",
    as_json: Json = False,
) -> None:
    """Print where a proved copy is; fetch it first if it is not held. Progress goes to standard error."""
    from isomanager.library.requesting import Asked

    asked = Asked(selector, tuple(arch), tuple(language), tuple(edition), repository)
    found = _held(asked) or _fetched(asked, quiet=as_json or bool(variables))
    if variables:
        from isomanager.inventory.report.variables import write_variables

        told = {"iso_url": found["iso_url"], "iso_checksum": found["iso_checksum"], "iso_version": found["version"]}
        print(write_variables({**told, "iso_architecture": found["architecture"]}, variables), end="")
    elif as_json:
        print_json(dict(found))
    else:
        print(found["location"])


def _held(asked: Asked) -> Got | None:
    """What is held needs no Prefect."""
    from isomanager.library.finding import newest_held
    from isomanager.library.getting import got
    from isomanager.library.opening import Library
    from isomanager.model import Selector
    from isomanager.settings import load_settings

    ways = {"architectures": asked.architectures, "languages": asked.languages, "editions": asked.editions}
    with Library(load_settings()) as library:
        if asked.repository:
            library.inventory.repository(asked.repository)
        copy = newest_held(library, Selector.parse(asked.selector, **ways), asked.repository or None)
        return got(library, copy, fetched=False) if copy else None


def _fetched(asked: Asked, *, quiet: bool) -> Got:
    from cli.progress import terminal_progress

    with flows(changing.verbosity, as_json=quiet):
        from flows.get import get as flow
        from tasks.progress import listening

        say(f"{asked.selector} is not held yet: fetching it.")
        with terminal_progress(shown=not quiet) as show, listening(lambda one: show(one.image, one.done, one.total)):
            return flow(
                selector=asked.selector,
                architectures=list(asked.architectures),
                languages=list(asked.languages),
                editions=list(asked.editions),
                repository=asked.repository,
            )
