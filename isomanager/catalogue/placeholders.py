"""Every `{name}` in a product file's addresses must be one that something can fill: a typing error is told as it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from isomanager.catalogue.offer_rules import OfferRule
from isomanager.catalogue.product import Product
from isomanager.catalogue.proof_rules import ProofRule
from isomanager.catalogue.templates import names_in
from isomanager.errors import CatalogueError

_BEGINNING = frozenset({"product", "flavor", "architecture", "arch", "language", "edition"})
_ON_THE_WAY = frozenset({"picked", "codename", "series"})
_OF_A_FILE = frozenset(
    {"version", "spelled", "series", "major", "minor", "patch"}
    | {"file", "entry", "url", "folder", "path", "document", "directory", "sums"}
)
_GROUP = re.compile(r"\(\?P<([A-Za-z_][A-Za-z0-9_]*)>")


def check_placeholders(product: Product, name: str) -> None:
    """Raises CatalogueError naming the file and the field, with the fields that there are."""
    given = _given(product)
    for field, template, more in _templates(product):
        known = given | more if more is not None else frozenset[str]()
        unknown = next((one for one in names_in(template) if one not in known), None)
        if unknown is None:
            continue
        there_are = f"There are {', '.join('{' + one + '}' for one in sorted(known))}."
        raise CatalogueError(
            f"{name}: {field} '{template}' has {{{unknown}}}, which nothing fills.",
            hint=there_are if known else "It is a plain address: nothing is filled in there.",
            file=name,
            field=field,
        )


def _given(product: Product) -> frozenset[str]:
    """What is told before a file is chosen: by the selector, the flavor, the groups of patterns, and the fields of an API."""
    groups = (group for pattern in product.patterns for group in _GROUP.findall(pattern))
    variables = (one for flavor in product.flavors.values() for one in flavor.vars)
    fields = (one for offer in product.offers for one in (*offer.fields, *offer.defaults))
    told = (one for by_value in product.version.told.values() for values in by_value.values() for one in values)
    return _BEGINNING | {*groups, *variables, *fields, *told}


def _templates(product: Product) -> Iterator[tuple[str, str, frozenset[str] | None]]:
    """Each address with its field, and the names that it may use besides the given ones; None where it may use none at all."""
    for number, mirror in enumerate(product.mirrors, 1):
        yield f"mirrors.{number}.replaces", mirror.replaces, None
        yield f"mirrors.{number}.base", mirror.base, None
    if product.zsync:
        yield "zsync", product.zsync, _OF_A_FILE
    for number, rule in enumerate(product.proof, 1):
        yield from _of_proof(f"proof.{number}", rule)
    for number, offer in enumerate(product.offers, 1):
        yield from _of_offer(f"offers.{number}", offer)


def _of_offer(field: str, offer: OfferRule) -> Iterator[tuple[str, str, frozenset[str]]]:
    for number, step in enumerate(offer.steps, 1):
        yield from ((f"{field}.steps.{number}.url", url, _ON_THE_WAY) for url in step.url)
    at_once = frozenset({"rule"}) if offer.strategy == "fixed" else frozenset[str]()
    told = {
        "url": offer.url,
        "sums": offer.sums,
        "save_as": offer.save_as,
        "torrent": offer.torrent.url if offer.torrent else "",
        "metalink": offer.metalink.url if offer.metalink else "",
    }
    yield from ((f"{field}.{name}", text, _OF_A_FILE | _ON_THE_WAY | at_once) for name, text in told.items())
    for number, rule in enumerate(offer.proof, 1):
        yield from _of_proof(f"{field}.proof.{number}", rule)


def _of_proof(field: str, rule: ProofRule) -> Iterator[tuple[str, str, frozenset[str]]]:
    known = _OF_A_FILE | _ON_THE_WAY
    yield f"{field}.document", rule.document, known
    yield f"{field}.entry", rule.entry, known
    if rule.signature is not None:
        yield f"{field}.signature.url", rule.signature.url, known
