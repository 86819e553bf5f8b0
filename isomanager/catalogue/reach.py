"""How far the images of a product can be proved at best, by what its product file says. Pure; no upstream is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from isomanager.catalogue.offer_rules import OfferRule
from isomanager.catalogue.product import Product
from isomanager.catalogue.proof_rules import ProofRule
from isomanager.model import Assurance

_WEAK = re.compile(r"\bmd5|md5sums?\b|\bsha1(?!\d)", re.IGNORECASE)
_STRONG = re.compile(r"sha-?(?:224|256|384|512)|blake|\bb2", re.IGNORECASE)


def reachable(product: Product, flavor: str = "") -> Assurance | None:
    """The strongest assurance that an image of the product (of this flavor) may reach; None when nothing of it can be fetched.

    An upper bound: whether a key is pinned for the very version, or a document is there, only its resolving tells.
    """
    fitting = (one for one in product.offers if _fits(one.when.flavor, flavor) and one.strategy not in _BY_HAND)
    found = [best for offer in fitting for best in _reached(product, offer, flavor)]
    return max(found, default=None)


_BY_HAND = ("manual", "external")


def _reached(product: Product, offer: OfferRule, flavor: str) -> Iterator[Assurance]:
    secure = not any(url.startswith("http://") for url in _addresses(offer))
    if product.known:
        yield Assurance.PINNED
    rules = [one for one in offer.proof or product.proof if _fits(one.when.flavor, flavor)]
    for rule in rules:
        yield _proved(rule, offer, secure)
    if not rules:
        yield Assurance.SERVED if offer.vendor and secure else Assurance.NONE


def _proved(rule: ProofRule, offer: OfferRule, secure: bool) -> Assurance:
    over_file = rule.signature is not None and rule.signature.over == "file"
    document = rule.document or (offer.steps[-1].url[0] if offer.steps else "")
    if rule.document == "{sums}":
        document = offer.sums or (offer.steps[-1].url[0] if offer.steps else "")
    name = document.rpartition("/")[2]
    weak = offer.sums_algorithm in ("md5", "sha1") or bool(_WEAK.search(name) and not _STRONG.search(name))
    if rule.signature is not None and (rule.keys or rule.keys_by) and (over_file or not weak):
        return Assurance.SIGNED
    return Assurance.PUBLISHED if rule.vendor and secure and not weak else Assurance.MIRROR


def _addresses(offer: OfferRule) -> Iterator[str]:
    yield from (url for step in offer.steps for url in step.url)
    if offer.url:
        yield offer.url


def _fits(flavors: tuple[str, ...], flavor: str) -> bool:
    excluded = {one[1:] for one in flavors if one.startswith("!")}
    named = [one for one in flavors if not one.startswith("!")]
    return not flavor or (flavor not in excluded and (not named or flavor in named))
