"""README and docs say what is so: links lead somewhere, commands exist, the settings table is that of the settings."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo
from typer.main import get_command

from cli.main import app
from isomanager.model import Assurance
from isomanager.settings import Settings

PROJECT = Path(__file__).parents[2]
DOCUMENTS = (PROJECT / "README.md", PROJECT / "CHANGELOG.md", *sorted((PROJECT / "docs").glob("*.md")))
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

together = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)


@together
def test_every_relative_link_leads_to_a_file_and_its_section(document: Path) -> None:
    links = LINK.findall(FENCE.sub("", document.read_text("utf-8")))
    for link in [one for one in links if "://" not in one and not one.startswith("mailto:")]:
        name, _, section = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), f"{document.name}: {link}"
        assert not section or section in sections(target), f"{document.name}: {link}"


def sections(document: Path) -> set[str]:
    """The anchors that a forge gives to a document's headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@together
def test_every_command_that_is_named_exists(document: Path) -> None:
    known = command_names()
    text = document.read_text("utf-8").partition("\n## Planned")[0]
    named = [one for code in CODE.findall(FENCE.sub("", text)) for one in code.replace("\n", " ").split("&&")]
    for words in [one.split() for one in (*map(str.strip, named), *command_lines(document)) if one != "isomanager ..."]:
        assert words[1] in known or words[1].startswith("-"), f"{document.name}: {' '.join(words)}"
        if words[1] == "catalogue" and len(words) > 2:
            assert words[2] in known["catalogue"], f"{document.name}: {' '.join(words)}"


def command_names() -> dict[str, set[str]]:
    """The commands, each with the commands below it."""
    command = get_command(app)
    return {name: set(getattr(one, "commands", {})) for name, one in command.commands.items()}  # type: ignore[attr-defined]


@together
def test_every_command_line_in_a_block_is_understood(document: Path) -> None:
    for line in command_lines(document):
        words = shlex.split(line, comments=True)
        command = get_command(app)
        for word in words[1:3]:
            if word not in getattr(command, "commands", {}):
                break
            command = command.commands[word]  # type: ignore[attr-defined]
        options = {name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]}
        general = {"-v", "-vv", "--log-file", "--help", "-h", "--version"}
        for word in [one.partition("=")[0] for one in words[1:] if one.startswith("-") and one != "-"]:
            assert word in options | general, f"{document.name}: {line}"


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
