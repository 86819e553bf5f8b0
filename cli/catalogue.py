"""`isomanager catalogue`: what exists upstream. Needs neither database nor Prefect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import Architectures, Editions, Json, Languages, SelectorText, What
from cli.output import FAILED, print_json, print_table, size
from isomanager.errors import Refused, UsageError

if TYPE_CHECKING:
    from isomanager.catalogue.documents import DocumentSource
    from isomanager.catalogue.product import Product
    from isomanager.library.opening import Library
    from isomanager.model import Expectation, Refusal

app = typer.Typer(help="What exists upstream.", no_args_is_help=True)


@app.command("list")
def list_products(as_json: Json = False) -> None:
    """Every product in the catalogue."""
    from isomanager.catalogue.loader import load_catalogue, summary
    from isomanager.settings import load_settings

    found = [summary(product) for product in load_catalogue(load_settings().catalogue_folders).products]
    if as_json:
        print_json(found)
        return
    columns = ("id", "family", "flavors", "architectures", "checksum", "signature", "status")
    print_table(columns, ([_joined(one.get(column)) for column in columns] for one in found))


def _joined(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "-" if value in (None, "") else str(value)


@app.command("show")
def show_product(product: str, as_json: Json = False) -> None:
    """One product: flavors, channels, how it is found and proved, what is known of it."""
    from isomanager.catalogue.loader import load_catalogue, summary
    from isomanager.settings import load_settings

    found = load_catalogue(load_settings().catalogue_folders).product(product)
    if as_json:
        print_json({**summary(found), "definition": found.model_dump(mode="json", exclude_defaults=True)})
        return
    told = {**summary(found), "aliases": found.aliases, "channels": found.channels, "homepage": found.homepage}
    print_table(("", ""), ((name, _joined(value)) for name, value in told.items()))
    if found.facts:
        print(f"\n{found.facts}")


@app.command("resolve")
def resolve(
    selector: SelectorText,
    arch: Architectures = [],
    language: Languages = [],
    edition: Editions = [],
    document: Annotated[
        list[str], typer.Option("--document", metavar="URL=FILE", help="Let a saved file stand for an address.")
    ] = [],
    offline: Annotated[bool, typer.Option("--offline", help="Ask for nothing beyond the saved documents.")] = False,
    as_json: Json = False,
) -> None:
    """What upstream offers now for a selector, and how far it can be proved."""
    from isomanager.library.opening import Library
    from isomanager.library.resolving import resolve_selector
    from isomanager.model import Expectation, Selector
    from isomanager.settings import load_settings

    asked = Selector.parse(selector, architectures=tuple(arch), languages=tuple(language), editions=tuple(edition))
    with Library(load_settings()) as library:
        product = library.catalogue.product(asked.product)
        judged = resolve_selector(library, asked, _documents(library, product, document, offline))
    refused = [one for one in judged if not isinstance(one, Expectation)]
    if refused and len(judged) == 1:
        raise Refused(refused[0].reason, code=refused[0].code, filename=refused[0].offer.filename)
    answers = [_answer(one) for one in judged]
    if as_json:
        print_json(answers[0] if len(answers) == 1 else answers)
    else:
        _print_answers(answers)
    if refused:
        raise typer.Exit(FAILED)


def _documents(library: Library, product: Product, given: list[str], offline: bool) -> DocumentSource:
    from isomanager.catalogue.documents import SavedDocuments

    return SavedDocuments(dict(map(_saved, given)), None if offline else library.documents(product))


def _saved(text: str) -> tuple[str, Path]:
    """`URL=FILE`; the address itself may contain `=`, so the last one counts."""
    url, found, name = text.rpartition("=")
    file = Path(name)
    if not found or not url:
        raise UsageError(f"'{text}' is not URL=FILE.")
    if not file.is_file():
        raise UsageError(f"The document {file} that is to stand for {url} is not a file.")
    return url, file


def _answer(judged: Expectation | Refusal) -> dict[str, Any]:
    from isomanager.model import Expectation, strongest

    offer = judged.offer
    told: dict[str, Any] = {
        "title": str(offer.title),
        "product": offer.title.product,
        "flavor": offer.title.flavor,
        "architecture": offer.title.architecture,
        "filename": offer.filename,
        "version": str(offer.title.version),
        "url": offer.urls[0] if offer.urls else None,
        "urls": offer.urls,
        "torrent": offer.torrent.url if offer.torrent else None,
        "listed_at": offer.listed_at,
    }
    if not isinstance(judged, Expectation):
        return {**told, "error": judged.code, "message": judged.reason}
    algorithm = strongest(judged.digests)
    digests = {name: judged.digests[name] for name in ("sha256", algorithm) if name and name in judged.digests}
    return {
        **told,
        **digests,
        "size": judged.size if judged.size is not None else offer.size,
        "assurance": judged.assurance.value,
        "signed_by": judged.signer.primary if judged.signer else None,
        "reasons": judged.reasons,
    }


def _print_answers(answers: list[dict[str, Any]]) -> None:
    for one in answers:
        rows = {**one, "size": size(one.get("size")) if "size" in one else None}
        print_table(("", ""), ((name, _joined(value)) for name, value in rows.items() if value))


@app.command("check")
def check(what: What = [], as_json: Json = False) -> None:
    """Ask every vendor whether each product still resolves: ok, degraded or broken, and why."""
    from isomanager.library.opening import Library
    from isomanager.library.surveying import survey
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        found = survey(library, what)
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
    else:
        columns = ("product", "state", "newest", "assurance", "why")
        print_table(columns, ((one.product, one.state, one.version, one.assurance, one.reason) for one in found))
    if any(one.state == "broken" for one in found):
        raise typer.Exit(FAILED)
