"""`isomanager report`: what the library adds up to, in the terminal, as a page, as JSON, and as dated files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.listing import plain_names
from cli.options import Json, OnlyRepositories, What
from cli.output import print_json, say
from cli.tables import print_facts, print_table, size
from isomanager.errors import UsageError

if TYPE_CHECKING:
    from isomanager.inventory.report.figures import Figures, Named, Part

_BAR = 24


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("report")(report)


def report(
    what: What = [],
    repository: OnlyRepositories = [],
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page of its own.")] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Write the day's inventory and report into each repository.")
    ] = False,
    as_json: Json = False,
) -> None:
    """What the library adds up to: sizes, proofs, what is outdated, what is left of the room."""
    from isomanager.inventory.searching import CopySearch
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        named = plain_names(library, what)
        if named is None:
            raise UsageError("A report takes families and products by name.", hint="Such as linux or ubuntu.")
        for name in repository:
            library.inventory.repository(name)
        from isomanager.library.reporting import library_figures, save_snapshots

        wanted = CopySearch(named=named, repositories=tuple(repository))
        figures = library_figures(library, wanted)
        if html is not None:
            from isomanager.library.exporting import write_whole
            from isomanager.library.reporting import library_page

            write_whole(html, library_page(library, figures, wanted))
            say(f"The page is in {html}.")
        if save:
            for name in repository or [one.name for one in library.inventory.repositories()]:
                say(f"{name}: {', '.join(save_snapshots(library, name))}")
    if as_json:
        print_json(figures.model_dump(mode="json"))
    elif html is None:
        _print(figures)


def _print(figures: Figures) -> None:
    facts: list[tuple[str, object]] = [("images", figures.images), ("size", size(figures.size))]
    facts.append(("proved in 30 days", f"{figures.proved_lately:.0%} of the bytes"))
    facts += [(name, f"{one.image} ({one.when:%Y-%m-%d})") for name, one in _extremes(figures)]
    print_facts(facts)
    _chart("by family", figures.families)
    _chart("by product", figures.products)
    _chart("by proof", figures.assurances)
    _chart("last proved", figures.proofs)
    _names("suspect", figures.suspect)
    _names("newer upstream", figures.outdated)
    _names("end of life", figures.ending)
    if figures.room:
        print()
        rows = ((one.repository, one.images, size(one.size), size(one.free), one.url) for one in figures.room)
        print_table(("repository", "images", "size", "free", "place"), rows, below=("place",))


def _extremes(figures: Figures) -> Iterable[tuple[str, Named]]:
    return ((name, one) for name, one in (("oldest", figures.oldest), ("newest", figures.newest)) if one is not None)


def _chart(head: str, parts: Sequence[Part]) -> None:
    if not parts:
        return
    most = max(one.size for one in parts) or 1
    print()
    rows = ((one.name, "█" * max(1, round(_BAR * one.size / most)), size(one.size), one.images) for one in parts)
    print_table((head, "", "size", "images"), rows)


def _names(head: str, named: Sequence[Named]) -> None:
    if named:
        print()
        print_table((head, "why"), [(one.image, one.told) for one in named], below=("why",))
