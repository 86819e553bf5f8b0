"""The files of an index page; of one that is not saved, what is saved below it tells."""

from __future__ import annotations

from urllib.parse import quote, urljoin

from isomanager.catalogue.offer_rules import OfferRule
from isomanager.catalogue.patterns import first_match
from isomanager.catalogue.remembering import Remembering
from isomanager.catalogue.strategies import checksum_list, listing
from isomanager.catalogue.strategies.candidate import Candidate
from isomanager.errors import FetchRefused, ResolveError


def listed(url: str, offer: OfferRule, documents: Remembering) -> tuple[Candidate, ...]:
    """The files that the index page at `url` lists. Raises FetchRefused(code="html-instead") for a page that is no listing."""
    try:
        text = documents.fetch(url).text
    except ResolveError:
        # only saved documents are allowed, and this one is not saved: those saved below it tell of what it would list
        saved = documents.saved_below(url)
        if not saved:
            raise
        return _saved_for(saved, url, documents)
    found = listing.candidates(text, url, hosts=offer.hosts)
    if not any(first_match(offer.file, one.name) is not None for one in found) and not listing.is_listing(text):
        raise listing.no_listing(url)
    return found


def _saved_for(saved: tuple[str, ...], url: str, documents: Remembering) -> tuple[Candidate, ...]:
    """The files that saved checksum documents and signatures in the folder `url` are about, by their contents or their names."""
    found: dict[str, Candidate] = {}
    refused: list[FetchRefused] = []
    for beside in (urljoin(url, quote(name)) for name in saved):
        try:
            told = _about(beside, url, documents)
        except FetchRefused as error:
            refused.append(error)
        except ResolveError:  # a folder, which nobody has saved as such
            continue
        else:
            found = {one.name: one for one in told} | found
    if refused and not found:
        raise refused[0]
    return tuple(found.values())


def _about(document: str, url: str, documents: Remembering) -> tuple[Candidate, ...]:
    content = documents.fetch(document).text
    try:
        return checksum_list.candidates(content, document)
    except FetchRefused as error:
        named = checksum_list.named_after(document)
        if error.code != "no-checksums" or not content.strip() or not named:
            raise
        return (Candidate(named, urljoin(url, quote(named))),)  # a signature is about the file it is called after
