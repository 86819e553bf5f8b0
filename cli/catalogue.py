"""`isomanager catalogue`: what exists upstream. Needs neither database nor Prefect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import refreshing
from cli.options import Architectures, Editions, Json, Languages, SelectorText, What
from cli.output import FAILED, print_json, say
from cli.tables import print_facts, print_table, size
from isomanager.errors import UsageError
from isomanager.settings import KEYSERVERS

if TYPE_CHECKING:
    from isomanager.catalogue.documents import DocumentSource
    from isomanager.catalogue.microsoft.day_links import LinkKeeper
    from isomanager.catalogue.product import Product
    from isomanager.library.opening import Library
    from isomanager.model import DayLink, Expectation, Refusal
    from isomanager.trust.unproved import Unproved

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
    rows = ([_joined(one.get(column)) for column in columns] for one in found)
    print_table(columns, rows, below=("architectures", "flavors"))


def _joined(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "-" if value in (None, "") else str(value)


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
    print_facts((name, _joined(value)) for name, value in told.items() if value)
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
    """What upstream offers now for a selector, and how far it can be proved. Exit code 1 when its evidence is refused."""
    from isomanager.catalogue.naming import meant
    from isomanager.library.opening import Library
    from isomanager.library.resolving import resolve_selector
    from isomanager.model import Expectation, Selector
    from isomanager.settings import load_settings

    asked = Selector.parse(selector, architectures=tuple(arch), languages=tuple(language), editions=tuple(edition))
    with Library(load_settings()) as library:
        product, asked = meant(library.catalogue, asked)
        documents, links = _documents(library, product, document, offline)
        # saved documents are replayed, whatever the date: there is nobody to ask
        replayed = offline or bool(document)
        judged = resolve_selector(library, asked, documents, links=links, torrents=torrent, accept=replayed)
    answers = [
        (_expected(one) if isinstance(one, Expectation) else _refused(one, product)) | {"status": _status(one, product)}
        for one in judged
    ]
    if as_json:
        print_json(answers[0] if len(answers) == 1 else answers)
    else:
        _print_answers(answers)
    if any("refused" in one for one in answers):
        raise typer.Exit(FAILED)


def _status(judged: Expectation | Refusal, product: Product) -> str:
    """`unconfirmed` where nobody checked the product file, or the part of it that answered."""
    return product.status if judged.offer.confirmed else "unconfirmed"


def _documents(
    library: Library, product: Product, given: list[str], offline: bool
) -> tuple[DocumentSource, LinkKeeper | None]:
    """Where documents come from, and what keeps the links that Microsoft gives: saved answers are no answers of today, and are
    not remembered as such."""
    from isomanager.catalogue.documents import SavedDocuments
    from isomanager.catalogue.microsoft.day_links import LinksInMemory

    saved = dict(map(_saved, given))
    documents = SavedDocuments(saved, None if offline else library.documents(product))
    places = [one.partition("?")[0].lower() for one in product.connector.addresses] if product.connector else []
    replayed = offline or any(url.partition("?")[0].lower() in places for url in saved)
    return documents, LinksInMemory() if replayed else None


def _saved(text: str) -> tuple[str, Path]:
    """`URL=FILE`; the address itself may contain `=`, so the last one counts."""
    url, found, name = text.rpartition("=")
    file = Path(name)
    if not found or not url:
        raise UsageError(f"'{text}' is not URL=FILE.")
    if not file.is_file():
        raise UsageError(f"The document {file} that is to stand for {url} is not a file.")
    try:
        file.open("rb").close()
    except OSError as wrong:
        raise UsageError(f"The document {file} cannot be read: {wrong.strerror}.") from wrong
    return url, file


def _offered(judged: Expectation | Refusal, digests: dict[str, str], size: int | None) -> dict[str, Any]:
    """What is said of every offer, proved or not; digests by algorithm, the strongest and SHA-256 at the top level too."""
    from isomanager.model import strongest

    offer, title = judged.offer, judged.offer.title
    top = {name: digests[name] for name in ("sha256", strongest(digests)) if name and name in digests}
    return {
        "title": str(title),
        "family": title.family.value,
        "product": title.product,
        "flavor": title.flavor,
        "version": str(title.version),
        "architecture": title.architecture,
        "language": title.language,
        "edition": title.edition,
        "filename": offer.filename,
        "url": offer.urls[0] if offer.urls else None,
        "urls": offer.urls,
        "torrent": offer.torrent.url or offer.torrent.info_hash if offer.torrent else None,
        "size": size,
        **top,
        "digests": digests,
        "listed_at": offer.listed_at,
        **({"link": _link(offer.link)} if offer.link else {}),
    }


def _link(link: DayLink) -> dict[str, str]:
    """What a link that holds for a day was asked for with, and until when the one of now holds; never the link itself."""
    return {
        "product_edition_id": link.edition,
        "sku_id": link.sku,
        "language": link.language,
        "page": link.page,
        "expires": link.expires,
    }


def _expected(judged: Expectation) -> dict[str, Any]:
    offer = judged.offer
    return {
        **_offered(judged, judged.digests, judged.size if judged.size is not None else offer.size),
        "assurance": judged.assurance.value,
        "signed_by": judged.signer.primary if judged.signer else None,
        "reasons": judged.reasons,
    }


def _refused(judged: Refusal, product: Product) -> dict[str, Any]:
    """The offer with what it claims, none of it proved, and why it is refused: an update would not fetch it."""
    from isomanager.trust.unproved import unproved

    claimed = unproved(judged)
    return {
        **_offered(judged, claimed.digests, claimed.size),
        "assurance": "none",
        "signed_by": None,
        "reasons": (),
        "error": judged.code,
        "message": judged.reason,
        "refused": {"code": judged.code, "reason": judged.reason, "lacking": _lacking(judged, claimed, product)},
    }


def _lacking(judged: Refusal, claimed: Unproved, product: Product) -> list[str]:
    """The addresses whose documents would let the evidence be judged; where the key is the trouble, the keys' too."""
    if judged.code != "unknown-key":
        return list(claimed.lacking)
    keys = dict.fromkeys(key for proof in judged.offer.proofs for key in proof.signers)
    return [*claimed.lacking, *(url for key in keys for url in product.key_urls(key, KEYSERVERS)[:1])]


def _print_answers(answers: list[dict[str, Any]]) -> None:
    for one in answers:
        shown = {**one, **one["digests"], "size": size(one["size"])}
        left_out = ("digests", "title", "refused", "error", "message", "url", "link")
        print_facts((name, _joined(value)) for name, value in shown.items() if value and name not in left_out)
        if one["status"] == "unconfirmed":
            say(
                "isomanager: nobody has confirmed what the catalogue says of it; `isomanager catalogue show` has the facts."
            )
        if "refused" in one:
            say(f"isomanager: {one['filename']} is refused ({one['error']}): {one['message']}")
            for url in one["refused"]["lacking"]:
                say(f"  A saved copy can be given with --document {url}=FILE")


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
