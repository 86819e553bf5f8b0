"""Resolve: from a subscription or selector to expectations. Evidence is judged before any byte of an image is fetched."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from isomanager.catalogue.documents import DocumentSource
from isomanager.catalogue.microsoft.day_links import LinkKeeper
from isomanager.catalogue.naming import meant
from isomanager.catalogue.product import Product
from isomanager.catalogue.releases import newest_listed
from isomanager.catalogue.remembering import Remembering
from isomanager.catalogue.resolve import resolve
from isomanager.catalogue.tracing import Noted, unnoted
from isomanager.errors import FetchRefused, IsoManagerError, PermanentError, ResolveError, TransientError
from isomanager.library.elsewhere import ask_everywhere, is_elsewhere
from isomanager.library.knowing import known_before, last_good_told, remember
from isomanager.library.opening import Library
from isomanager.library.refreshing_keys import refresh_stale
from isomanager.library.second_opinion import believed
from isomanager.model import Assurance, Document, Expectation, Offer, Refusal, Selector, Subscription, Title
from isomanager.planning.plausibility import Known
from isomanager.planning.wanting import ByHand, Resolution, Want
from isomanager.transfer.torrent.presence import is_possible
from isomanager.trust.evidence import gather_evidence, keys_to_obtain
from isomanager.trust.expectation import judge
from isomanager.trust.urls import without_secrets
from isomanager.version import Version

_log = logging.getLogger(__name__)

_WEB_PAGES = ("text/html", "application/xhtml+xml")

UNCONFIRMED = "unconfirmed: nobody has checked what the catalogue says of it"


def known_nothing(_title: Title) -> tuple[Known, ...]:
    """For those who look without a library."""
    return ()


ResolveOne = Callable[[Library, tuple[Subscription, ...]], tuple[Want, ...]]
"""Answers for the subscriptions of one product."""


def resolve_wants(library: Library, subscriptions: Iterable[Subscription], *, accept: bool = False) -> tuple[Want, ...]:
    """What upstream answers for these subscriptions of one product; `accept` believes surprising answers too.

    A permanent error becomes part of the answer; a transient one is raised, for another try of the whole product.
    """
    sources: dict[str, DocumentSource] = {}
    return tuple(_want(library, one, sources, accept=accept) for one in subscriptions)


def resolve_all(
    library: Library, groups: Mapping[str, tuple[Subscription, ...]], resolve_one: ResolveOne
) -> tuple[Want, ...]:
    """What `resolve_one` answers for each product's subscriptions, many products at the same time: the time of the slowest."""
    if not groups:
        return ()
    assert library.client  # noqa: S101 - made here, once, before threads share it
    with ThreadPoolExecutor(library.settings.resolves_at_once, thread_name_prefix="resolving") as pool:
        answers = pool.map(lambda group: resolve_one(library, group), groups.values())
        return tuple(want for wants in answers for want in wants)


def resolve_patiently(library: Library, subscriptions: tuple[Subscription, ...]) -> tuple[Want, ...]:
    """As `resolve_wants`, for those who only look: a transient error becomes an answer too."""
    try:
        return resolve_wants(library, subscriptions)
    except TransientError as wrong:
        return tuple(Want(one, (failed_resolution(wrong, _standing(library, one)),)) for one in subscriptions)


def _want(library: Library, subscription: Subscription, sources: dict[str, DocumentSource], *, accept: bool) -> Want:
    selector = subscription.selector
    try:
        product = library.catalogue.product(selector.product)
        documents = sources.setdefault(product.id, Remembering(library.documents(product)))
        answered = partial(_answered, library, subscription, product, documents, accept)
        judged = ask_everywhere(library, product, documents, answered)
    except PermanentError as wrong:
        if wrong.code == "manual":
            newest = newest_by_hand(library, selector, documents)
            return Want(subscription, (Resolution(by_hand=ByHand(str(wrong), newest)),))
        return Want(subscription, (failed_resolution(wrong, _standing(library, subscription)),))
    good = [one for one in judged if isinstance(one, Expectation)]
    if len(good) == len(judged):
        remember(library, subscription, good)
    return Want(subscription, tuple(as_resolution(one, accepted=accept) for one in judged))


def _answered(
    library: Library,
    subscription: Subscription,
    product: Product,
    witnesses: DocumentSource,
    accept: bool,
    documents: DocumentSource,
) -> tuple[Expectation | Refusal, ...]:
    """What `documents` say; what surprises is held against `witnesses`, which are never a mirror's."""
    selector = subscription.selector
    offers = resolve(product, selector, documents, torrents=is_possible(library.settings), links=library.links)
    judged = (expect(library, product, one, documents, floor=subscription.floor, sources=True) for one in offers)
    return tuple(
        believed(
            one,
            product,
            selector,
            witnesses,
            known=known_before(library, subscription, one.offer.title),
            accept=accept,
            now=library.now(),
        )
        for one in judged
    )


def _standing(library: Library, subscription: Subscription) -> str:
    """What stands beside an answer that failed: that nobody confirmed the product file, and how old the last good answer is."""
    product = next((one for one in library.catalogue.products if one.id == subscription.selector.product), None)
    unconfirmed = UNCONFIRMED if product is not None and product.status == "unconfirmed" else ""
    return "; ".join(filter(None, (unconfirmed, last_good_told(library, subscription, library.now()))))


def failed_resolution(wrong: IsoManagerError, note: str = "") -> Resolution:
    """The error as an answer: nothing of the subscription is fetched, and nothing of it retired."""
    return Resolution(error=str(wrong), error_code=wrong.code, note=note)


def as_resolution(judged: Expectation | Refusal, *, accepted: bool = False) -> Resolution:
    """A judged offer as an answer."""
    note = "" if judged.offer.confirmed else UNCONFIRMED
    if isinstance(judged, Expectation):
        return Resolution(expectation=judged, note=note, accepted=accepted)
    return Resolution(refusal=judged, note=note)


def resolve_selector(
    library: Library,
    selector: Selector,
    documents: DocumentSource | None = None,
    *,
    floor: Assurance = Assurance.NONE,
    torrents: bool = False,
    known: Callable[[Title], Sequence[Known]] = known_nothing,
    accept: bool = False,
    noted: Noted = unnoted,
    links: LinkKeeper | None = None,
) -> tuple[Expectation | Refusal, ...]:
    """What upstream offers for a selector, each offer judged. Raises ResolveError (torrent-only for what upstream gives in no
    other way, unless `torrents` asks for that too; manual for what a person must fetch, with the newest release in its data where
    somebody lists it) and TransientError.

    `known` says what was the newest before; without a library nobody knows, and only what is surprising by itself is held back.
    `links` takes the place of the library's own keeper of links that hold for a day. With `documents` mirrors are not asked.
    """
    product, selector = meant(library.catalogue, selector)
    vendor = documents or Remembering(library.documents(product))

    def answered(source: DocumentSource) -> tuple[Expectation | Refusal, ...]:
        offers = resolve(product, selector, source, noted, torrents=torrents, links=links or library.links)
        judged = (expect(library, product, one, source, floor=floor, sources=documents is None) for one in offers)
        return tuple(
            believed(one, product, selector, vendor, known=known(one.offer.title), accept=accept, now=library.now())
            for one in judged
        )

    try:
        return ask_everywhere(library, product, vendor, answered) if documents is None else answered(vendor)
    except ResolveError as wrong:
        if wrong.code == "manual":
            newest = newest_by_hand(library, selector, vendor)
            wrong.data["newest"] = newest.text if newest else None
        raise


def newest_by_hand(library: Library, selector: Selector, documents: DocumentSource) -> Version | None:
    """The newest release that fits the selector, of an image that can only be had by hand; None when nobody says."""
    product = library.catalogue.product(selector.product)
    try:
        return newest_listed(product, selector, documents)
    except (ResolveError, FetchRefused, TransientError) as wrong:
        _log.info("%s: which release is the newest cannot be told: %s", product.id, wrong)
        return None


def expect(
    library: Library,
    product: Product,
    offer: Offer,
    documents: DocumentSource,
    *,
    floor: Assurance = Assurance.NONE,
    sources: bool = False,
) -> Expectation | Refusal:
    """Gather the offer's evidence, fetch pinned keys that are not here yet, and judge.

    Where our copy of a key seems to be stale, it is fetched again, at most once a day, and the evidence judged once more.
    With `sources` a file with a digest may be missing at its vendor's where a source of the user's has it.
    """
    listed = offer
    missing: ResolveError | None = None
    try:
        offer = located(offer, documents)
    except ResolveError as wrong:
        if wrong.code != "unavailable" or not sources or not is_elsewhere(library, offer):
            raise
        missing = wrong
    evidence = gather_evidence(offer, documents)
    _obtain_keys(library, product, offer, documents)
    judged = _judged(library, offer, evidence, floor)
    if _stale(judged) and refresh_stale(library, product, offer, documents):
        judged = _judged(library, offer, evidence, floor)
    if isinstance(judged, Refusal) and judged.code == "wrong-size" and listed.size is None:
        judged = _other_size(library, judged, documents, floor)
    if missing is not None and isinstance(judged, Expectation) and not judged.digests:
        raise missing
    if isinstance(judged, Expectation):
        _log.info("%s: %s, to be proved as %s", offer.title, offer.filename, judged.assurance)
    else:
        _log.info("%s: %s is refused (%s): %s", offer.title, offer.filename, judged.code, judged.reason)
    return judged


def _judged(library: Library, offer: Offer, evidence: tuple[Document, ...], floor: Assurance) -> Expectation | Refusal:
    pinned = offer.pinned or None
    return judge(offer, evidence, library.keyring, now=library.now(), floor=floor, pinned_digests=pinned)


def _stale(judged: Expectation | Refusal) -> bool:
    return isinstance(judged, Refusal) and judged.code in ("expired-key", "unknown-key")


def _other_size(
    library: Library, refusal: Refusal, documents: DocumentSource, floor: Assurance
) -> Expectation | Refusal:
    """The file has another size at its first address than its document says: at the other ones too, or is that one wrong?"""
    offer = refusal.offer
    for url in offer.urls[1:]:
        elsewhere = located(offer.model_copy(update={"size": None, "urls": (url,)}), documents).size
        if elsewhere not in (None, offer.size):
            judged = _judged(library, offer.model_copy(update={"size": elsewhere}), refusal.evidence, floor)
            if isinstance(judged, Expectation):
                return judged
    reason = f"Upstream is broken: no address serves what it publishes. {refusal.reason}"
    return refusal.model_copy(update={"code": "upstream-broken", "reason": reason})


def located(offer: Offer, documents: DocumentSource) -> Offer:
    """The offer with its size and validators, asked of the file's own host where the listing does not tell them.

    ResolveError(code="unavailable") when no address has the file: a listing may run ahead of its mirrors. A host that does not
    answer a HEAD request proves nothing; the download will see.
    """
    if offer.size is not None or not offer.urls or offer.link is not None:
        return offer
    missing: list[str] = []
    for url in offer.urls:
        try:
            found = documents.locate(url)
        except FetchRefused as refused:
            if refused.data.get("status") in (404, 410):
                missing.append(without_secrets(url))
        except (TransientError, ResolveError):
            continue
        else:
            if found.content_type.partition(";")[0].strip().lower() in _WEB_PAGES:
                raise _page_instead(offer, url)
            told = {"size": found.size, "etag": found.etag, "last_modified": found.last_modified}
            return offer.model_copy(update={name: value for name, value in told.items() if value})
    if len(missing) < len(offer.urls):
        return offer
    raise ResolveError(
        f"{offer.filename} is listed, but is not (or not yet) at {' or '.join(missing)}.",
        code="unavailable",
        hint="Vendors list a release before every server has it: try again later.",
        filename=offer.filename,
    )


def _page_instead(offer: Offer, url: str) -> ResolveError:
    return ResolveError(
        f"{without_secrets(url)} gives a web page in place of {offer.filename}.",
        code="html-instead",
        hint="A login page, a captive portal or a moved file: open the address in a browser to see which.",
        filename=offer.filename,
    )


def _obtain_keys(library: Library, product: Product, offer: Offer, documents: DocumentSource) -> None:
    """Fetch what is missing of the pinned keys. That a key cannot be had is the judge's to say: it knows if it is needed."""
    for fingerprint in keys_to_obtain(offer, library.keyring):
        try:
            library.keyring.obtain(fingerprint, product.key_urls(fingerprint, library.settings.keyservers), documents)
        except PermanentError:
            continue  # judge refuses with unknown-key and says what to do
