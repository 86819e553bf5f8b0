"""`isomanager export` and `isomanager import`: inventories for other programs, and from them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli import changing
from cli.changing import DryRun
from cli.listing import plain_names
from cli.options import Json, OnlyRepositories, What
from cli.output import print_json, say
from isomanager.errors import UsageError

FormName = Literal["json", "isomanager", "simple", "csv", "xml"]

Against = Annotated[
    list[Path],
    typer.Option("--against", metavar="FILE", help="The other side's inventory.json, or bundle.json of earlier ones."),
]
Compress = Annotated[
    Literal["auto", "always", "never"],
    typer.Option("--compress", help="In a .tar.zst: auto leaves images as they are that would not shrink."),
]
Form = Annotated[
    FormName | None,
    typer.Option(
        "--format", "-f", help="json (schema 1.0), isomanager (everything), simple, csv or xml; else the setting's."
    ),
]
AsLibraryFile = Annotated[
    bool,
    typer.Option("--library", help="A library file for `apply` instead: repositories, sources, sites, subscriptions."),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("export")(export)
    app.command("import")(import_)


def export(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Where to write it; - for standard output. With --bundle: images too."),
    ],
    what: What = [],
    bundle: Annotated[
        bool,
        typer.Option("--bundle", help="A bundle with images and proof: a folder, NAME.tar or NAME.tar.zst."),
    ] = False,
    against: Against = [],
    compress: Compress = "auto",
    dry_run: DryRun = False,
    form: Form = None,
    repository: OnlyRepositories = [],
    no_hashes: Annotated[bool, typer.Option("--no-hashes", help="Leave the digests out.")] = False,
    library_file: AsLibraryFile = False,
    as_json: Json = False,
) -> None:
    """Write what is held as an inventory for other programs, or as a bundle for another site. It is there whole, or not at all."""
    if bundle:
        from cli.bundling import export_bundle

        export_bundle(file, what, repository, against, compress, dry_run, as_json)
        return
    if against or dry_run:
        raise UsageError("--against and --dry-run are of bundles.", hint="Write: isomanager export --bundle PLACE")
    if library_file:
        from cli.declaring import export_library

        if what or repository:
            raise UsageError("A library file has everything: --library takes no names.")
        export_library(file, as_json=as_json)
        return
    _export_inventory(file, what, form, repository, digests=not no_hashes, as_json=as_json)


def _export_inventory(
    file: Path, what: list[str], asked: FormName | None, repository: list[str], *, digests: bool, as_json: bool
) -> None:
    from isomanager.inventory.searching import CopySearch
    from isomanager.library.exporting import export_pieces, write_whole
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        named = plain_names(library, what)
        if named is None:
            raise UsageError("An export takes families and products by name.", hint="Such as linux or ubuntu.")
        for name in repository:
            library.inventory.repository(name)
        form: FormName = asked or library.settings.inventory_format
        wanted = CopySearch(named=named, repositories=tuple(repository), order="repository")
        pieces = export_pieces(library, wanted, form, digests=digests)
        if str(file) == "-":
            sys.stdout.writelines(pieces)
            return
        size = write_whole(file, pieces)
        count = library.inventory.statistics(wanted).count
    if as_json:
        print_json({"path": str(file), "format": form, "images": count, "bytes": size})
    else:
        print(f"{count} images in {file} ({form}).")


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The inventory: JSON, CSV or XML. Or a bundle.")],
    bundle: Annotated[bool, typer.Option("--bundle", help="It is a bundle: a folder or an archive.")] = False,
    key: Annotated[
        list[str],
        typer.Option("--key", metavar="PUBLIC", help="The public key (or its file) of the site that made it."),
    ] = [],
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Also a bundle that no known site signed, for what its receipts prove.")
    ] = False,
    repository: Annotated[
        str, typer.Option("--repository", "-r", metavar="NAME", help="Whose files it lists.")
    ] = "default",
    replace: Annotated[
        bool, typer.Option("--replace", help="Also forget what it does not list; files stay where they are.")
    ] = False,
    move: Annotated[bool, typer.Option("--move", help="Put each file where the layout wants it.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take in what an inventory lists and the repository has, or what a bundle brings. Every byte is read and proved."""
    from cli.running import flows, tell
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    if bundle:
        from cli.bundling import import_bundle

        import_bundle(file, repository, key, unsigned, dry_run, as_json)
        return
    if key or unsigned:
        raise UsageError("--key and --unsigned are of bundles.", hint="Write: isomanager import --bundle PLACE")
    if not file.is_file():
        raise UsageError(f"{file} is not a file.")
    with Library(load_settings()) as library:
        library.inventory.repository(repository)
    with flows(changing.verbosity, as_json=as_json) as run:
        from flows.import_inventory import import_inventory

        place = str(file.absolute())
        report = run(
            lambda: import_inventory(file=place, repository=repository, replace=replace, move=move, dry_run=dry_run)
        )
    if dry_run and not as_json:
        say("Nothing was changed; this is what would happen:")
    tell(report, as_json=as_json)
