"""README and docs say what is so: links lead somewhere, commands exist, the settings table is that of the settings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo
from typer.main import get_command

from cli.main import app
from isomanager.model import Assurance
from isomanager.settings import Settings

PROJECT = Path(__file__).parents[2]
PAGES = sorted((PROJECT / "docs").glob("*.md"))
DOCUMENTS = (*(PROJECT / name for name in ("README.md", "CHANGELOG.md", "bench/README.md")), *PAGES)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`(isomanager [^`]+)`")
PLACES = {
    "data_folder": "the user's data folder",
    "default_repository": "`~/ISOs`",
    "download_path": "the current folder",
    "keyservers": "two public ones",
}
"""Defaults that depend on the machine or are long, in words."""

together = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: str(one.relative_to(PROJECT)))


@together
def test_every_relative_link_leads_to_a_file_and_its_section(document: Path) -> None:
    links = LINK.findall(FENCE.sub("", document.read_text("utf-8")))
    for link in [one for one in links if "://" not in one and not one.startswith("mailto:")]:
        name, _, section = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), f"{document.name}: {link}"
        assert not section or section in sections(target), f"{document.name}: {link}"


def test_every_page_is_found_from_the_readme() -> None:
    seen, ahead = set[Path](), [PROJECT / "README.md"]
    while ahead:
        document = ahead.pop()
        seen.add(document)
        links = (link.partition("#")[0] for link in LINK.findall(document.read_text("utf-8")))
        pages = {(document.parent / one).resolve() for one in links if one.endswith(".md") and "://" not in one}
        ahead += pages - seen - set(ahead)
    assert {one.name for one in PAGES if one not in seen} == set()


def sections(document: Path) -> set[str]:
    """The anchors that a forge gives to a document's headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@together
def test_every_command_that_is_named_exists_with_its_options(document: Path) -> None:
    text = document.read_text("utf-8")
    inline = [one for code in CODE.findall(FENCE.sub("", text)) for one in code.replace("\n", " ").split("&&")]
    for line in [*map(str.strip, inline), *command_lines(document)]:
        for wrong in unknown_words(line):
            pytest.fail(f"{document.relative_to(PROJECT)}: {line}: {wrong}")


@cache
def whole_command() -> Any:
    """The real parser."""
    return get_command(app)


GENERAL = {"-v", "-vv", "--log-file", "--help", "-h", "--version"}
"""Options that stand before every command."""


def unknown_words(line: str) -> Iterator[str]:
    """What the real parser does not know of a command line: commands of commands, and options."""
    command, options = whole_command(), set(GENERAL)
    words = shlex.split(line, comments=True)[1:]
    while words and not words[0].startswith("-") and hasattr(command, "commands"):
        strange = set(words[0].split("|")) - {*command.commands, "..."}
        if strange or words[0] not in command.commands:
            yield from sorted(strange)
            return
        command = command.commands[words.pop(0)]
    options |= {name for one in command.params for name in [*one.opts, *one.secondary_opts]}
    for word in (re.sub(r"[=\],].*", "", one.strip("[]()")) for one in words):
        if word.startswith("-") and word not in {"-", "--"} | options:
            yield word


def test_a_command_or_an_option_that_is_not_there_is_noticed() -> None:
    assert list(unknown_words("isomanager lists --stats")) == ["lists"]
    assert list(unknown_words("isomanager trash lists")) == ["lists"]
    assert list(unknown_words("isomanager -v trash restore NAME --quickly")) == ["--quickly"]
    assert list(unknown_words("isomanager update ubuntu --dry-run --json")) == []


def command_lines(document: Path) -> list[str]:
    blocks = FENCE.findall(document.read_text("utf-8"))
    whole = [block.replace("\\\n", " ") for block in blocks]
    lines = [line.strip().removeprefix("$ ") for block in whole for line in block.splitlines()]
    commands = [piece.strip() for line in lines for piece in line.split("&&")]
    return [one.removeprefix(".venv/bin/") for one in commands if re.match(r"(\.venv/bin/)?isomanager [a-z-]", one)]


def test_the_readme_s_settings_table_is_that_of_the_settings() -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    expected = "\n".join(settings_table())
    assert expected in readme, f"README.md must hold this table:\n\n{expected}"


def settings_table() -> list[str]:
    rows = [
        f"| `{name}` | {default_of(name, field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return ["| setting | default | what for |", "|---|---|---|", *rows]


def default_of(name: str, field: FieldInfo) -> str:
    if name in PLACES:
        return PLACES[name]
    value = field.get_default(call_default_factory=True)
    return "none" if value in (None, "", []) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def test_the_readme_names_every_assurance_strongest_first() -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    places = [readme.index(f"| `{one.value}` |") for one in sorted(Assurance, reverse=True)]
    assert places == sorted(places)


@together
def test_no_document_speaks_of_the_machine_it_was_written_on(document: Path) -> None:
    text = document.read_text("utf-8")
    assert not re.search(r"/home/\w+/|/root/|/tmp/\w|/Users/\w+/", text)
