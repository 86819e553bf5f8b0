"""Elsewhere: the vendor's documents from mirrors, where the vendor lacks them, does not answer, or gives broken ones.

A mirror's word proves nothing. What its documents lead to counts only where a key or a digest that the catalogue pins proves it;
and where the mirror listed the file too, its name, which is what was signed, has to tell the version.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from isomanager.catalogue.documents import MAX_DOCUMENT_BYTES, NO_HEADERS, DocumentSource, Located, ask
from isomanager.catalogue.product import Product
from isomanager.catalogue.remembering import Remembering
from isomanager.errors import Cancelled, FetchRefused, IsoManagerError, TransientError
from isomanager.library.opening import Library
from isomanager.model import Assurance, Document, Expectation, Offer, Refusal, SourceRecord
from isomanager.planning.sourcing import address_at, ails, document_at
from isomanager.transfer.policy import FetchPolicy
from isomanager.transfer.politeness import host_of

if TYPE_CHECKING:
    from isomanager.transfer.documents import HttpDocuments

_log = logging.getLogger(__name__)

Judged = tuple[Expectation | Refusal, ...]
Ask = Callable[[DocumentSource], Judged]
"""Resolves and judges with the documents of a source."""

_BROKEN = {
    "no-digest",
    "no-signature",
    "bad-signature",
    "unsigned-document",
    "empty-document",
    "oversized-document",
    "weak-digest",
    "wrong-digest",
    "upstream-broken",
}  # fmt: skip
"""Refusals of what the vendor's documents lack. That a key is revoked, foreign or unknown is no fault of the place."""


@dataclass(frozen=True)
class Place:
    """Another place that has the vendor's documents: `at` gives the address there of one of the vendor's, None for none."""

    name: str
    at: Callable[[str], str | None]
    documents: DocumentSource


@dataclass
class FromPlace:
    """The vendor's documents, and those of `place` for the addresses that are `doubted` (None: all), on hosts that are `down`, or
    that the vendor does not have. `taken` are the addresses of those that came from there."""

    vendor: DocumentSource
    place: Place
    doubted: frozenset[str] | None
    down: dict[str, IsoManagerError]
    taken: set[str] = field(default_factory=set)

    def fetch(
        self, url: str, *, max_bytes: int = MAX_DOCUMENT_BYTES, headers: Mapping[str, str] = NO_HEADERS
    ) -> Document:
        """As DocumentSource.fetch. A document of the place says by its `final_url` where it came from."""
        elsewhere = self.place.at(url)
        if elsewhere is None or headers:
            return self._of_vendor(url, max_bytes, headers)
        if self.doubted is None or url in self.doubted:
            return self._of_place(url, elsewhere, max_bytes) or self._of_vendor(url, max_bytes, headers)
        try:
            return self._of_vendor(url, max_bytes, headers)
        except (TransientError, FetchRefused):
            found = self._of_place(url, elsewhere, max_bytes)
            if found is None:
                raise
            return found

    def locate(self, url: str) -> Located:
        """As DocumentSource.locate, asked of the vendor alone: where a file stands elsewhere is no claim of the vendor's."""
        self._raise_known(url)
        return self.vendor.locate(url)

    def _of_vendor(self, url: str, max_bytes: int, headers: Mapping[str, str]) -> Document:
        self._raise_known(url)
        try:
            return ask(self.vendor, url, max_bytes, headers)
        except TransientError as wrong:
            self.down[host_of(url)] = wrong
            raise

    def _raise_known(self, url: str) -> None:
        """A host that did not answer is not waited for again."""
        known = self.down.get(host_of(url))
        if known is not None:
            raise known

    def _of_place(self, url: str, elsewhere: str, max_bytes: int) -> Document | None:
        try:
            found = self.place.documents.fetch(elsewhere, max_bytes=max_bytes)
        except (TransientError, FetchRefused) as wrong:
            _log.debug("%s has no %s: %s", self.place.name, url, wrong)
            return None
        self.taken.add(url)
        return found.model_copy(update={"url": url})


def ask_everywhere(library: Library, product: Product, vendor: DocumentSource, ask_with: Ask) -> Judged:
    """What `ask_with` finds with the vendor's documents; where they lead to nothing, with those of the first mirror that lead to
    something proved: the user's sources that copy the vendor's tree, then the product's mirrors. Raises what the vendor raised."""
    try:
        judged = ask_with(vendor)
    except (TransientError, FetchRefused) as wrong:  # a ResolveError is an answer
        doubted = frozenset[str]() if wrong.transient else None
        found = _elsewhere(library, product, vendor, ask_with, wrong, doubted)
        if found is None:
            raise
        return found
    broken = [one for one in judged if isinstance(one, Refusal) and one.code in _BROKEN]
    if not broken:
        return judged
    doubted = frozenset(url for one in broken for url in _addresses(one.offer))
    said = FetchRefused(broken[0].reason, code=broken[0].code)
    return _elsewhere(library, product, vendor, ask_with, said, doubted) or judged


def _elsewhere(
    library: Library,
    product: Product,
    vendor: DocumentSource,
    ask_with: Ask,
    wrong: IsoManagerError,
    doubted: frozenset[str] | None,
) -> Judged | None:
    if product.connector is not None:  # it is asked once a day at most, and has no copies
        return None
    down = {host_of(str(wrong.data["url"])): wrong} if wrong.transient and wrong.data.get("url") else {}
    for place in other_places(library, product):
        source = FromPlace(vendor, place, doubted, dict(down))
        try:
            judged = ask_with(Remembering(source))
        except Cancelled:
            raise
        except IsoManagerError as also:
            _log.info("%s: %s leads to nothing either: %s", product.id, place.name, also)
            continue
        if judged and all(_is_independent(one, source.taken) for one in judged):
            told = (
                f"The vendor's own documents are of no use now ({wrong.message}) Those of {place.name} are proved here."
            )
            _log.warning("%s: %s", product.id, told)
            return tuple(_with_reason(one, told) for one in judged)
    return None


def _is_independent(judged: Expectation | Refusal, taken: set[str]) -> bool:
    """Whether the answer is as good as the vendor's own, whoever served the documents at the addresses `taken`."""
    if isinstance(judged, Refusal) or judged.assurance not in (Assurance.SIGNED, Assurance.PINNED):
        return False
    from isomanager.library.catalogue_document import version_in_name  # it needs the database's library

    offer = judged.offer
    only_proofs = taken <= {*_addresses(offer), *(one.url for one in judged.evidence)} - set(offer.listed_at)
    return only_proofs or version_in_name(offer.title.version, offer.filename)


def _with_reason(judged: Expectation | Refusal, told: str) -> Expectation | Refusal:
    return judged.model_copy(update={"reasons": (*judged.reasons, told)}) if isinstance(judged, Expectation) else judged


def _addresses(offer: Offer) -> Iterator[str]:
    """Those of an offer's proofs."""
    for proof in offer.proofs:
        yield from (url for url in (proof.document, proof.signature and proof.signature.url) if url)


def other_places(library: Library, product: Product) -> Iterator[Place]:
    """Where copies of the vendor's tree are: the user's sources, the preferred first, and mirrors that the product file names."""
    from isomanager.library.sourcing import known_sources, source_policy  # whoever asks nobody imports no HTTP client

    for record in sorted(known_sources(library), key=lambda one: (ails(one, library.now()), one.priority)):
        if record.base:
            yield Place(record.name, _in_source(record), _documents(library, source_policy(record)))
    for mirror in product.mirrors:
        yield Place(host_of(mirror.base), mirror.instead_of, library.documents(product))


def _in_source(record: SourceRecord) -> Callable[[str], str | None]:
    return lambda url: document_at(record, url)


def _documents(library: Library, policy: FetchPolicy) -> HttpDocuments:
    from isomanager.transfer.documents import HttpDocuments, Manners

    manners = Manners(cache=library.document_cache, patience=library.settings.document_patience, stop=library.stop)
    return HttpDocuments(library.client, policy, manners)


def is_elsewhere(library: Library, offer: Offer) -> bool:
    """Whether a source of the user's has a file where it should have the offer's."""
    from isomanager.library.sourcing import known_sources, layout_path, source_policy

    for record in known_sources(library):
        url = address_at(record, offer, layout_path(library, offer)) if record.base else None
        if url is None:
            continue
        try:
            found = _documents(library, source_policy(record)).locate(url)
        except (TransientError, FetchRefused) as wrong:
            _log.debug("%s has no %s: %s", record.name, offer.filename, wrong)
            continue
        if not found.content_type.startswith("text/html"):
            return True
    return False
