"""Second opinion: who else can say whether a surprising answer is right, and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from isomanager.catalogue.documents import DocumentSource
from isomanager.catalogue.product import Product, ReleaseList
from isomanager.catalogue.releases import Release, listed_releases
from isomanager.catalogue.resolve import resolve
from isomanager.catalogue.selection import series_of
from isomanager.errors import IsoManagerError
from isomanager.model import Expectation, Offer, Refusal, Selector
from isomanager.planning.plausibility import (
    Asked,
    Known,
    Opinion,
    objections,
    surprises,
    why_held_back,
)
from isomanager.transfer.torrent.metainfo import MAX_TORRENT_BYTES, read_metainfo
from isomanager.trust.urls import without_secrets
from isomanager.version import Version

_TELLING = ("listing", "checksums", "api", "lines", "rss", "page", "redirect")
"""Strategies whose documents tell which releases there are, and may be asked as often as one likes."""


def believed(
    judged: Expectation | Refusal,
    product: Product,
    selector: Selector,
    documents: DocumentSource,
    *,
    known: Sequence[Known],
    accept: bool,
    now: datetime,
) -> Expectation | Refusal:
    """The expectation, if it does not surprise or others bear it out; else a refusal (code `surprising`) that says why.

    `accept` takes it as it is, and says so among its reasons: a person wants it, or replays saved documents. Witnesses are asked
    only when something surprises.
    """
    if isinstance(judged, Refusal):
        return judged
    offer = judged.offer.model_copy(update={"size": judged.size if judged.size is not None else judged.offer.size})
    found = surprises(offer, known, product, asked_of(selector), now=now)
    if not found:
        return judged
    if accept:
        told = "; ".join(one.said for one in found)
        return judged.model_copy(update={"reasons": (*judged.reasons, f"Taken as it is, though surprising: {told}.")})
    opinions = tuple(opinions_of(judged, product, selector, documents))
    against = objections(found, opinions)
    if not against:
        told = f"Surprising ({'; '.join(one.said for one in found)}), and borne out: {'; '.join(map(str, opinions))}."
        return judged.model_copy(update={"reasons": (*judged.reasons, told)})
    reason = why_held_back(against, opinions, product.id)
    return Refusal(offer=judged.offer, code="surprising", reason=reason, evidence=judged.evidence)


def asked_of(selector: Selector) -> Asked:
    """What a selector allows."""
    return Asked(
        pre_release=selector.rule.wants_pre_release or selector.channel in ("preview", "daily"),
        older=selector.rule.whole or selector.channel == "previous",
    )


def opinions_of(
    judged: Expectation, product: Product, selector: Selector, documents: DocumentSource
) -> Iterator[Opinion]:
    """What every witness says that the product file names: proofs, release lists, other entries, mirrors, the torrent."""
    offer = judged.offer
    yield from _proofs(judged)
    for listed in (*product.releases, *product.witnesses):
        if listed.line in ("", offer.title.flavor):
            yield _release_list(listed, offer, product, documents)
    yield from _other_entries(offer, product, selector, documents)
    for url in offer.urls[1:]:
        yield _mirror(url, offer, documents)
    if offer.torrent is not None and offer.torrent.url:
        yield _torrent(offer.torrent.url, offer, documents)


def _proofs(judged: Expectation) -> Iterator[Opinion]:
    """A pinned key's signature, or a checksum document that is not the listing itself; both name the very file."""
    offer = judged.offer
    if judged.signer is not None:
        yield Opinion("the signature", True, f"key {judged.signer.primary} vouches for {offer.filename}")
        return
    signatures = {proof.signature.url for proof in offer.proofs if proof.signature is not None}
    for document in judged.evidence:
        if document.url not in offer.listed_at and document.url not in signatures:
            yield Opinion(
                "the checksum document", True, f"{without_secrets(document.url)} has a digest of {offer.filename}"
            )


def _release_list(listed: ReleaseList, offer: Offer, product: Product, documents: DocumentSource) -> Opinion:
    name = f"the release list at {_host(listed.url)}"
    try:
        found = [one for one in listed_releases(listed, product, documents) if one.supported is not False]
    except IsoManagerError as wrong:
        return Opinion(name, None, wrong.message)
    if not found:
        return Opinion(name, None, "it lists no release")
    newest = max(found, key=lambda one: one.version)
    version = offer.title.version
    if not any(_is_of(one, version, product) for one in found):
        return Opinion(name, False, f"it does not know {version}; its newest is {newest.version}", newest=False)
    if newest.version > version and not version.starts_with(newest.version):
        return Opinion(name, True, f"it knows {version}, and {newest.version} is newer", newest=False)
    return Opinion(name, True, f"its newest is {newest.version}", newest=True)


def _is_of(release: Release, version: Version, product: Product) -> bool:
    """Whether a listed release is the version, or its series where the list tells no more than that."""
    listed = release.version
    return version.starts_with(listed) or series_of(listed, product) == series_of(version, product)


def _other_entries(offer: Offer, product: Product, selector: Selector, documents: DocumentSource) -> Iterator[Opinion]:
    """What the product file's other entries answer to the same question, each asked alone."""
    for entry in product.offers:
        # the connector above all is asked once a day at most, and not for an opinion
        if entry.archive or entry.strategy not in _TELLING:
            continue
        alone = product.model_copy(update={"offers": (entry,)})
        try:
            told = [one for one in resolve(alone, selector, documents, torrents=True) if _competes(one, offer)]
        except IsoManagerError:
            continue  # an entry for something else, or one that is broken, is no witness
        yield from (_entry_opinion(one, offer) for one in told if one.listed_at != offer.listed_at)


def _competes(one: Offer, other: Offer) -> bool:
    mine, theirs = one.title, other.title
    return (mine.flavor, mine.architecture, mine.language, mine.edition) == (
        theirs.flavor,
        theirs.architecture,
        theirs.language,
        theirs.edition,
    )


def _entry_opinion(told: Offer, offer: Offer) -> Opinion:
    where = f"the listing at {_host(told.listed_at[0] if told.listed_at else told.urls[0])}"
    theirs, ours = told.title.version, offer.title.version
    return Opinion(where, theirs == ours, f"its newest is {theirs}", newest=theirs <= ours)


def _mirror(url: str, offer: Offer, documents: DocumentSource) -> Opinion:
    name = f"the mirror {_host(url)}"
    try:
        found = documents.locate(url)
    except IsoManagerError as wrong:
        missing = wrong.data.get("status") in (404, 410)
        return Opinion(name, False if missing else None, f"it has no {offer.filename}" if missing else wrong.message)
    if None not in (found.size, offer.size) and found.size != offer.size:
        return Opinion(name, False, f"its {offer.filename} has {found.size} bytes, not {offer.size}")
    return Opinion(name, True, f"it has {offer.filename}")


def _torrent(url: str, offer: Offer, documents: DocumentSource) -> Opinion:
    name = f"the torrent at {_host(url)}"
    try:
        told = read_metainfo(documents.fetch(url, max_bytes=MAX_TORRENT_BYTES).content, without_secrets(url))
    except IsoManagerError as wrong:
        return Opinion(name, None, wrong.message)
    sizes = [one.size for one in told.files if one.name == offer.filename]
    if not sizes:
        return Opinion(name, False, f"it is of {told.name}")
    if offer.size is not None and offer.size not in sizes:
        return Opinion(name, False, f"its {offer.filename} has {sizes[0]} bytes, not {offer.size}")
    return Opinion(name, True, f"it is of {offer.filename}")


def _host(url: str) -> str:
    return urlsplit(url).hostname or url
