"""How the catalogue and trust ask for upstream's documents: one narrow door that tests and saved pages can stand in for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from isomanager.catalogue.saved_addresses import MAX_HEAD_BYTES, head_says, stands_for, without_session
from isomanager.errors import ResolveError
from isomanager.model import Document, Value

MAX_DOCUMENT_BYTES = 16 << 20
"""No listing, checksum document or API answer is believed beyond this size."""


NO_HEADERS: Mapping[str, str] = MappingProxyType({})
"""Nothing to say beyond what every request says."""


class Located(Value):
    """What a HEAD request says of an address: where redirects lead, and the file's size in bytes and validators."""

    url: str
    final_url: str
    size: int | None = None
    etag: str = ""
    last_modified: str = ""
    content_type: str = ""


class DocumentSource(Protocol):
    """Gives documents by address.

    Errors: FetchRefused(code="http-status", data={"status": 404, "url": ...}) and its siblings, TransientError when it may
    come later, ResolveError(code="document-missing") when only saved documents are allowed and this is not one of them.
    """

    def fetch(
        self, url: str, *, max_bytes: int = MAX_DOCUMENT_BYTES, headers: Mapping[str, str] = NO_HEADERS
    ) -> Document:
        """The whole document, at most `max_bytes` long; `headers` for servers that want to know who sent us."""
        ...

    def locate(self, url: str) -> Located:
        """Where `url` leads and what stands there, without fetching it."""
        ...


def ask(source: DocumentSource, url: str, max_bytes: int, headers: Mapping[str, str]) -> Document:
    """`source.fetch`; headers are only spoken of where there are any."""
    return (
        source.fetch(url, max_bytes=max_bytes, headers=headers) if headers else source.fetch(url, max_bytes=max_bytes)
    )


def located_by_head(url: str, head: bytes) -> Located | None:
    """What a saved head says of the file at `url`, or None when it is no head."""
    said = head_says(url, head)
    return None if said is None else Located(url=url, **said)


class SavedDocuments:
    """Documents saved in files, each standing for an address; anything else is asked of `beyond`, or is missing.

    Which address a file stands for, `stands_for` says: one without a query stands for every query. `located` is what was said,
    when the documents were saved, of addresses whose files were not.
    """

    def __init__(
        self,
        files: Mapping[str, Path],
        beyond: DocumentSource | None = None,
        located: Mapping[str, Located] | None = None,
    ) -> None:
        self._files = dict(files)
        self._beyond = beyond
        self._located = dict(located or {})

    @property
    def addresses(self) -> tuple[str, ...]:
        """What is saved. A listing that is not saved can be made up from the saved addresses below it."""
        return tuple(self._files)

    def fetch(
        self, url: str, *, max_bytes: int = MAX_DOCUMENT_BYTES, headers: Mapping[str, str] = NO_HEADERS
    ) -> Document:
        """The saved file's bytes exactly as they are."""
        file = self._standing_for(url)
        if file is not None:
            return Document(url=url, final_url=url, content=file.read_bytes()[: max_bytes + 1])
        if self._beyond is not None:
            return ask(self._beyond, url, max_bytes, headers)
        raise self._missing(url)

    def locate(self, url: str) -> Located:
        """A saved document is where its address says, unless it is the head of an answer (what `curl -I` prints)."""
        if url in self._located:
            return self._located[url]
        file = self._standing_for(url)
        if file is not None:
            head = file.read_bytes()[:MAX_HEAD_BYTES]
            return located_by_head(url, head) or Located(url=url, final_url=url, size=file.stat().st_size)
        if self._beyond is not None:
            return self._beyond.locate(url)
        raise self._missing(url)

    def _standing_for(self, url: str) -> Path | None:
        saved = stands_for(url, self._files)
        return None if saved is None else self._files[saved]

    @staticmethod
    def _missing(url: str) -> ResolveError:
        lasting = without_session(url)
        return ResolveError(
            f"{lasting} is needed and no saved document stands for it.",
            code="document-missing",
            hint=f"Give one with --document {lasting}=FILE, or leave out --offline.",
            url=lasting,
        )
