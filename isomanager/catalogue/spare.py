"""Saved documents that no step has asked for: they may stand on a mirror, or where a product file does not look.

Somebody who replays a saved page gives the address it was saved from, and there are often several for the same list (a code name
instead of a number, a mirror). Such a document is looked into last, and only when nothing but saved documents is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from isomanager.catalogue.offer_rules import OfferRule
from isomanager.catalogue.patterns import match_whole
from isomanager.catalogue.product import Product
from isomanager.catalogue.saved_addresses import place_of
from isomanager.catalogue.walking import Way, starting_values
from isomanager.catalogue.wanted import Wanted

_NO_LISTINGS = (".gpg", ".sig", ".sign", ".torrent", ".iso", ".img", ".pub", ".key")


def spare_ways(offers: tuple[OfferRule, ...], one: Wanted, urls: tuple[str, ...]) -> Iterator[tuple[OfferRule, Way]]:
    """The entries among `offers` that may read each of the addresses `urls`, and what the address itself tells them.

    An address below one entry's own start belongs to that entry alone, so that an archive's document is never taken for the
    current place's. What is on a host the product does not name proves nothing by standing there.
    """
    for url in urls:
        if urlsplit(url).path.lower().endswith(_NO_LISTINGS):
            continue
        owners = {id(offer) for offer in one.product.offers if _starts_at(offer, url)}
        for offer in offers:
            if _reads_one_document(offer) and (not owners or id(offer) in owners) and _is_about(url, offer, one):
                yield _as_served(offer, url, one.product), Way(url, _told(url, offer))


def _reads_one_document(offer: OfferRule) -> bool:
    """Whether an entry finds what it offers in the document its steps lead to; a conversation is more than one document."""
    return bool(offer.steps) and offer.strategy != "download-connector"


def _starts_at(offer: OfferRule, url: str) -> bool:
    starts = (start.partition("{")[0].rpartition("/")[0] for step in offer.steps[:1] for start in step.url)
    return any(place_of(url).startswith(f"{place_of(start)}/") for start in starts)


def _is_about(url: str, offer: OfferRule, one: Wanted) -> bool:
    """Whether the address speaks of the wanted architecture and flavor where the names of its files do not."""
    templates = " ".join(template for step in offer.steps for template in step.url)
    named_arch = bool(offer.file) and all("(?P<arch>" in pattern for pattern in offer.file)
    told_elsewhere = {"arch", "architecture"} if named_arch else set()
    told_elsewhere |= set(one.flavor.vars) if one.flavor.match else set()
    values = {"arch", "architecture", *one.flavor.vars} - told_elsewhere
    starting = starting_values(one)
    return all(any(value in unquote(url) for value in starting[name]) for name in values if f"{{{name}}}" in templates)


def _told(url: str, offer: OfferRule) -> dict[str, str]:
    """The groups that the entry's picks find in the pieces of the address."""
    told: dict[str, str] = {}
    patterns = [pattern for step in offer.steps for pattern in step.pick]
    for piece in unquote(urlsplit(url).path).split("/"):
        found = (match_whole(pattern, name) for pattern in patterns for name in (piece, f"{piece}/") if piece)
        groups = next((one for one in found if one is not None), {})
        told |= {name: text for name, text in groups.items() if text and name not in told}
    return told


def _as_served(offer: OfferRule, url: str, product: Product) -> OfferRule:
    hosts = {urlsplit(address).netloc for address in product.addresses}
    if urlsplit(url).netloc in hosts:
        return offer
    proofs = tuple(rule.model_copy(update={"vendor": False}) for rule in offer.proof or product.proof)
    return offer.model_copy(update={"vendor": False, "proof": proofs})
