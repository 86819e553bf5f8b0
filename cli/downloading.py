"""`isomanager download`: one image once, into the library by the flow of that name, or straight to a file."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from cli import changing
from cli.changing import DryRun
from cli.options import Accept, Architectures, Editions, Force, Json, Languages, Repository, Under, under_bytes
from cli.running import flows, tell
from isomanager.errors import UsageError

if TYPE_CHECKING:
    from isomanager.library.requesting import Asked


SelectorOrCondition = Annotated[
    str,
    typer.Argument(
        metavar="[SELECTOR]",
        help="PRODUCT[/FLAVOR][@VERSION], or a condition over many such as '*/server@lts'; or give --url or --torrent.",
        show_default=False,
    ),
]
Url = Annotated[str, typer.Option("--url", metavar="URL", help="An address of your own instead of a selector.")]
Torrent = Annotated[
    str,
    typer.Option(
        "--torrent",
        metavar="TORRENT",
        help="Fetch it by this torrent: a .torrent file, its address, a magnet: link or an info hash.",
    ),
]
To = Annotated[
    str, typer.Option("--to", metavar="PATH", help="A file, or a folder with / at its end; no library is touched.")
]
Name = Annotated[str, typer.Option("--name", metavar="NAME", help="What to call an image from an address.")]
Sha256 = Annotated[str, typer.Option("--sha256", metavar="HEX", help="The digest the image must have.")]
Checked = Annotated[
    bool | None,
    typer.Option(
        "--verify/--no-verify",
        help="Refuse an image that nothing proves, or accept it. Refused unless it comes from --url or --torrent to a file.",
        show_default=False,
    ),
]
Register = Annotated[
    bool, typer.Option("--register/--no-register", help="Put it into the library; or only into a file.")
]
Family = Annotated[
    str, typer.Option("--family", metavar="FAMILY", help="Each product of a family: linux, bsd, rescue, ...")
]
Everything = Annotated[bool, typer.Option("--everything", help="Of many products every flavor.")]
Budget = Annotated[
    str, typer.Option("--budget", metavar="SIZE", help="Of many images no more than this in all, such as 200GiB.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Fetch many images without asking.")]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("download")(download)


def download(
    selector: SelectorOrCondition = "",
    url: Url = "",
    torrent: Torrent = "",
    to: To = "",
    arch: Architectures = [],
    language: Languages = [],
    edition: Editions = [],
    repository: Repository = "default",
    name: Name = "",
    sha256: Sha256 = "",
    checked: Checked = None,
    register: Register = True,
    force: Force = False,
    accept: Accept = False,
    family: Family = "",
    everything: Everything = False,
    under: Under = "",
    budget: Budget = "",
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Download once: one image by selector, from an address or by a torrent of your own; or all that fits a condition."""
    from cli.downloading_many import Limits, download_many
    from cli.fetching import fetch_to_file
    from isomanager.catalogue.globs import is_glob
    from isomanager.library.requesting import Asked

    to_file = bool(to) or not register
    # a file from an address of one's own is what its owner takes it for; in the library nothing is held without a proof
    unproved = bool(url or torrent) and to_file if checked is None else not checked
    ways = (tuple(arch), tuple(language), tuple(edition))
    asked = Asked(selector, *ways, repository, url, name, sha256, force, unproved, torrent, accept)
    if family or is_glob(selector):
        _require_many(asked, to_file=to_file)
        limits = Limits(under_bytes(under), under_bytes(budget), everything=everything)
        download_many(asked, family, limits, yes=yes, dry_run=dry_run, as_json=as_json)
    elif everything or under or budget or dry_run:
        raise UsageError(
            "--everything, --under, --budget and --dry-run are for many images.", hint="Name a --family or a condition."
        )
    elif to_file:
        fetch_to_file(asked, to, as_json=as_json)
    else:
        _download_one(asked, as_json=as_json)


def _require_many(asked: Asked, *, to_file: bool) -> None:
    """Refuse what only makes sense for one image."""
    plain = replace(asked, selector="", force=False, accept_unproved=False, architectures=())
    if plain != type(asked)(repository=asked.repository):
        raise UsageError("--url, --torrent, --name, --sha256, --language, --edition and --accept are for one image.")
    if to_file:
        raise UsageError("Many images go into a repository: --to and --no-register are for one image.")


def _download_one(asked: Asked, *, as_json: bool) -> None:
    _require_sense(asked)
    with flows(changing.verbosity, as_json=as_json) as run:
        from flows.download import download as flow
        from isomanager.library.withholding import withheld

        asked = replace(asked, url=withheld(asked.url), torrent=withheld(asked.torrent))
        lists = {"architectures": list(asked.architectures), "languages": list(asked.languages)}
        told = {**asdict(asked), **lists, "editions": list(asked.editions)}
        report = run(lambda: flow(**told))
    tell(report, as_json=as_json)


def _require_sense(asked: Asked) -> None:
    """Refuse at once, before a server is started for it, what cannot mean anything."""
    from isomanager.library.opening import Library
    from isomanager.library.requesting import require_sense
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        require_sense(library, asked)
        library.inventory.repository(asked.repository)
