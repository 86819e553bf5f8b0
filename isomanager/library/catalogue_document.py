"""The resolved catalogue: what upstream offers now, as one JSON document that is kept, published and pulled.

An answer in it holds offers with their evidence verbatim. Our own answers are believed until they are too old. Those that another
server published are judged anew with the keys pinned here: only what a signature proves is taken from there, for everything
else the vendor is asked.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Literal

from filelock import FileLock
from pydantic import AwareDatetime, ValidationError

from isomanager.catalogue.product import Product
from isomanager.errors import IsoManagerError
from isomanager.inventory.rows import selector_key
from isomanager.library.knowing import known_before
from isomanager.library.opening import Library
from isomanager.library.pinned_keys import keys_for
from isomanager.library.second_opinion import asked_of
from isomanager.model import Assurance, Expectation, Offer, Selector, Subscription, Value
from isomanager.planning.plausibility import surprises
from isomanager.planning.wanting import Resolution, Want
from isomanager.storage.contract import Store
from isomanager.storage.durable import make_folders, replace_durably
from isomanager.trust.expectation import judge
from isomanager.trust.urls import without_secrets
from isomanager.version import Version

FILE = "catalogue.json"
"""Its name in the data folder, and in the repositories it is published in."""

_log = logging.getLogger(__name__)
_LOCK_SECONDS = 60.0
_LARGEST = 64 << 20
_OLDEST = timedelta(days=30)
"""What is older is dropped from the file."""


class Answer(Value):
    """What upstream offered for a selector, and when. `product` is the digest of the product file that it was found by."""

    selector: Selector
    product: str
    at: AwareDatetime
    expectations: tuple[Expectation, ...]


class CatalogueDocument(Value):
    """Every good answer that is kept."""

    schema_version: Literal[1] = 1
    answers: tuple[Answer, ...] = ()


def product_digest(product: Product) -> str:
    """What tells two definitions of a product apart."""
    return hashlib.sha256(product.model_dump_json().encode()).hexdigest()


def kept_document(file: Path) -> CatalogueDocument:
    """What was kept; nothing where there is no file, or none of use."""
    try:
        return CatalogueDocument.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return CatalogueDocument()
    except (OSError, ValidationError) as wrong:
        _log.warning("%s is of no use and will be written anew: %s", file, wrong)
        return CatalogueDocument()


def keep_answers(library: Library, wants: Iterable[Want]) -> None:
    """Put whole good answers beside those that are kept of other selectors. Safe for several processes.

    An answer that is refused, failed, or leads to an address that holds only for a day is not kept: it is asked for again.
    """
    new = {selector_key(one.selector): one for want in wants if (one := _answer(library, want)) is not None}
    if not new:
        return
    file = library.settings.data_folder / FILE
    make_folders(file.parent)
    with FileLock(file.with_name(f"{FILE}.lock"), timeout=_LOCK_SECONDS):
        oldest = library.now() - _OLDEST
        old = {selector_key(one.selector): one for one in kept_document(file).answers if one.at > oldest}
        merged = CatalogueDocument(answers=tuple(one for _, one in sorted((old | new).items())))
        replace_durably(file, merged.model_dump_json().encode())


def _answer(library: Library, want: Want) -> Answer | None:
    found = [one.expectation for one in want.resolutions if one.expectation is not None and not one.accepted]
    product = library.catalogue.find(want.subscription.selector.product)
    if product is None or not found or len(found) != len(want.resolutions) or any(one.offer.link for one in found):
        return None
    return Answer(
        selector=want.subscription.selector,
        product=product_digest(product),
        at=library.now(),
        expectations=tuple(found),
    )


def fresh_wants(library: Library, subscriptions: Sequence[Subscription]) -> tuple[Want, ...]:
    """What the kept document, or the server that `catalogue_url` names, still answers for these; the rest has to be asked for."""
    if not library.settings.catalogue_max_age or not subscriptions:
        return ()
    kept = _fresh(library, kept_document(library.settings.data_folder / FILE).answers)
    found = [want for one in subscriptions if (want := _want(library, one, kept)) is not None]
    answered = {want.subscription.id for want in found}
    rest = [one for one in subscriptions if one.id not in answered]
    if library.settings.catalogue_url and rest:
        pulled = _fresh(library, pulled_document(library).answers)
        found += [want for one in rest if (want := _proved_want(library, one, pulled)) is not None]
    return tuple(found)


def _fresh(library: Library, answers: Iterable[Answer]) -> dict[str, Answer]:
    """The answers that are neither too old nor of a time to come."""
    now, most = library.now(), timedelta(seconds=library.settings.catalogue_max_age)
    return {selector_key(one.selector): one for one in answers if timedelta(0) <= now - one.at <= most}


def _usable(library: Library, subscription: Subscription, answers: dict[str, Answer]) -> Answer | None:
    """The answer for the subscription, if it was found by the very product file that is in force."""
    answer = answers.get(selector_key(subscription.selector))
    product = library.catalogue.find(subscription.selector.product)
    if answer is None or product is None or answer.product != product_digest(product):
        return None
    return answer


def _want(library: Library, subscription: Subscription, answers: dict[str, Answer]) -> Want | None:
    answer = _usable(library, subscription, answers)
    if answer is None or any(one.assurance < subscription.floor for one in answer.expectations):
        return None
    return Want(subscription, tuple(Resolution(expectation=one) for one in answer.expectations))


def _proved_want(library: Library, subscription: Subscription, answers: dict[str, Answer]) -> Want | None:
    """Another server's answer, as far as its evidence proves it here and nothing about it surprises."""
    answer = _usable(library, subscription, answers)
    if answer is None:
        return None
    found = [_proved(library, subscription, told) for told in answer.expectations]
    good = tuple(Resolution(expectation=one) for one in found if one is not None)
    return Want(subscription, good) if len(good) == len(found) else None


def _proved(library: Library, subscription: Subscription, told: Expectation) -> Expectation | None:
    """The expectation as our own judge sees it, if a key that our catalogue pins for the title signed for it."""
    offer, selector = told.offer, subscription.selector
    product = library.catalogue.product(selector.product)
    signers = {signer for proof in offer.proofs if proof.signature is not None for signer in proof.signers}
    if offer.pinned or not signers or not signers <= keys_for(product, offer.title):
        return None
    if not library.selects(subscription, offer.title) or not _is_named_so(product, offer):
        return None
    judged = judge(offer, told.evidence, library.keyring, now=library.now(), floor=subscription.floor)
    if not isinstance(judged, Expectation) or judged.assurance is not Assurance.SIGNED:
        return None
    known = known_before(library, subscription, offer.title)
    return None if surprises(offer, known, product, asked_of(selector), now=library.now()) else judged


def _is_named_so(product: Product, offer: Offer) -> bool:
    """Whether the file's own name, which is what was signed, tells the version that the answer claims."""
    return offer.title.product == product.id and version_in_name(offer.title.version, offer.filename)


def version_in_name(version: Version, filename: str) -> bool:
    """Whether a file's name holds the version, number for number."""
    numbers, named = re.findall(r"\d+", version.text), re.findall(r"\d+", filename)
    return bool(numbers) and any(
        named[place : place + len(numbers)] == numbers for place in range(len(named) - len(numbers) + 1)
    )


def pulled_document(library: Library) -> CatalogueDocument:
    """The document that another server publishes, asked for under the condition that it has changed; an empty one where it cannot
    be had, since the vendors can still be asked."""
    from isomanager.transfer.documents import HttpDocuments, Manners
    from isomanager.transfer.policy import FetchPolicy

    url = library.settings.catalogue_url
    manners = Manners(cache=library.document_cache, patience=library.settings.document_patience, stop=library.stop)
    policy = FetchPolicy(allow_http=url.startswith("http://"), allow_private=True)  # a person named this server
    try:
        content = HttpDocuments(library.client, policy, manners).fetch(url, max_bytes=_LARGEST).content
        return CatalogueDocument.model_validate_json(content)
    except (IsoManagerError, ValidationError) as wrong:
        _log.warning("The catalogue at %s is of no use now, vendors are asked instead: %s", without_secrets(url), wrong)
        return CatalogueDocument()


def public_document(library: Library) -> CatalogueDocument:
    """What may be published: answers none of whose addresses holds a secret."""
    kept = kept_document(library.settings.data_folder / FILE)
    return kept.model_copy(update={"answers": tuple(one for one in kept.answers if _is_public(one))})


def _is_public(answer: Answer) -> bool:
    urls = [
        url
        for one in answer.expectations
        for url in (*one.offer.urls, *one.offer.listed_at, *(document.url for document in one.evidence))
    ]
    return all(without_secrets(url) == url for url in urls)


def publish_document(library: Library, repositories: Sequence[str]) -> tuple[str, ...]:
    """Write the public document into each repository, for other servers to pull; its address in each."""
    body = public_document(library).model_dump_json(indent=1).encode()
    return tuple(_written(library.store(library.inventory.repository(name).name), body) for name in repositories)


def _written(store: Store, body: bytes) -> str:
    store.replace_small(FILE, body)
    return f"{store.url.rstrip('/')}/{FILE}"
