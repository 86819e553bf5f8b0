"""Resolving: from a selector to what upstream offers for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from isomanager.catalogue.complaints import combined, is_broken
from isomanager.catalogue.documents import DocumentSource
from isomanager.catalogue.listed import listed
from isomanager.catalogue.microsoft import evaluation
from isomanager.catalogue.microsoft.day_links import LinkKeeper, LinksInMemory
from isomanager.catalogue.offer_rules import OfferRule
from isomanager.catalogue.offering import build_offer, fixed_addresses
from isomanager.catalogue.product import Product
from isomanager.catalogue.remembering import Remembering
from isomanager.catalogue.selection import Found, choose, counted, series_of, understood, why_chosen
from isomanager.catalogue.spare import spare_ways
from isomanager.catalogue.strategies import api, checksum_list, lines, listing, page, rss
from isomanager.catalogue.strategies.candidate import Candidate, name_of_url
from isomanager.catalogue.tracing import Look, Noted, unnoted
from isomanager.catalogue.walking import Walk, Way
from isomanager.catalogue.wanted import Wanted, wanted
from isomanager.errors import FetchRefused, IsoManagerError, ResolveError
from isomanager.model import Offer, Selector
from isomanager.version import Version


def resolve(
    product: Product,
    selector: Selector,
    documents: DocumentSource,
    noted: Noted = unnoted,
    *,
    torrents: bool = False,
    links: LinkKeeper | None = None,
) -> tuple[Offer, ...]:
    """What upstream offers for `selector`: one offer for each architecture, language and edition asked for.

    `torrents` says that torrents can be fetched: what upstream gives only so is an offer without addresses then, and refused
    (torrent-only) otherwise. `links` keeps what Microsoft's download connector gave, for all of a library; without one, nothing
    is remembered.

    The product's entries are tried in order. Raises ResolveError that says what each of them said; a transient error is
    raised as it is, because another entry's answer could be an older one. `noted` is told what each document gave.
    """
    if product.identify_only:
        raise ResolveError(
            f"{product.name} is known so that its images are recognised; no address is known from which to fetch them.",
            code="manual",
            hint=product.facts
            or f"Fetch the image by hand from {product.homepage or product.name} and add it to the library.",
            product=product.id,
        )
    remembered = Remembering(documents)
    kept = links or LinksInMemory()
    return tuple(_resolve_one(_Search(one, remembered, torrents, noted, kept)) for one in wanted(product, selector))


def _as_list(entry: OfferRule, *, is_page: bool) -> OfferRule:
    """The entry, made to read an index page or a list of digests, whatever the product usually reads."""
    usual = ("listing", "page") if is_page else ("checksums",)
    if entry.strategy in usual or not entry.file:
        return entry
    return entry.model_copy(update={"strategy": usual[0], "url": "", "sums": ""})


@dataclass
class _Search:
    """One search: what is wanted, what went wrong so far, the releases that were passed over for it, and for the channel
    `previous` the newest series once it is known. `is_closed`: the place of the wanted channel itself is broken.
    """

    one: Wanted
    documents: Remembering
    torrents: bool
    noted: Noted
    links: LinkKeeper
    complaints: list[IsoManagerError] = field(default_factory=list)
    passed: list[Version] = field(default_factory=list)
    below: Version | None = None
    is_closed: bool = False

    def note(self, error: ResolveError | FetchRefused, offer: OfferRule, way: Way) -> None:
        """Keep what a document lacked, and which release was passed over for it."""
        self.complaints.append(error)
        if way.release:
            self.passed.append(self.one.version(way.release))
        self.is_closed = self.is_closed or (is_broken(error) and self.one.channel in offer.when.channel)

    def check(self, found: Offer) -> Offer:
        """What was found, unless a newer release was passed over while an upstream was broken: it may be that very one."""
        broken = next(filter(is_broken, self.complaints), None)
        if broken is not None and any(found.title.version < release for release in self.passed):
            raise combined(self.complaints, self.one)
        return found


def _resolve_one(search: _Search) -> Offer:
    for offer in search.one.product.offers:
        if not _is_considered(offer, search):
            continue
        try:
            found = _answer(offer, search)
        except (ResolveError, FetchRefused) as error:
            search.complaints.append(error)
            continue
        if found is not None:
            return found
    found = _from_spare(search)
    if found is not None:
        return found
    raise combined(search.complaints, search.one)


def _from_spare(search: _Search) -> Offer | None:
    """An answer from saved documents of which none stands where the product looks; the newest if they tell of several."""
    one, offers = search.one, search.one.product.offers
    if search.documents.has_answered:
        return None
    found: list[Offer] = []
    considered = tuple(offer for offer in offers if _is_considered(offer, search))
    for entry, way in spare_ways(considered, one, search.documents.unasked):
        text = search.documents.fetch(way.url).text
        is_page = listing.looks_like_html(text)
        offer = entry if api.looks_like_data(text) else _as_list(entry, is_page=is_page)
        try:
            found.append(_offer_at(way, offer, search))
        except (ResolveError, FetchRefused) as error:
            if is_page == (error.code == "html-instead"):  # a list that is no page was only tried in another form
                search.complaints.append(error)
    return max(found, key=lambda answer: answer.title.version, default=None)


def _is_considered(offer: OfferRule, search: _Search) -> bool:
    """An archive is asked only for what cannot be the newest, and never because the current place is broken."""
    one = search.one
    fits = offer.when.fits(rule=one.rule, channel=one.channel, flavor=one.flavor_id, architecture=one.architecture)
    is_older = bool(one.rule.exact) or search.below is not None
    return (
        fits
        and (one.channel != "daily" or "daily" in offer.when.channel)
        and (not offer.archive or (is_older and not any(map(is_broken, search.complaints))))
        and _is_asked_for(offer, one)
        and (not search.is_closed or one.channel in offer.when.channel)
    )


def _is_asked_for(offer: OfferRule, one: Wanted) -> bool:
    """One file of the past, at a place of its own, answers only those who name its very version."""
    is_one_file = offer.archive and offer.strategy == "fixed" and bool(offer.version) and "{" not in offer.version
    return not is_one_file or (bool(one.rule.exact) and Version(one.rule.exact).starts_with(Version(offer.version)))


def _answer(offer: OfferRule, search: _Search) -> Offer | None:
    """The first good answer of one entry; what its documents lacked goes to the search's complaints."""
    one = search.one
    for way in _ways(offer, one, Walk(offer.steps, one, search.documents, search.complaints)):
        try:
            found = _offer_at(way, offer, search)
        except (ResolveError, FetchRefused) as error:
            search.note(error, offer, way)
            continue
        return search.check(found)
    return None


def _offer_at(way: Way, offer: OfferRule, search: _Search) -> Offer:
    """What one document offers; whoever wants to know is told what it gave, and why this was chosen or nothing."""
    one = search.one
    place = next((number for number, entry in enumerate(one.product.offers, 1) if entry is offer), 0)
    look = Look(entry=place, strategy=offer.strategy, document=way.url)
    try:
        candidates = _candidates(offer, way, search)
        found = understood(candidates, offer, way, one)
        look = look.model_copy(update=counted(candidates, found))
        chosen = _chosen(found, offer, way, search)
    except (ResolveError, FetchRefused) as error:
        search.noted(look.model_copy(update={"why": error.message}))
        raise
    search.noted(look.model_copy(update={"chosen": chosen.candidate.name, "why": why_chosen(chosen, found, one)}))
    return build_offer(chosen, offer, way, one)


def _chosen(found: Sequence[Found], offer: OfferRule, way: Way, search: _Search) -> Found:
    one = search.one
    chosen = choose(found, one, offer, way, below=search.below, torrents=search.torrents)
    if one.channel == "previous" and search.below is None:
        search.below = series_of(chosen.version, one.product)
        chosen = choose(found, one, offer, way, below=search.below, torrents=search.torrents)
    return chosen


def _ways(offer: OfferRule, one: Wanted, walk: Walk) -> Iterator[Way]:
    if offer.strategy == "manual":
        raise ResolveError(
            f"{_called(offer, one)} has no public address: its image must be fetched by hand.",
            code="manual",
            hint=offer.facts or one.product.facts,
            product=one.product.id,
        )
    if offer.strategy == "external":
        raise ResolveError(
            f"{one.product.name} ({one.flavor_id}) is not published by {one.product.name}'s vendor but elsewhere: {offer.url}",
            code="external",
            hint=offer.facts or one.product.facts,
            url=offer.url,
        )
    if offer.strategy == "fixed":
        return iter(Way(url, {}) for url in fixed_addresses(offer, one))
    if offer.strategy == "download-connector":
        return iter((Way(offer.steps[0].url[0], {}),))  # it reads its page itself: a refusal may stand there
    return walk.ways()


def _called(offer: OfferRule, one: Wanted) -> str:
    return f"{one.product.name} ({one.flavor_id})" if offer.when.flavor else one.product.name


def _candidates(offer: OfferRule, way: Way, search: _Search) -> tuple[Candidate, ...]:
    documents = search.documents
    if offer.strategy == "download-connector":
        from isomanager.catalogue.microsoft.connector import connector_for  # for one product only

        return connector_for(offer, search.one, documents, search.links).candidates()
    if offer.strategy == "fixed":
        return _at_address(way.url, offer)
    if offer.strategy == "redirect":
        located = documents.locate(way.url)
        return _at_address(located.final_url, offer, size=located.size)
    if offer.strategy == "listing":
        return listed(way.url, offer, documents)
    document = documents.fetch(way.url)
    text = document.text
    if offer.strategy == "evaluation-centre":
        return evaluation.candidates(text, way.url, offer, search.one, documents)
    if offer.strategy == "lines":
        return lines.candidates(text, way.url, offer.line)
    if offer.strategy == "checksums":
        return checksum_list.candidates(text, way.url, algorithm=offer.sums_algorithm)
    if offer.strategy == "rss":
        return rss.candidates(document.content, way.url)
    if offer.strategy == "page":
        return page.candidates(text, way.url, files=offer.file, select=offer.select)
    return api.candidates(text, way.url, select=offer.select, fields=offer.fields, each=offer.each)


def _at_address(url: str, offer: OfferRule, size: int | None = None) -> tuple[Candidate, ...]:
    name = name_of_url(url)
    return (Candidate(name, url, version="" if "{" in offer.version else offer.version, size=size),) if name else ()
