"""Upstream's documents over HTTP: bounded, under the source's policy, read as bytes and left as they are."""

from __future__ import annotations

from time import monotonic

import httpx

from isomanager.catalogue.documents import MAX_DOCUMENT_BYTES, Located
from isomanager.errors import FetchRefused, Stalled
from isomanager.model import Document
from isomanager.transfer.answers import whole_size
from isomanager.transfer.http import FetchPolicy, open_stream, without_secrets


class HttpDocuments:
    """A DocumentSource on the network. A document may take `max_seconds`: dripping bytes hold nobody up for ever."""

    def __init__(
        self,
        client: httpx.Client,
        policy: FetchPolicy = FetchPolicy(),  # noqa: B008 - a frozen value
        *,
        max_seconds: float = 300.0,
    ) -> None:
        self._client, self._policy, self._max_seconds = client, policy, max_seconds

    def fetch(self, url: str, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Document:
        """The whole document; FetchRefused(code="too-large") as soon as it passes `max_bytes`."""
        with open_stream(self._client, "GET", url, policy=self._policy) as response:
            _require(response, url, 200)
            content = self._whole(response, without_secrets(url), max_bytes)
            return Document(
                url=url,
                final_url=str(response.url),
                content=content,
                etag=response.headers.get("etag", ""),
                last_modified=response.headers.get("last-modified", ""),
            )

    def _whole(self, response: httpx.Response, told: str, max_bytes: int) -> bytes:
        content, started = bytearray(), monotonic()
        for piece in response.iter_bytes():
            content += piece
            if len(content) > max_bytes:
                raise FetchRefused(f"{told} is larger than {max_bytes} bytes.", code="too-large", url=told)
            if monotonic() - started > self._max_seconds:
                raise Stalled(f"{told}: not even a document came whole in {self._max_seconds:.0f} s.", url=told)
        return bytes(content)

    def locate(self, url: str) -> Located:
        """A HEAD request; a server that refuses HEAD is asked for the first byte instead."""
        try:
            return self._ask("HEAD", url, {})
        except FetchRefused as refused:
            if refused.data.get("status") not in (403, 405, 501):
                raise
            return self._ask("GET", url, {"Range": "bytes=0-0"})

    def _ask(self, method: str, url: str, headers: dict[str, str]) -> Located:
        with open_stream(self._client, method, url, policy=self._policy, headers=headers) as response:
            _require(response, url, 200, 206)
            return Located(
                url=url,
                final_url=str(response.url),
                size=whole_size(response.status_code, response.headers),
                etag=response.headers.get("etag", ""),
                last_modified=response.headers.get("last-modified", ""),
                content_type=response.headers.get("content-type", ""),
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
