"""`isomanager scan` and `isomanager add`: files that are there already become images of the library."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import changing
from cli.changing import DryRun
from cli.options import Json, Repository
from cli.output import say
from isomanager.errors import UsageError

if TYPE_CHECKING:
    from isomanager.library.scanning import Place
    from isomanager.planning.scanning import ScanStep


Folder = Annotated[
    str, typer.Argument(metavar="[FOLDER]", help="A folder or a store's address; none: the repository's own files.")
]
Patterns = Annotated[
    list[str], typer.Option("--pattern", metavar="GLOB", help="Which files, such as '*.iso'; may be given again.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Take the best guess for files that may be something else.")]
InPlace = Annotated[
    bool, typer.Option("--in-place", help="Leave the repository's own files where they are, whatever its layout.")
]
Remove = Annotated[bool, typer.Option("--remove", help="Delete each file from the folder once its copy is proved.")]
Settle = Annotated[
    int,
    typer.Option("--settle", metavar="SECONDS", min=0, help="Leave files alone that changed less than so long ago."),
]
Notes = Annotated[list[str], typer.Option("--meta", metavar="NAME=VALUE", help="Anything else; may be given again.")]
MustHave = Annotated[str, typer.Option("--digest", metavar="HEX", help="MD5, SHA-1, SHA-256 or SHA-512 it must have.")]
FromJson = Annotated[
    Path | None, typer.Option("--from-json", metavar="FILE", help="Take what is not given here from a JSON object.")
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("scan")(scan)
    app.command("add")(add)


def scan(
    folder: Folder = "",
    repository: Repository = "default",
    pattern: Patterns = [],
    quick: Annotated[bool, typer.Option("--quick", help="Read only headers, and take nothing in.")] = False,
    ask: Annotated[bool, typer.Option("--ask", help="Ask about each file that may be something else.")] = False,
    yes: Yes = False,
    in_place: InPlace = False,
    remove: Remove = False,
    settle: Settle = 60,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Look at the images in a folder, say what each is, and take them into the library."""
    from cli.running import flows, tell
    from isomanager.media.opening import IMAGE_ENDINGS

    if ask and yes:
        raise UsageError("--ask and --yes exclude each other.")
    patterns = pattern or [f"*{ending}" for ending in IMAGE_ENDINGS]
    if folder and "://" not in folder:
        folder = str(Path(folder).expanduser().absolute())
    given = _given_answers(folder, repository, patterns, settle) if ask and not (dry_run or quick) else {}
    told: dict[str, Any] = {
        "folder": folder, "repository": repository, "patterns": patterns, "doubtful": "take" if yes else "leave",
        "quick": quick, "move": not in_place, "remove": remove, "settle_seconds": settle, "answers": given,
        "dry_run": dry_run,
    }  # fmt: skip
    if dry_run or quick:
        tell(_looked(folder, repository, patterns, settle, quick, yes), as_json=as_json)
        return
    with flows(changing.verbosity, as_json=as_json) as run:
        from flows.scan import scan as scan_flow

        report = run(lambda: scan_flow(**told))
    tell(report, as_json=as_json)


def _place(folder: str, repository: str, patterns: list[str], settle: int, *, quick: bool = False) -> Place:
    from datetime import timedelta

    from isomanager.library.scanning import Place

    return Place(folder, "" if folder else repository, tuple(patterns), quick, timedelta(seconds=settle))


def _looked(folder: str, repository: str, patterns: list[str], settle: int, quick: bool, yes: bool) -> Any:
    """Only looking needs no flow."""
    from isomanager.library.opening import Library
    from isomanager.library.scanning import scan as look_through
    from isomanager.library.taking_in import scan_report
    from isomanager.planning.scanning import SURE
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        library.inventory.repository(repository)
        place = _place(folder, repository, patterns, settle, quick=quick)
        return scan_report(look_through(library, place, repository, sure=0.0 if yes else SURE), repository)


def _given_answers(folder: str, repository: str, patterns: list[str], settle: int) -> dict[str, str]:
    """What the person at the terminal says of each doubtful or unknown file."""
    from isomanager.library.opening import Library
    from isomanager.library.scanning import scan as look_through
    from isomanager.library.taking_in import answer_of
    from isomanager.planning.scanning import ScanKind
    from isomanager.settings import load_settings

    if not sys.stdin.isatty():
        raise UsageError(
            "--ask needs a terminal to ask at.", hint="Use --yes, or run the deployment `scan`, which asks in its page."
        )
    answers: dict[str, str] = {}
    with Library(load_settings()) as library:
        library.inventory.repository(repository)
        steps = look_through(library, _place(folder, repository, patterns, settle), repository)
        for step in steps:
            if step.kind in (ScanKind.ASK, ScanKind.UNKNOWN):
                answers[step.file.path] = _ask(step, lambda text, one=step: answer_of(library, one, text))
    return answers


def _ask(step: ScanStep, check: Any) -> str:
    say(f"\n{step.file.path}: {step.reason}")
    choices = "yes, no, or PRODUCT[/FLAVOR]@VERSION" if step.title else "no, or PRODUCT[/FLAVOR]@VERSION"
    while True:
        said: str = typer.prompt(choices, default="no", err=True)
        try:
            check(said)
        except UsageError as wrong:
            say(str(wrong))
            continue
        return said


def add(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The image: a file, or an address in a store.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What to call it.")] = "",
    version: Annotated[str, typer.Option("--version", metavar="VERSION", help="Its version.")] = "",
    family: Annotated[str, typer.Option("--family", metavar="FAMILY", help="custom, linux, windows, ...")] = "custom",
    flavor: Annotated[str, typer.Option("--flavor", metavar="FLAVOR", help="Such as server.")] = "",
    arch: Annotated[str, typer.Option("--arch", "-a", metavar="ARCH", help="x86_64, aarch64, ...")] = "",
    language: Annotated[str, typer.Option("--language", metavar="LANGUAGE", help="Such as de-DE.")] = "",
    edition: Annotated[str, typer.Option("--edition", metavar="EDITION", help="Such as datacenter.")] = "",
    digest: MustHave = "",
    base: Annotated[str, typer.Option("--base", metavar="IMAGE", help="What it was made from.")] = "",
    purpose: Annotated[str, typer.Option("--purpose", metavar="TEXT", help="What it is for.")] = "",
    meta: Notes = [],
    repository: Repository = "default",
    from_json: FromJson = None,
    as_json: Json = False,
) -> None:
    """Add one image of your own, under a name and with notes: a customised one, or one that no vendor offers."""
    from cli.running import flows, tell
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    told: dict[str, Any] = {
        "name": name, "version": version, "family": family, "flavor": flavor, "architecture": arch, "language": language,
        "edition": edition, "digest": digest, "base": base, "purpose": purpose, "notes": dict(map(_note, meta)),
    }  # fmt: skip
    told = _from_json(from_json) | {key: value for key, value in told.items() if value not in ("", {})}
    told["family"] = told.get("family") or "custom"
    if not told.get("name"):
        raise UsageError("An image needs a name.", hint="Give --name, or a name in the JSON object.")
    if "://" not in file:
        file = str(Path(file).expanduser().absolute())
        if not Path(file).is_file():
            raise UsageError(f"{file} is not a file.")
    with Library(load_settings()) as library:
        library.inventory.repository(repository)
    with flows(changing.verbosity, as_json=as_json) as run:
        from flows.add_image import add as add_flow

        report = run(lambda: add_flow(file=file, repository=repository, **told))
    tell(report, as_json=as_json)


def _note(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"'{text}' is not NAME=VALUE.")
    return name.strip(), value.strip()


def _from_json(file: Path | None) -> dict[str, Any]:
    """The fields of a JSON object, each as the options are called; UsageError for anything else."""
    import json

    if file is None:
        return {}
    try:
        told = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as wrong:
        raise UsageError(f"{file} is no JSON object that can be read: {wrong}.") from wrong
    known = {
        "name", "version", "family", "flavor", "architecture", "language", "edition", "digest", "base", "purpose", "notes",
    }  # fmt: skip
    if not isinstance(told, dict) or set(told) - known:
        strange = ", ".join(sorted(set(told) - known)) if isinstance(told, dict) else "no object"
        raise UsageError(f"{file} has {strange}; it may have {', '.join(sorted(known))}.")
    _refuse_other_than_texts(file, told)
    return told


def _refuse_other_than_texts(file: Path, told: dict[str, Any]) -> None:
    notes = told.get("notes", {})
    if not isinstance(notes, dict):
        raise UsageError(f"{file}: notes are no object.")
    for name, value in [*told.items(), *notes.items()]:
        if not isinstance(value, str) and value is not notes:
            raise UsageError(f"{file}: {name} is no text.", hint='Write it in quotes, such as "24.10".')
