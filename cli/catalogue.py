"""`isomanager catalogue`: what exists upstream. Needs neither database nor Prefect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import refreshing
from cli.options import Architectures, Editions, Json, Languages, SelectorText, What
from cli.output import print_json
from cli.tables import joined, print_facts, print_table

app = typer.Typer(help="What exists upstream: products, releases, and how they are proved.", no_args_is_help=True)
refreshing.add_to(app)

ProductName = Annotated[str, typer.Argument(metavar="PRODUCT", help="A product's id, name or alias, such as ubuntu.")]


@app.command("list")
def list_products(as_json: Json = False) -> None:
    """Every product in the catalogue."""
    from isomanager.catalogue.loader import load_catalogue, summary
    from isomanager.settings import load_settings

    found = [summary(product) for product in load_catalogue(load_settings().product_folders).products]
    if as_json:
        print_json(found)
        return
    columns = ("id", "family", "checksum", "signature", "status", "architectures", "flavors")
    rows = ([joined(one.get(column)) for column in columns] for one in found)
    print_table(columns, rows, below=("architectures", "flavors"))


@app.command("show")
def show_product(product: ProductName, as_json: Json = False) -> None:
    """One product: flavors, channels, how it is found and proved, what is known of it."""
    from isomanager.catalogue.loader import load_catalogue, summary
    from isomanager.settings import load_settings

    found = load_catalogue(load_settings().product_folders).product(product)
    if as_json:
        print_json({**summary(found), "definition": found.model_dump(mode="json", exclude_defaults=True)})
        return
    told = {**summary(found), "homepage": found.homepage, "facts": found.facts}
    print_facts((name, joined(value)) for name, value in told.items() if value)
    if not found.identify_only:
        print(f"Next: isomanager catalogue resolve {found.id}/{found.first_flavor}")


@app.command("resolve")
def resolve(
    selector: SelectorText,
    arch: Architectures = [],
    language: Languages = [],
    edition: Editions = [],
    document: Annotated[
        list[str],
        typer.Option(
            "--document", metavar="URL=FILE", help="Let a saved file stand for an address; may be given again."
        ),
    ] = [],
    torrent: Annotated[
        bool, typer.Option("--torrent", help="Also resolve what upstream gives only as a torrent.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask for nothing beyond the saved documents.")] = False,
    as_json: Json = False,
) -> None:
    """What upstream offers now for a selector, or for each that `ubuntu/*@lts` means, and how far it can be proved.

    Exit code 1 when evidence is refused.
    """
    from cli.resolving import resolve_selectors

    resolve_selectors(
        selector, arch, language, edition, saved=document, torrent=torrent, offline=offline, as_json=as_json
    )


@app.command("check")
def check(what: What = [], as_json: Json = False) -> None:
    """Try one product, or PRODUCT/FLAVOR@VERSION, and show every step; without a name, ask every vendor about each product."""
    from cli.examining import check as check_products

    check_products(what, as_json=as_json)


@app.command("record")
def record(
    product: ProductName,
    selector: Annotated[
        list[str],
        typer.Option(
            "--selector", metavar="SELECTOR", help="Only this; may be given again. Else every flavor's newest."
        ),
    ] = [],
    arch: Architectures = [],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="FOLDER", help="Where to put them; else tests/documents/catalogue in a source tree."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch the documents that a product resolves from and keep them as a test document set. Exit code 1 when a flavor fails."""
    from cli.recording import record_product

    record_product(product, selector, arch, to, as_json=as_json)


@app.command("add")
def add(
    source: Annotated[
        str,
        typer.Argument(
            metavar="[FILE]", help="A product file in TOML or JSON; - reads it from standard input. Without: questions."
        ),
    ] = "",
    replace: Annotated[bool, typer.Option("--force", help="Replace a product of your own with the same id.")] = False,
    tried: Annotated[bool, typer.Option("--check/--no-check", help="Try it after it is added.")] = True,
    as_json: Json = False,
) -> None:
    """Add a product of your own, from a file, from JSON, or by answering questions; then try it and show every step."""
    from cli.adding import add as add_product

    add_product(source, replace=replace, tried=tried, as_json=as_json)


@app.command("remove")
def remove(product: ProductName, as_json: Json = False) -> None:
    """Remove a product that you added. What is held of it stays."""
    from cli.adding import remove as remove_product

    remove_product(product, as_json=as_json)
