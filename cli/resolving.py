"""`isomanager catalogue resolve`: what upstream offers now, and how far it can be proved, for one selector or for many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli.output import FAILED, explained, print_json, say
from cli.tables import joined, print_facts, size
from isomanager.catalogue.globs import expand, is_glob
from isomanager.catalogue.naming import meant
from isomanager.errors import IsoManagerError, UsageError
from isomanager.library.opening import Library
from isomanager.library.resolving import resolve_selector
from isomanager.model import Expectation, Refusal, Selector
from isomanager.settings import KEYSERVERS, load_settings

if TYPE_CHECKING:
    from isomanager.catalogue.documents import DocumentSource
    from isomanager.catalogue.microsoft.day_links import LinkKeeper
    from isomanager.catalogue.product import Product
    from isomanager.model import DayLink
    from isomanager.trust.unproved import Unproved


def resolve_selectors(
    text: str,
    architectures: list[str],
    languages: list[str],
    editions: list[str],
    *,
    saved: list[str],
    torrent: bool,
    offline: bool,
    as_json: bool,
) -> None:
    """Resolve the selector, or every one that the condition `text` means, and print the answers.

    `saved` are `URL=FILE`. Of several selectors one that cannot be resolved is an answer with its error; a single one raises it.
    typer.Exit(1) when an answer is refused or an error.
    """
    parts: dict[str, Any] = {
        "architectures": tuple(architectures), "languages": tuple(languages), "editions": tuple(editions)
    }  # fmt: skip
    answers: list[dict[str, Any]] = []
    with Library(load_settings()) as library:
        many = is_glob(text)
        for asked in expand(library.catalogue, text, **parts).selectors if many else (Selector.parse(text, **parts),):
            try:
                answers += _answers(library, asked, saved, torrent=torrent, offline=offline)
            except IsoManagerError as wrong:
                if not many:
                    raise
                answers.append({"selector": str(asked), **explained(wrong).as_json()})
    if as_json:
        print_json(answers[0] if len(answers) == 1 else answers)
    else:
        _print_answers(answers)
    if any("error" in one for one in answers):
        raise typer.Exit(FAILED)


def _answers(
    library: Library, asked: Selector, saved: list[str], *, torrent: bool, offline: bool
) -> list[dict[str, Any]]:
    product, asked = meant(library.catalogue, asked)
    documents, links = _documents(library, product, saved, offline)
    # saved documents are replayed, whatever the date: there is nobody to ask
    replayed = offline or bool(saved)
    judged = resolve_selector(library, asked, documents, links=links, torrents=torrent, accept=replayed)
    return [
        (_expected(one) if isinstance(one, Expectation) else _refused(one, product)) | {"status": _status(one, product)}
        for one in judged
    ]


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
    for place, one in enumerate(answers):
        if place:
            print()
        if "digests" not in one:
            say(f"isomanager: {one['selector']}: {one['message']}")
            continue
        shown = {**one, **one["digests"], "size": size(one["size"])}
        left_out = ("digests", "title", "refused", "error", "message", "url", "link", "reasons")
        facts = [(name, joined(value)) for name, value in shown.items() if value and name not in left_out]
        print_facts([*facts, *(("why", reason) for reason in one["reasons"])])
        if one["status"] == "unconfirmed":
            say(
                "isomanager: nobody has confirmed what the catalogue says of it; `isomanager catalogue show` has the facts."
            )
        if "refused" in one:
            say(f"isomanager: {one['filename']} is refused ({one['error']}): {one['message']}")
            for url in one["refused"]["lacking"]:
                say(f"  A saved copy can be given with --document {url}=FILE")
