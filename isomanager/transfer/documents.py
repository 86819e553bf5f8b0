"""Upstream's documents over HTTP: bounded, under the source's policy, read as bytes and left as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

import httpx

from isomanager.catalogue.documents import MAX_DOCUMENT_BYTES, NO_HEADERS, Located
from isomanager.catalogue.tracing import Exchange, Seen
from isomanager.errors import FetchRefused, IsoManagerError, Stalled
from isomanager.model import Document
from isomanager.transfer.answers import whole_size
from isomanager.transfer.document_cache import DocumentCache, may_be_kept
from isomanager.transfer.http import FetchPolicy, open_stream, without_secrets
from isomanager.transfer.patience import Patience, patience_of
from isomanager.transfer.progress import Stop

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Manners:
    """How documents are asked for: `cache` for conditional requests, `patience` seconds for a server that is busy (`delay` before
    the second try when it does not say), `stop` to end it all, `seen` to be told of every exchange. A document may take
    `max_seconds`: dripping bytes hold nobody up for ever.
    """

    cache: DocumentCache | None = None
    patience: float = 0.0
    delay: float = 1.0
    stop: Stop | None = None
    seen: Seen | None = None
    max_seconds: float = 300.0


class HttpDocuments:
    """A DocumentSource on the network."""

    def __init__(
        self,
        client: httpx.Client,
        policy: FetchPolicy = FetchPolicy(),  # noqa: B008 - a frozen value
        manners: Manners = Manners(),
    ) -> None:
        self._client, self._policy, self._manners = client, policy, manners
        self._patience = Patience(patience_of(client), most=manners.patience, delay=manners.delay, stop=manners.stop)

    def fetch(
        self, url: str, *, max_bytes: int = MAX_DOCUMENT_BYTES, headers: Mapping[str, str] = NO_HEADERS
    ) -> Document:
        """The whole document; FetchRefused(code="too-large") as soon as it passes `max_bytes`.

        One that was fetched before is asked for under the condition that it has changed. A request with `headers` is a piece of a
        conversation: it is made once, and nothing of it is kept.
        """
        if headers:
            return self._said("GET", url, headers, max_bytes)
        cache = self._manners.cache
        kept = cache.get(url) if cache is not None else None
        if kept is not None and len(kept.content) > max_bytes:
            kept = None
        document, _ = self._told("GET", url, lambda: self._fetch(url, max_bytes, kept))
        return document

    def _said(self, method: str, url: str, headers: Mapping[str, str], max_bytes: int) -> Document:
        started = monotonic()
        try:
            with self._open(method, url, headers) as response:
                _require(response, url, 200)
                document = self._document(response, url, max_bytes)
                self._tell(_exchange(method, url, response, size=len(document.content)), started)
                return document
        except IsoManagerError as wrong:
            self._tell_wrong(method, url, wrong, started)
            raise

    def _fetch(self, url: str, max_bytes: int, kept: Document | None) -> tuple[Document, Exchange]:
        with self._open("GET", url, _conditions(kept)) as response:
            confirmed = kept is not None and response.status_code == 304
            if kept is not None and confirmed and str(response.url) == kept.final_url:
                self._confirm(url)
                return kept, _exchange("GET", url, response, size=len(kept.content), cached=True)
            if not confirmed:
                _require(response, url, 200)
                document = self._document(response, url, max_bytes)
                self._keep(document, response.headers)
                return document, _exchange("GET", url, response, size=len(document.content))
        # the address leads elsewhere now, where the same validator means another document
        return self._fetch(url, max_bytes, None)

    def _document(self, response: httpx.Response, url: str, max_bytes: int) -> Document:
        return Document(
            url=url,
            final_url=str(response.url),
            content=self._whole(response, without_secrets(url), max_bytes),
            etag=response.headers.get("etag", ""),
            last_modified=response.headers.get("last-modified", ""),
        )

    def _whole(self, response: httpx.Response, told: str, max_bytes: int) -> bytes:
        content, started = bytearray(), monotonic()
        for piece in response.iter_bytes():
            content += piece
            if len(content) > max_bytes:
                raise FetchRefused(f"{told} is larger than {max_bytes} bytes.", code="too-large", url=told)
            if monotonic() - started > self._manners.max_seconds:
                raise Stalled(f"{told}: not even a document came whole in {self._manners.max_seconds:.0f} s.", url=told)
        return bytes(content)

    def _keep(self, document: Document, headers: Mapping[str, str]) -> None:
        if self._manners.cache is not None and may_be_kept(document, headers):
            self._manners.cache.put(document)

    def _confirm(self, url: str) -> None:
        if self._manners.cache is not None:
            self._manners.cache.confirm(url)

    def locate(self, url: str) -> Located:
        """A HEAD request; a server that refuses HEAD is asked for the first byte instead."""
        try:
            return self._told("HEAD", url, lambda: self._ask("HEAD", url, {}))[0]
        except FetchRefused as refused:
            if refused.data.get("status") not in (403, 405, 501):
                raise
            return self._told("GET", url, lambda: self._ask("GET", url, {"Range": "bytes=0-0"}))[0]

    def _ask(self, method: str, url: str, headers: dict[str, str]) -> tuple[Located, Exchange]:
        with self._open(method, url, headers) as response:
            _require(response, url, 200, 206)
            size = whole_size(response.status_code, response.headers)
            found = Located(
                url=url,
                final_url=str(response.url),
                size=size,
                etag=response.headers.get("etag", ""),
                last_modified=response.headers.get("last-modified", ""),
                content_type=response.headers.get("content-type", ""),
            )
            return found, _exchange(method, url, response, size=size or 0)

    def _open(self, method: str, url: str, headers: Mapping[str, str]) -> AbstractContextManager[httpx.Response]:
        return open_stream(self._client, method, url, policy=self._policy, headers=headers, stop=self._manners.stop)

    def _told(self, method: str, url: str, question: Callable[[], tuple[Answer, Exchange]]) -> tuple[Answer, Exchange]:
        """The answer, patiently; whoever listens is told of it, and of errors too."""
        started, told = monotonic(), without_secrets(url)
        try:
            (answer, exchange), waited = self._patience.ask(url, told, question)
        except IsoManagerError as wrong:
            self._tell_wrong(method, url, wrong, started)
            raise
        self._tell(exchange.model_copy(update={"waited": waited}), started)
        return answer, exchange

    def _tell_wrong(self, method: str, url: str, wrong: IsoManagerError, started: float) -> None:
        status = int(wrong.data.get("status") or 0)
        self._tell(Exchange(method=method, url=without_secrets(url), status=status, error=wrong.message), started)

    def _tell(self, exchange: Exchange, started: float) -> None:
        if self._manners.seen is not None:
            self._manners.seen(exchange.model_copy(update={"seconds": monotonic() - started}))


def _conditions(kept: Document | None) -> dict[str, str]:
    """Conditional request headers (RFC 9110, section 13.1) for a document that is kept here."""
    told = {"If-None-Match": kept.etag, "If-Modified-Since": kept.last_modified} if kept is not None else {}
    return {name: value for name, value in told.items() if value}


def _exchange(method: str, url: str, response: httpx.Response, *, size: int, cached: bool = False) -> Exchange:
    return Exchange(
        method=method,
        url=without_secrets(url),
        final_url=without_secrets(str(response.url)),
        status=response.status_code,
        bytes=size,
        cached=cached,
    )


def _require(response: httpx.Response, url: str, *statuses: int) -> None:
    """Refuse the answers that are only good for a file that is being continued."""
    if response.status_code not in statuses:
        told = without_secrets(url)
        raise FetchRefused(
            f"{told} answered {response.status_code} {response.reason_phrase}.",
            code="http-status",
            url=told,
            status=response.status_code,
        )
