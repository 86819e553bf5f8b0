"""`isomanager apply`: the library as a file declares it. `isomanager export --library` writes such a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.changing import DryRun
from cli.options import Json
from cli.output import FAILED, print_json
from isomanager.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isomanager.planning.declaring import Change


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("apply")(apply)


def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A library file in TOML or YAML; - for standard input.")],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make repositories, sources, sites and subscriptions those that a file declares. Images are left alone."""
    from isomanager.library.declaring import apply_library, plan_library
    from isomanager.library.library_file import form_of, read_library
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        declared = read_library(_text(file), str(file), form_of(file.name), library.catalogue, library.now())
        changes = plan_library(library, declared)
        if not dry_run:
            changes = apply_library(library, declared, changes)
    tell_changes(changes, as_json=as_json, dry_run=dry_run)
    if any(one.verb == "refuse" for one in changes):
        raise typer.Exit(FAILED)


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigurationError(f"{file} cannot be read: {wrong}.") from wrong


def tell_changes(changes: Sequence[Change], *, as_json: bool, dry_run: bool) -> None:
    """Print what differs and what becomes of it; of what is as declared only the number."""
    from cli.tables import print_table

    if as_json:
        print_json([one.model_dump(mode="json") for one in changes])
        return
    same = sum(one.verb == "keep" for one in changes)
    rows = ((one.verb, one.kind, one.name, one.reason) for one in changes if one.verb != "keep")
    print_table(("change", "what", "name", "why"), rows, below=("why",), empty="Nothing to change.")
    if same:
        print(f"{same} as the file declares {'it' if same == 1 else 'them'}.")
    if dry_run and same < len(changes):
        print("Nothing was changed: this was a dry run.")


def export_library(file: Path, *, as_json: bool) -> None:
    """Write repositories, sources, sites and subscriptions as a library file."""
    from isomanager.library.declaring import there
    from isomanager.library.exporting import write_whole
    from isomanager.library.library_file import form_of, write_library
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        declared = there(library)
    text = write_library(declared, form_of(file.name))
    if str(file) == "-":
        sys.stdout.write(text)
        return
    written = write_whole(file, [text])
    count = len(declared.subscriptions or ())
    if as_json:
        print_json({"path": str(file), "format": form_of(file.name), "subscriptions": count, "bytes": written})
    else:
        print(f"{count} subscriptions and what they need in {file}.")
