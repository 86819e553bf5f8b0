"""`isomanager source`: places of your own to fetch images from, and the order in which places are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import Json
from cli.output import FAILED, print_json
from cli.tables import print_table, size

if TYPE_CHECKING:
    from isomanager.library.opening import Library
    from isomanager.model import SourceRecord

app = typer.Typer(help="Places of your own to fetch images from.", no_args_is_help=True)


def _library() -> Library:
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    return Library(load_settings())


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    base: Annotated[str, typer.Argument(metavar="URL", help="Its address, such as https://mirror.example/isos.")],
    maps: Annotated[
        str,
        typer.Option(
            "--maps",
            metavar="WAY",
            help="Where an image stands below it: path (of the vendor's address), name, layout, or a template.",
        ),
    ] = "path",
    priority: Annotated[
        int, typer.Option("--priority", metavar="NUMBER", min=0, max=9999, help="Lower is asked earlier.")
    ] = 100,
    as_json: Json = False,
) -> None:
    """Add a source, or change the one of that name. What it gives is proved as what the vendor gives."""
    from isomanager.library.sourcing import add_source

    with _library() as library:
        record = add_source(library, name, base, maps, priority)
    if as_json:
        print_json(record.model_dump(mode="json"))
        return
    print(f"{record.name}: {record.base}, images by {record.maps}.")


@app.command("list")
def list_sources(as_json: Json = False) -> None:
    """Every source in the order in which they are asked, and how they did."""
    with _library() as library:
        _show(library.inventory.sources(), as_json)


@app.command("prefer")
def prefer(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...", help="Sources, `vendor` (also `direct`), and `mirrors`, the first one first."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Ask these places first, in this order; whatever is not named comes after."""
    from isomanager.library.sourcing import prefer as order

    with _library() as library:
        _show(order(library, names), as_json)


@app.command("remove")
def remove(name: Annotated[str, typer.Argument(metavar="NAME", help="Which source.")], as_json: Json = False) -> None:
    """Forget a source, or what was said of the place of `vendor` or `mirrors`. Images stay as they are."""
    with _library() as library:
        library.inventory.remove_source(name)
    if as_json:
        print_json({"removed": name})
        return
    print(f"{name} is asked no more.")


@app.command("test")
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Which sources; none means all.")] = None,
    image: Annotated[
        str, typer.Option("--image", metavar="SELECTOR", help="Look for this image and measure with it.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Ask sources now: whether they answer, and with --image whether they have it, of the right length, and how fast."""
    from isomanager.library.testing_sources import check_sources

    with _library() as library:
        told = check_sources(library, names or (), image)
    if as_json:
        print_json([one.model_dump(mode="json") for one in told])
    else:
        rows = ((one.name, "ok" if one.ok else "failed", _speed(one.speed), one.url, one.told or "-") for one in told)
        print_table(("source", "result", "speed", "address", "what it says"), rows, empty="No sources yet.")
    if not all(one.ok for one in told):
        raise typer.Exit(FAILED)


def _show(sources: tuple[SourceRecord, ...], as_json: bool) -> None:
    if as_json:
        print_json([one.model_dump(mode="json") for one in sources])
        return
    print_table(
        ("source", "address", "images by", "priority", "speed", "health", "last seen"),
        (_row(one) for one in sources),
        empty="No sources of your own: images come from their vendors, then from listed mirrors.",
    )


def _row(one: SourceRecord) -> tuple[Any, ...]:
    seen = one.seen_at.isoformat(timespec="minutes") if one.seen_at else "-"
    health = f"failed {one.failures} times: {one.told}" if one.failures else ("good" if one.seen_at else "-")
    maps = one.maps if one.base else "-"
    return one.name, one.base or "-", maps, one.priority, _speed(one.speed), health, seen


def _speed(bytes_a_second: float | None) -> str:
    return "-" if bytes_a_second is None else f"{size(int(bytes_a_second))}/s"
