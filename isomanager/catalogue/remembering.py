"""One look at each document: what was asked for in one resolution is asked for once, whoever needs it."""

from __future__ import annotations

from collections.abc import Mapping

from isomanager.catalogue.documents import MAX_DOCUMENT_BYTES, NO_HEADERS, DocumentSource, Located, ask
from isomanager.catalogue.saved_addresses import place_of
from isomanager.errors import FetchRefused, IsoManagerError
from isomanager.model import Document


class Remembering:
    """Documents fetched once, refusals remembered, and nothing larger than allowed let through."""

    def __init__(self, beyond: DocumentSource) -> None:
        self._beyond = beyond
        self._known: dict[str, Document | IsoManagerError] = {}

    def fetch(
        self, url: str, *, max_bytes: int = MAX_DOCUMENT_BYTES, headers: Mapping[str, str] = NO_HEADERS
    ) -> Document:
        """As DocumentSource.fetch; raises FetchRefused(code="too-large") for more than `max_bytes`."""
        if url not in self._known:
            self._known[url] = self._ask(url, max_bytes, headers)
        known = self._known[url]
        if isinstance(known, IsoManagerError):
            raise known
        return known

    def locate(self, url: str) -> Located:
        """As DocumentSource.locate, asked anew each time: an address that leads elsewhere may lead elsewhere again."""
        return self._beyond.locate(url)

    def saved_below(self, url: str) -> tuple[str, ...]:
        """The names directly below `url` among the addresses the source says it has; () when it does not say."""
        above = f"{place_of(url)}/"
        below = (place_of(one).removeprefix(above) for one in self._saved if place_of(one).startswith(above))
        return tuple(dict.fromkeys(rest.partition("/")[0] for rest in below if rest))

    @property
    def has_answered(self) -> bool:
        """Whether any document that was asked for was there."""
        return any(isinstance(known, Document) for known in self._known.values())

    @property
    def unasked(self) -> tuple[str, ...]:
        """The addresses the source says it has, and nobody has asked for."""
        asked = set(map(place_of, self._known))
        return tuple(url for url in self._saved if place_of(url) not in asked)

    @property
    def _saved(self) -> tuple[str, ...]:
        addresses: tuple[str, ...] = getattr(self._beyond, "addresses", ())
        return addresses

    def _ask(self, url: str, max_bytes: int, headers: Mapping[str, str]) -> Document | IsoManagerError:
        try:
            document = ask(self._beyond, url, max_bytes, headers)
        except IsoManagerError as error:
            if error.transient:
                raise
            return error
        if len(document.content) > max_bytes:
            return FetchRefused(
                f"{url} is larger than {max_bytes >> 20} MiB, which no listing is.", code="too-large", url=url
            )
        return document
