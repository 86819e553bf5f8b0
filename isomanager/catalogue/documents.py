"""How the catalogue and trust ask for upstream's documents: one narrow door that tests and saved pages can stand in for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from isomanager.errors import ResolveError
from isomanager.model import Document, Value

MAX_DOCUMENT_BYTES = 16 << 20
"""No listing, checksum document or API answer is believed beyond this size."""


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

    def fetch(self, url: str, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Document:
        """The whole document, at most `max_bytes` long."""
        ...

    def locate(self, url: str) -> Located:
        """Where `url` leads and what stands there, without fetching it."""
        ...


def place_of(url: str) -> str:
    """An address without what servers do not tell apart: https from http, the host's case and default port, escapes, a closing
    slash, `index.html`, the order of a listing.
    """
    parts = urlsplit(url)
    path = unquote(parts.path).rstrip("/")
    path = path.removesuffix("/index.html").removesuffix("/index.htm")
    query = "" if parts.query.upper().startswith(("C=", "O=", "F=")) else parts.query
    host = parts.netloc.lower().removesuffix(":443").removesuffix(":80")
    return f"{host}{path}{'?' if query else ''}{query}"


class SavedDocuments:
    """Documents saved in files, each standing for an address; anything else is asked of `beyond`, or is missing.

    `located` is what was said, when the documents were saved, of addresses whose files were not.
    """

    def __init__(
        self,
        files: Mapping[str, Path],
        beyond: DocumentSource | None = None,
        located: Mapping[str, Located] | None = None,
    ) -> None:
        self._files = {place_of(url): file for url, file in files.items()}
        self._addresses = tuple(files)
        self._beyond = beyond
        self._located = dict(located or {})

    @property
    def addresses(self) -> tuple[str, ...]:
        """What is saved. A listing that is not saved can be made up from the saved addresses below it."""
        return self._addresses

    def fetch(self, url: str, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Document:
        """The saved file's bytes exactly as they are."""
        file = self._files.get(place_of(url))
        if file is not None:
            return Document(url=url, final_url=url, content=file.read_bytes()[: max_bytes + 1])
        if self._beyond is not None:
            return self._beyond.fetch(url, max_bytes=max_bytes)
        raise self._missing(url)

    def locate(self, url: str) -> Located:
        """A saved document is where its address says; only one from beyond can lead elsewhere."""
        if url in self._located:
            return self._located[url]
        file = self._files.get(place_of(url))
        if file is not None:
            return Located(url=url, final_url=url, size=file.stat().st_size)
        if self._beyond is not None:
            return self._beyond.locate(url)
        raise self._missing(url)

    @staticmethod
    def _missing(url: str) -> ResolveError:
        return ResolveError(
            f"{url} is needed and no saved document stands for it.",
            code="document-missing",
            hint=f"Give one with --document {url}=FILE, or leave out --offline.",
            url=url,
        )
