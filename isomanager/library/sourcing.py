"""From which places an image is fetched, how they did, and which of them lied."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from isomanager.catalogue.metalink import MetalinkFile, is_metalink, read_metalink
from isomanager.errors import Cancelled, FetchRefused, IsoManagerError, StoreUnavailable, TransientError, UsageError
from isomanager.library.linking import addresses
from isomanager.library.opening import Library
from isomanager.library.receiving import receive
from isomanager.library.second_look import differs
from isomanager.model import MIRRORS, VENDOR, Expectation, Offer, Received, SourceRecord, SourceUse
from isomanager.planning.sourcing import Address, in_order, require_usable
from isomanager.storage.contract import Partial, Store
from isomanager.storage.layout import plan_path, stored_filename
from isomanager.storage.sources import is_stored
from isomanager.transfer.contacts import Contact
from isomanager.transfer.download import Request
from isomanager.transfer.policy import FetchPolicy
from isomanager.transfer.progress import Progress, Stop
from isomanager.transfer.resuming import partial_named
from isomanager.trust.urls import without_secrets

_log = logging.getLogger(__name__)

WRONG_BYTES = "wrong-bytes"
"""Code of a source that served other bytes than the evidence demands."""
_MOST_MIRRORS = 20
_MOST_LOOKS = 3
"""So many mirrors are asked one by one where the vendor has nothing to say."""
_TELLING = 4 << 20
"""So many bytes say something of a source's speed."""


@dataclass(frozen=True)
class Places:
    """The addresses of one file in order, and what their sources allow."""

    addresses: tuple[Address, ...]
    policies: dict[str, FetchPolicy]

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses alone."""
        return tuple(one.url for one in self.addresses)


def places_of(library: Library, expectation: Expectation) -> Places:
    """Where the image can be fetched from now. Sources of the user's only where a digest proves what they give.

    Raises as `addresses` does.
    """
    offer = expectation.offer
    urls = addresses(library, offer)
    helped = bool(expectation.digests) and offer.link is None and not any(map(is_stored, urls))
    sources = known_sources(library) if helped else ()
    if not helped:
        return Places(tuple(Address(url, VENDOR) for url in urls), {})
    mirrors = (*listed_mirrors(expectation), *named_mirrors(library, expectation))
    offer = offer.model_copy(update={"urls": tuple(dict.fromkeys((*urls, *mirrors)))})
    placed = in_order(sources, offer, layout_path(library, offer), library.now())
    own = {one.name: one for one in sources}
    # what a person named as a source is trusted to be reached, wherever it stands; the bytes are proved as always
    policies = {one.url: source_policy(own[one.source]) for one in placed if one.source in own and own[one.source].base}
    return Places(placed, policies)


def source_policy(source: SourceRecord) -> FetchPolicy:
    """What a source that a person named may do: stand in a private network, and be asked without TLS if its address says so."""
    return FetchPolicy(allow_http=source.base.startswith("http://"), allow_private=True)


def listed_mirrors(expectation: Expectation) -> tuple[str, ...]:
    """Further addresses that metalinks among the evidence tell of the file, the preferred first."""
    return _told_by((one.content for one in expectation.evidence), expectation)


def named_mirrors(library: Library, expectation: Expectation) -> tuple[str, ...]:
    """Those that the metalink tells which the product file names. It only helps: without it, the vendor alone is asked."""
    offer = expectation.offer
    product = library.product_of(offer.title) if offer.metalink else None
    if product is None:
        return ()
    try:
        document = library.documents(product).fetch(offer.metalink)
    except Cancelled:
        raise
    except IsoManagerError as wrong:
        _log.info("%s is fetched without the mirrors of its metalink: %s", offer.filename, wrong)
        return ()
    return _told_by((document.content,), expectation)


def _told_by(contents: Iterable[bytes], expectation: Expectation) -> tuple[str, ...]:
    """The file's addresses in what may be metalinks, but for one that is of other bytes by its own digests."""
    texts = (one.decode("utf-8", "replace") for one in contents)
    files = (file for text in texts if is_metalink(text) for file in read_metalink(text))
    fitting = (one for one in files if one.name == expectation.offer.filename and not _contradicts(one, expectation))
    return tuple(url for file in fitting for url in file.urls)[:_MOST_MIRRORS]


def _contradicts(file: MetalinkFile, expectation: Expectation) -> bool:
    return any(expectation.digests.get(algorithm, digest) != digest for algorithm, digest in file.digests)


def known_sources(library: Library) -> tuple[SourceRecord, ...]:
    """The user's sources; none where there is no inventory yet, which is not made for that."""
    place = library.settings.database
    if place.startswith("sqlite:///") and not Path(place.removeprefix("sqlite:///")).exists():
        return ()
    return library.inventory.sources()


def layout_path(library: Library, offer: Offer) -> str:
    """Where a repository in our own layout has the offer's file."""
    product = library.product_of(offer.title)
    return plan_path(
        offer.title,
        offer.save_as or stored_filename(offer),
        "default",
        taken=(),
        product_name=product.name if product else offer.title.product,
        now=library.now(),
        channel=offer.channel,
    )


def receive_proved(
    library: Library,
    expectation: Expectation,
    store: Store,
    request: Request,
    places: Places,
    progress: Progress,
    stop: Stop,
) -> Received:
    """What came from wherever it comes best. Wrong bytes that may be a mirror's fault, or an earlier run's, are fetched again
    from the vendor alone, before anybody judges the vendor by them. Raises as `receive` does."""
    contacts = request.contacts()
    received = receive(library, expectation, store, request, progress, stop, contacts)
    vendor = tuple(one.url for one in places.addresses if one.source == VENDOR and one.url in request.urls)[:1]
    foreign = any(one.came and one.url not in vendor for one in contacts)
    if differs(expectation, received) and (received.resumed_at or (foreign and vendor)):
        _log.warning("%s: what came from several places or runs does not fit; it is fetched anew", request.final)
        discard(store, received.partial)
        others = tuple(one.url for one in contacts if not one.came and one.url not in vendor)
        again = _from_one_alone(library, expectation, store, request, (vendor, others), progress, stop)
        uses = received.sources if differs(expectation, again) else told_apart(store, again, contacts, vendor)
        alone_wrong = [(one.url, received.proved_bytes.digests.get("sha256", "")) for one in uses if one.bytes]
        refused = tuple(alone_wrong) if len(alone_wrong) == 1 and not received.resumed_at else ()
        received = again.model_copy(update={"sources": (*uses, *again.sources), "refused": refused})
    _remember(library, places, received.sources)
    return received


def _from_one_alone(
    library: Library,
    expectation: Expectation,
    store: Store,
    request: Request,
    urls: tuple[tuple[str, ...], tuple[str, ...]],
    progress: Progress,
    stop: Stop,
) -> Received:
    """What the vendor alone gives, of `urls` the first; where it gives nothing, what the first of the others gives that has the
    image. Raises what the vendor raised when none of them has it."""
    vendor, others = urls
    try:
        return receive(library, expectation, store, replace(request, urls=vendor or request.urls), progress, stop)
    except StoreUnavailable:
        raise
    except (TransientError, FetchRefused) as wrong:
        for url in others[:_MOST_LOOKS]:
            discard(store, request.key)
            with suppress(TransientError, FetchRefused):
                again = receive(library, expectation, store, replace(request, urls=(url,)), progress, stop)
                if not differs(expectation, again):
                    return again
        raise wrong


def discard(store: Store, key: str) -> None:
    """Let go of an unfinished file, if it is there."""
    found = partial_named(store, key)
    if found is not None:
        store.reopen(found).discard()


def told_apart(
    store: Store, right: Received, contacts: Sequence[Contact], vendor: Sequence[str]
) -> tuple[SourceUse, ...]:
    """The uses of the first try, those told that served other bytes than are right: held against the right bytes where what each
    brought is known and can be read, otherwise every place that is not the vendor's own."""
    found = partial_named(store, right.partial)
    readable = found is not None and store.traits.readable_partial and right.packed is None
    liars: list[Contact] = []
    if found is not None and readable:
        partial = store.reopen(found)
        try:
            liars = [one for one in contacts if any(_lied(partial, *piece) for piece in one.pieces.items())]
        finally:
            partial.close()
    liars = liars or [one for one in contacts if one.came and one.url not in vendor]
    return tuple(_use(one, lied=one in liars) for one in contacts if one.came or one.dropped)


def _lied(partial: Partial, place: tuple[int, int], digest: bytes) -> bool:
    offset, length = place
    return hashlib.sha256(partial.read(offset, length)).digest() != digest


def _use(contact: Contact, *, lied: bool) -> SourceUse:
    told = f"{contact.told} served other bytes than the evidence demands."
    return contact.use.model_copy(update={"dropped": told, "code": WRONG_BYTES}) if lied else contact.use


def _remember(library: Library, places: Places, uses: Sequence[SourceUse]) -> None:
    names = {without_secrets(one.url): one.source for one in places.addresses}
    for use in uses:
        name = names.get(use.url, VENDOR)
        if name not in (VENDOR, MIRRORS):
            fast = use.bytes / use.seconds if use.bytes >= _TELLING and use.seconds > 0 else None
            library.inventory.remember_source(name, speed=fast, told=use.dropped)


def add_source(library: Library, name: str, base: str, maps: str, priority: int) -> SourceRecord:
    """Make a source known. UsageError for what cannot be one."""
    if name.lower() in (*_MEANINGS, *_MEANINGS.values()) or not name.replace("-", "").replace("_", "").isalnum():
        raise UsageError(
            f"'{name}' is no name for a source.", hint="Use letters, digits, dashes; not vendor or mirrors."
        )
    record = SourceRecord(name=name, base=base, maps=maps, priority=priority, created_at=library.now())
    return library.inventory.add_source(require_usable(record))


_MEANINGS = {"vendor": VENDOR, "microsoft": VENDOR, "direct": VENDOR, "mirrors": MIRRORS, "mirror": MIRRORS}
"""What a person may call the places that are not sources of their own."""


def prefer(library: Library, names: Sequence[str]) -> tuple[SourceRecord, ...]:
    """Ask these places first, in this order: names of sources, `vendor` (also `direct`, or `Microsoft`), and `mirrors`.

    InventoryError when a name is none of them.
    """
    known = {one.name.lower(): one for one in library.inventory.sources()}
    wanted: dict[str, SourceRecord] = {}
    for name in names:
        stands_for = _MEANINGS.get(name.lower())
        record = known.get(stands_for or name.lower())
        if record is None and stands_for is None:
            record = library.inventory.source(name)
        record = record or SourceRecord(name=stands_for or name, created_at=library.now())
        wanted.setdefault(record.name, record)
    library.inventory.order_sources(tuple(wanted.values()))
    return library.inventory.sources()
