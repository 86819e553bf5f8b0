"""`isomanager catalogue add` and `remove`: product files of one's own, from a file, from JSON, or by answering questions."""

from __future__ import annotations

import posixpath
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer

from cli.examining import print_examination
from cli.output import FAILED, print_json, say
from isomanager.errors import UsageError

if TYPE_CHECKING:
    from isomanager.catalogue.drafting import Draft


def add(source: str, *, replace: bool, tried: bool, as_json: bool) -> None:
    """Keep a product file and try it; exit code 1 when it does not resolve. The file is kept all the same, to be repaired."""
    from isomanager.library.adding import add_product
    from isomanager.library.opening import Library
    from isomanager.library.surveying import examine
    from isomanager.model import Selector
    from isomanager.settings import load_settings

    text, name = _definition(source)
    with Library(load_settings()) as library:
        added = add_product(library, text, name, replace=replace)
        if not as_json:
            instead = f" (in place of {added.replaces})" if added.replaces else ""
            print(f"Added {added.product}{instead}: {added.file}")
        found = examine(library, Selector(product=added.product)) if tried else None
    if as_json:
        print_json({**added.model_dump(mode="json"), "check": found.model_dump(mode="json") if found else None})
    elif found is not None:
        print_examination(found)
    if found is not None and found.health.state == "broken":
        say(
            f"isomanager: it is kept, and does not resolve yet. Correct {added.file}; `isomanager catalogue check` tries again."
        )
        raise typer.Exit(FAILED)


def _definition(source: str) -> tuple[str, str]:
    """The definition as TOML, and what errors call it."""
    from isomanager.library.adding import definition, draft_definition

    if not source:
        return draft_definition(ask()), "the answers"
    name = "standard input" if source == "-" else source
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise UsageError(f"{name} cannot be read: {wrong}.") from wrong
    return definition(text, name), name


def ask() -> Draft:
    """Ask what a product file needs; whatever can be guessed is offered as the default."""
    from isomanager.catalogue.drafting import Draft, guess_pattern
    from isomanager.model import Family

    example = _asked("Address of one of its images (https://host/folder/name-1.2.iso)")
    name = posixpath.basename(urlsplit(example).path)
    guess = guess_pattern(name)
    say(f"Read as version {guess.version}{f', architecture {guess.arch}' if guess.arch else ''}: {guess.pattern}")
    word = name.replace(guess.version, "#").partition("#")[0].strip("-_. ").lower() or "my-image"
    identifier = "-".join("".join(letter if letter.isalnum() else " " for letter in word).split()) or "my-image"
    identifier = _asked("Short name, lower case", identifier)
    title = _asked("Name for people", identifier.replace("-", " ").title())
    family = _asked(f"Family ({', '.join(Family)})", Family.CUSTOM.value)
    if family not in list(Family):
        raise UsageError(f"'{family}' is no family.", hint=f"There are {', '.join(Family)}.")
    checksums = _asked("Address of the document with its digest, if there is one", "")
    signature = _asked("Address of the signature, if there is one", "")
    key = _asked("Full fingerprint of the key that signs", "") if signature else ""
    return Draft(
        id=identifier,
        name=title,
        family=Family(family),
        example=example,
        checksums=checksums,
        signature=signature,
        key=key,
    )


def _asked(question: str, default: str | None = None) -> str:
    """One answer; questions go to standard error, so that the answer of the command stays alone."""
    try:
        return str(typer.prompt(question, default=default, err=True, show_default=bool(default))).strip()
    except typer.Abort:  # Ctrl+C, or nobody there to answer
        if sys.stdin.isatty():
            raise KeyboardInterrupt from None
        raise UsageError(
            f"Nobody answered: {question}.", hint="Name a product file, or - to read one from standard input."
        ) from None


def remove(product: str, *, as_json: bool) -> None:
    """Let go of a product file of one's own."""
    from isomanager.library.adding import remove_product
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        file = remove_product(library, product)
    if as_json:
        print_json({"product": file.stem, "file": str(file)})
    else:
        print(f"Removed {file}; what is held of {file.stem} stays.")
