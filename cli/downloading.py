"""`isomanager download`: one image once, into the library by the flow of that name, or straight to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import changing
from cli.options import Accept, Architectures, Editions, Force, Json, Languages
from cli.running import flows, tell

if TYPE_CHECKING:
    from isomanager.library.requesting import Asked


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("download")(download)


def download(
    selector: Annotated[
        str,
        typer.Argument(
            metavar="[SELECTOR]", help="PRODUCT[/FLAVOR][@VERSION]; or give --url or --torrent.", show_default=False
        ),
    ] = "",
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="An address of your own instead of a selector.")
    ] = "",
    torrent: Annotated[
        str,
        typer.Option(
            "--torrent",
            metavar="TORRENT",
            help="Fetch it by this torrent: a .torrent file, its address, a magnet: link or an info hash.",
        ),
    ] = "",
    to: Annotated[
        str, typer.Option("--to", metavar="PATH", help="A file, or a folder with / at its end; no library is touched.")
    ] = "",
    arch: Architectures = [],
    language: Languages = [],
    edition: Editions = [],
    repository: Annotated[
        str, typer.Option("--repository", "-r", metavar="NAME", help="The repository to put it in.")
    ] = "default",
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What to call an image from an address.")] = "",
    sha256: Annotated[str, typer.Option("--sha256", metavar="HEX", help="The digest the image must have.")] = "",
    checked: Annotated[
        bool | None,
        typer.Option(
            "--verify/--no-verify",
            help="Refuse an image that nothing proves, or accept it. Refused unless it comes from --url or --torrent to a file.",
            show_default=False,
        ),
    ] = None,
    register: Annotated[
        bool, typer.Option("--register/--no-register", help="Put it into the library; or only into a file.")
    ] = True,
    force: Force = False,
    accept: Accept = False,
    as_json: Json = False,
) -> None:
    """Download one image once: by selector, or from an address or by a torrent of your own."""
    from isomanager.library.requesting import Asked

    to_file = bool(to) or not register
    # a file from an address of one's own is what its owner takes it for; in the library nothing is held without a proof
    unproved = bool(url or torrent) and to_file if checked is None else not checked
    asked = Asked(
        selector,
        tuple(arch),
        tuple(language),
        tuple(edition),
        repository,
        url,
        name,
        sha256,
        force,
        unproved,
        torrent,
        accept,
    )
    if to_file:
        from cli.fetching import fetch_to_file

        fetch_to_file(asked, to, as_json=as_json)
        return
    _require_sense(asked)
    with flows(changing.verbosity, as_json=as_json) as run:
        from flows.download import download as flow

        report = run(
            lambda: flow(
                selector=selector,
                architectures=arch,
                languages=language,
                editions=edition,
                repository=repository,
                url=url,
                name=name,
                sha256=sha256,
                force=force,
                accept_unproved=unproved,
                torrent=torrent,
                accept=accept,
            )
        )
    tell(report, as_json=as_json)


def _require_sense(asked: Asked) -> None:
    """Refuse at once, before a server is started for it, what cannot mean anything."""
    from isomanager.library.opening import Library
    from isomanager.library.requesting import require_sense
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        require_sense(library, asked)
        library.inventory.repository(asked.repository)
