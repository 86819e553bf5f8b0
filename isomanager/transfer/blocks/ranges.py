"""Parts of a file over HTTP, through the door, from the first address that gives them. Nothing is spliced from two versions."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

import httpx

from isomanager.errors import (
    BodyTruncated,
    FetchRefused,
    IsoManagerError,
    StoreUnavailable,
    TransientError,
    UpstreamChanged,
)
from isomanager.transfer.answers import content_range
from isomanager.transfer.bandwidth import bandwidth_of
from isomanager.transfer.http import FetchPolicy, mapped_errors, open_stream, without_secrets
from isomanager.transfer.progress import Stop


@dataclass
class HttpRanges:
    """Reads ranges of one file of `size` bytes. Several threads may read at once.

    An address that refuses, is of another size, or changes while it is read is not asked again. What comes is held against the
    image's digests by whoever puts it together.
    """

    urls: tuple[str, ...]
    size: int
    client: httpx.Client
    policy: FetchPolicy
    stop: Stop
    _tags: dict[str, str] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, start: int, length: int) -> bytes:
        """The bytes. Raises what the last address said, FetchRefused when there is none."""
        last: IsoManagerError = FetchRefused("There is no address to fetch parts from.", code="bad-range")
        for url in self.urls:
            if self._tags.get(url) == _DROPPED:
                continue
            try:
                return self._from(url, start, length)
            except StoreUnavailable:
                raise
            except (TransientError, FetchRefused) as wrong:
                self._tags[url] = _DROPPED
                last = wrong
        raise last

    def _from(self, url: str, start: int, length: int) -> bytes:
        told = without_secrets(url)
        asked = {"Range": f"bytes={start}-{start + length - 1}"}
        with (
            mapped_errors(url),
            open_stream(self.client, "GET", url, policy=self.policy, headers=asked, stop=self.stop) as response,
        ):
            span = content_range(response.headers.get("content-range", ""))
            if (
                response.status_code != 206
                or span is None
                or span.first != start
                or span.total not in (None, self.size)
            ):
                raise FetchRefused(f"{told} does not give the part that was asked for.", code="bad-range", url=told)
            self._require_same(url, response.headers.get("etag", "") or response.headers.get("last-modified", ""), told)
            return self._body(response, url, length)

    def _require_same(self, url: str, tag: str, told: str) -> None:
        with self._lock:
            if self._tags.setdefault(url, tag) != tag:
                raise UpstreamChanged(f"{told} changed while parts of it were fetched.", url=told)

    def _body(self, response: httpx.Response, url: str, length: int) -> bytes:
        told, body, bandwidth = without_secrets(url), bytearray(), bandwidth_of(self.client)
        for piece in response.iter_raw():
            body += piece
            if len(body) > length:
                raise FetchRefused(f"{told} sends more than was asked for.", code="too-large", url=told)
            bandwidth.spend(url, len(piece), self.stop)
        if len(body) != length:
            raise BodyTruncated(f"{told} ended after {len(body)} of {length} bytes.", url=told)
        return bytes(body)


_DROPPED = "dropped"
