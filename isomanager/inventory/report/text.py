"""The report and the catalogue of what is held as Markdown, for the Prefect UI and for people who read text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from isomanager.inventory.report.figures import Figures, Named, Part, Room
from isomanager.inventory.report.page import readable_size
from isomanager.model import Copy
from isomanager.storage.layout import display_name

_BLOCKS = 20
_MOST = 5_000


def markdown_report(figures: Figures) -> str:
    """Figures, charts of block characters, and what needs a look."""
    lately = f"{figures.proved_lately:.0%}"
    lines = [
        f"# {_cell(figures.name)}",
        "",
        f"{figures.images} images, {readable_size(figures.size)}; {lately} of the bytes were proved in the last 30 days.",
        "",
    ]
    for head, parts in (
        ("Size by family", figures.families),
        ("Size by product", figures.products),
        ("How far it is proved", figures.assurances),
        ("When it was last proved", figures.proofs),
    ):
        lines += _chart(head, parts)
    for head, named in (
        ("Suspect", figures.suspect),
        ("Newer upstream", figures.outdated),
        ("End of life", figures.ending),
    ):
        lines += _list(head, named)
    lines += _room(figures)
    return "\n".join(lines) + "\n"


def _chart(head: str, parts: Sequence[Part]) -> list[str]:
    if not parts:
        return []
    most = max(one.size for one in parts) or 1
    rows = [
        f"| {_cell(one.name)} | {'█' * max(1, round(_BLOCKS * one.size / most))} | {readable_size(one.size)} | {one.images} |"
        for one in parts
    ]
    return [f"## {head}", "", "| | | size | images |", "|---|---|---:|---:|", *rows, ""]


def _list(head: str, named: Sequence[Named]) -> list[str]:
    if not named:
        return []
    return [f"## {head}", "", *(f"- {_cell(one.image)}: {_cell(one.told)}" for one in named), ""]


def _room(figures: Figures) -> list[str]:
    rows = [
        f"| {_cell(one.repository)} | {one.images} | {readable_size(one.size)} | {_free(one)} |" for one in figures.room
    ]
    return (
        ["## Repositories", "", "| repository | images | size | free |", "|---|---:|---:|---:|", *rows, ""]
        if rows
        else []
    )


def _free(room: Room) -> str:
    return "?" if room.free is None else readable_size(room.free)


def markdown_catalogue(copies: Iterable[Copy], names: Mapping[str, str]) -> str:
    """What is held, by family and product, each family folded away."""
    ordered = sorted(copies, key=lambda one: (one.title.family, one.title.product, one.title.flavor, one.title.version))
    lines = ["# What is held", ""]
    for family, group in groupby(ordered[:_MOST], key=lambda one: one.title.family):
        held = list(group)
        size = readable_size(sum(one.size or 0 for one in held))
        lines += [f"<details><summary><b>{family}</b>: {len(held)} images, {size}</summary>", ""]
        lines += [
            "| image | version | architecture | size | proved | repository | path |",
            "|---|---|---|---:|---|---|---|",
        ]
        lines += [_catalogue_row(one, names) for one in held]
        lines += ["", "</details>", ""]
    if len(ordered) > _MOST:
        lines.append(f"{len(ordered) - _MOST} more: `isomanager list` has them.")
    return "\n".join(lines) + "\n"


def _catalogue_row(copy: Copy, names: Mapping[str, str]) -> str:
    title = copy.title
    image = " ".join(
        filter(None, (names.get(title.product, title.product), display_name(title.flavor), title.language))
    )
    proved = f"{copy.assurance} {copy.proved_at:%Y-%m-%d}" if copy.proved_at else copy.assurance.value
    cells = (
        image,
        title.version.text,
        title.architecture,
        readable_size(copy.size or 0),
        proved,
        copy.repository,
        copy.path,
    )
    return "| " + " | ".join(_cell(str(one)) for one in cells) + " |"


def _cell(text: str) -> str:
    """What comes from elsewhere cannot end the cell, nor begin HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
