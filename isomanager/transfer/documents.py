"""Upstream's documents over HTTP: bounded, under the source's policy, read as bytes and left as they are."""

from __future__ import annotations

import httpx

from isomanager.catalogue.documents import MAX_DOCUMENT_BYTES, Located
from isomanager.errors import FetchRefused
from isomanager.model import Document
from isomanager.transfer.http import FetchPolicy, content_range, open_stream, without_secrets


class HttpDocuments:
    """A DocumentSource on the network."""

    def __init__(self, client: httpx.Client, policy: FetchPolicy = FetchPolicy()) -> None:  # noqa: B008 - a frozen value
        self._client = client
        self._policy = policy

    def fetch(self, url: str, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Document:
        """The whole document; FetchRefused(code="too-large") as soon as it passes `max_bytes`."""
        content = bytearray()
        with open_stream(self._client, "GET", url, policy=self._policy) as response:
            for piece in response.iter_bytes():
                content += piece
                if len(content) > max_bytes:
                    told = without_secrets(url)
                    raise FetchRefused(f"{told} is larger than {max_bytes} bytes.", code="too-large", url=told)
            return Document(
                url=url,
                final_url=str(response.url),
                content=bytes(content),
                etag=response.headers.get("etag", ""),
                last_modified=response.headers.get("last-modified", ""),
            )

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
            span = content_range(response.headers.get("content-range", ""))
            length = response.headers.get("content-length", "")
            size = span.total if span else int(length) if length.isdigit() else None
            return Located(
                url=url,
                final_url=str(response.url),
                size=size,
                etag=response.headers.get("etag", ""),
                last_modified=response.headers.get("last-modified", ""),
                content_type=response.headers.get("content-type", ""),
            )
