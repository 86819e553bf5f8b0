"""One file into one partial: one pass, resumed only when the file upstream is provably the same, never spliced.

The front of the partial decides where to go on. A resume asks with `Range` and `If-Range` (RFC 9110, sections 13.1.5 and 14) and
then checks what comes back: the range's start, the whole length, the validators. Anything that does not agree starts again from
byte 0. Bytes are hashed while they pass, so that a whole file needs no second reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from threading import Event
from time import monotonic

import httpx

from isomanager.errors import (
    BodyTruncated,
    FetchRefused,
    IsoManagerError,
    StoreUnavailable,
    TransientError,
    UpstreamChanged,
)
from isomanager.model import Digests, Received
from isomanager.storage.contract import Partial, PartialRef, Store, Validators
from isomanager.transfer.answers import agreed_start, empty, html_instead, looks_like_html, refuse_nonsense, whole_size
from isomanager.transfer.http import FetchPolicy, open_stream, without_secrets
from isomanager.transfer.limits import Limits
from isomanager.transfer.progress import Progress, Stop, silent
from isomanager.transfer.receiving import Receiver, aligned
from isomanager.transfer.resuming import partial_named, resume_headers, validators_of
from isomanager.transfer.stopping import ended_by

__all__ = ["Limits", "Progress", "Request", "Stop", "download", "silent"]


@dataclass(frozen=True)
class Request:
    """What to fetch: the addresses in order of preference, the final path, the key of its partial, and what is expected.

    `expected` are digests that the evidence demands: a partial begun for other digests is not resumed.
    """

    urls: tuple[str, ...]
    final: str
    key: str
    size: int | None = None
    algorithms: tuple[str, ...] = ("sha256",)
    expected: Digests = field(default_factory=dict)
    policy: FetchPolicy = field(default_factory=FetchPolicy)


def download(
    request: Request,
    store: Store,
    client: httpx.Client,
    *,
    limits: Limits = Limits(),  # noqa: B008 - a frozen value
    progress: Progress = silent,
    stop: Stop | None = None,
) -> Received:
    """Fetch `request` into a closed, durable partial of `store`; nothing is visible under the final name.

    Addresses are tried in order; each goes on where the last one stopped if the file is provably the same. When none gives
    the file, the first transient error is raised (a retry resumes), else the last FetchRefused; `data["tried"]` then tells
    what every address said. StoreError, StoreUnavailable and Cancelled end it at once.
    """
    stop = Event() if stop is None else stop
    failed: list[IsoManagerError] = []
    for url in request.urls:
        try:
            return _Attempt(request, url, store, client, limits, progress, stop).run()
        except StoreUnavailable:
            raise
        except (TransientError, FetchRefused) as wrong:
            failed.append(wrong)
    if not failed:
        raise FetchRefused(f"{request.final}: the offer has no address to fetch from.", code="http-status")
    # a transient failure anywhere is worth another try of the whole list
    told = next((wrong for wrong in failed if wrong.transient), failed[-1])
    if len(failed) > 1:
        told.data["tried"] = [wrong.message for wrong in failed]
    raise told


class _Attempt:
    """One address, once."""

    def __init__(
        self,
        request: Request,
        url: str,
        store: Store,
        client: httpx.Client,
        limits: Limits,
        progress: Progress,
        stop: Stop,
    ) -> None:
        self.request, self.url, self.store, self.client = request, url, store, client
        self.limits, self.stop = limits, stop
        self.told = without_secrets(url)
        self.receiver = Receiver(self.told, request.algorithms, limits, progress, stop)
        self.started = monotonic()

    def run(self) -> Received:
        known = self._resumable()
        if known is not None:
            # what cannot be continued is begun again at once, from this same address, and replaced only then
            with suppress(UpstreamChanged):
                return self._already_whole(known) if self._is_whole(known) else self._fetch(known)
        return self._fetch(None)

    def _resumable(self) -> PartialRef | None:
        """The partial of this request, if what it was begun for is still what is wanted."""
        found = partial_named(self.store, self.request.key)
        usable = (
            found is not None
            and found.front > 0
            and found.validators.digests == tuple(sorted(self.request.expected.items()))
            and self.request.size in (None, found.validators.size)
            and (bool(resume_headers(found)) or (self._is_whole(found) and bool(self.request.expected)))
            and self.store.traits.readable_partial
        )
        return found if usable else None

    @staticmethod
    def _is_whole(known: PartialRef) -> bool:
        return known.front == known.validators.size

    def _already_whole(self, known: PartialRef) -> Received:
        """Every byte came in an earlier run that ended before it could say so: read back, nothing is fetched."""
        # begun again rather than reopened: the final name may be another one now
        partial = self.store.begin(self.request.final, known.size, known.validators, key=known.key, resume=known)
        with _closing(partial):
            self._require_front(partial, known.front)
            digests = self.receiver.reread(partial, known.front)
        self.receiver.progress(known.front, known.front)
        return self._received(known.validators, digests, known.front, resumed_at=known.front)

    def _fetch(self, known: PartialRef | None) -> Received:
        headers = resume_headers(known) if known else {}
        with open_stream(
            self.client, "GET", self.url, policy=self.request.policy, headers=headers, stop=self.stop
        ) as response:
            validators = self._validators(response)
            start = agreed_start(self.told, response.status_code, response.headers, known, validators)
            refuse_nonsense(
                self.told,
                response.headers,
                validators.size,
                expected_size=self.request.size,
                max_bytes=self.limits.max_bytes,
            )
            with self._body(response, start, validators.size) as pieces:
                digests, size = self._keep(pieces, known if start else None, start, validators)
        return self._received(validators, digests, size, resumed_at=start)

    def _validators(self, response: httpx.Response) -> Validators:
        size = whole_size(response.status_code, response.headers)
        return validators_of(response.headers, self.request.size if size is None else size, self.request.expected)

    @contextmanager
    def _body(self, response: httpx.Response, start: int, total: int | None) -> Iterator[Iterator[bytearray]]:
        """The body in granules, its beginning looked at before anything in the store is touched."""
        _wait_no_longer_than(response, self.limits.stall_timeout)
        with ended_by(self.stop, response):
            pieces = aligned(self.receiver.watched(response.iter_raw()), start)
            beginning = next(pieces, bytearray())
            if start == 0 and looks_like_html(beginning):
                raise html_instead(self.told)
            if start == 0 and not beginning:
                raise empty(self.told) if total is None else self._nothing_came(total)
            yield chain([beginning], pieces)

    def _nothing_came(self, total: int) -> BodyTruncated:
        return BodyTruncated(f"{self.told} ended before its first byte.", url=self.told, got=0, expected=total)

    def _keep(
        self, pieces: Iterator[bytearray], known: PartialRef | None, start: int, validators: Validators
    ) -> tuple[Digests, int]:
        partial = self.store.begin(self.request.final, validators.size, validators, key=self.request.key, resume=known)
        with _closing(partial):
            self._require_front(partial, start)
            digests, size = self.receiver.receive(pieces, partial, start, validators.size)
            if validators.size is None:
                # now it is known: a later run sees that nothing is missing
                partial.checkpoint(replace(validators, size=size))
        return digests, size

    def _require_front(self, partial: Partial, front: int) -> None:
        """The store may know better than the plan: a partial that it had to start again begins at 0."""
        if partial.front() != front:
            raise UpstreamChanged(f"{self.told}: the unfinished file cannot be continued; it starts again.")

    def _received(self, validators: Validators, digests: Digests, size: int, *, resumed_at: int) -> Received:
        return Received(
            partial=self.request.key,
            size=size,
            digests=digests,
            url=self.told,
            etag=validators.etag,
            last_modified=validators.last_modified,
            seconds=monotonic() - self.started,
            resumed_at=resumed_at,
        )


def _wait_no_longer_than(response: httpx.Response, seconds: float) -> None:
    """From the first byte on, the stall timeout bounds each read; until then it was the first-byte timeout."""
    timeout = response.request.extensions.get("timeout")
    if isinstance(timeout, dict):
        timeout["read"] = seconds


@contextmanager
def _closing(partial: Partial) -> Iterator[None]:
    """Keep what is durable, whatever happens: a retry goes on from there."""
    try:
        yield
    finally:
        partial.close()
