"""One file into one partial: one pass, resumed only when the file upstream is provably the same, never spliced.

The front of the partial decides where to go on. A resume asks with `Range` and `If-Range` (RFC 9110, sections 13.1.5 and 14) and
then checks what comes back: the range's start, the whole length, the validators. Anything that does not agree starts again from
byte 0. Bytes are hashed while they pass, so that a whole file needs no second reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from time import monotonic
from typing import Protocol

import httpx

from isomanager.errors import BodyTruncated, Cancelled, FetchRefused, Stalled, TransientError, UpstreamChanged
from isomanager.model import Digests, Received
from isomanager.settings import Settings
from isomanager.storage.contract import Partial, PartialRef, Store, Validators
from isomanager.transfer.digesting import PIECE, Digester
from isomanager.transfer.http import FetchPolicy, content_range, open_stream, without_secrets
from isomanager.transfer.resuming import partial_named, resume_headers, same_file

CHECKPOINT_EVERY = 64 << 20
"""Bytes between two durable checkpoints: what a power cut may cost."""


class Progress(Protocol):
    """Told how many bytes are there, and of how many (None when upstream does not say)."""

    def __call__(self, done: int, total: int | None, /) -> None: ...


class Stop(Protocol):
    """Asked between chunks whether to end; a threading.Event is one."""

    def is_set(self) -> bool: ...


def silent(_done: int, _total: int | None) -> None:
    """Progress nobody watches."""


@dataclass(frozen=True)
class Limits:
    """How long to wait (seconds), how slow is too slow (bytes a second), how much is too much (bytes)."""

    stall_timeout: float = 30.0
    stall_bytes_per_second: int = 1024
    window: int = 64 << 20
    max_bytes: int = 64 << 30

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits that the settings name."""
        return cls(settings.stall_timeout, settings.stall_bytes_per_second, settings.transfer_window)


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
    limits: Limits = Limits(),
    progress: Progress = silent,
    stop: Stop | None = None,
) -> Received:
    """Fetch `request` into a closed, durable partial of `store`; nothing is visible under the final name.

    Addresses are tried in order; each goes on where the last one stopped if the file is provably the same. Raises the last
    address's error: TransientError (a retry resumes), FetchRefused, StoreError, Cancelled.
    """
    stop = stop or Event()
    failed: list[Exception] = []
    for url in request.urls:
        try:
            return _Attempt(request, url, store, client, limits, progress, stop).run()
        except (TransientError, FetchRefused) as wrong:
            failed.append(wrong)
    if not failed:
        raise FetchRefused(f"{request.final}: the offer has no address to fetch from.", code="http-status")
    # a transient failure anywhere is worth another try of the whole list
    raise next((wrong for wrong in failed if isinstance(wrong, TransientError)), failed[-1])


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
        self.limits, self.progress, self.stop = limits, progress, stop
        self.told = without_secrets(url)

    def run(self) -> Received:
        started = monotonic()
        known = self._resumable()
        if known and known.front == known.validators.size:
            return self._already_whole(known, started)
        headers = resume_headers(known) if known else {}
        with open_stream(self.client, "GET", self.url, policy=self.request.policy, headers=headers) as response:
            _wait_no_longer_than(response, self.limits.stall_timeout)
            validators = self._validators(response)
            if response.status_code == 416:
                return self._not_satisfiable(known)
            start = self._agreed_start(response, known, validators)
            self._refuse_nonsense(response, validators)
            partial = self.store.begin(
                self.request.final, validators.size, validators, key=self.request.key, resume=known if start else None
            )
            with _closing(partial):
                # the store may know better than the plan: a partial that it started again begins at 0
                if partial.front() != start:
                    partial.discard()
                    raise UpstreamChanged(f"{self.told}: the unfinished file cannot be continued; it starts again.")
                digests, size = self._receive(response, partial, start, validators.size)
        return Received(
            partial=self.request.key,
            size=size,
            digests=digests,
            url=self.told,
            etag=validators.etag,
            last_modified=validators.last_modified,
            seconds=monotonic() - started,
            resumed_at=start,
        )

    def _already_whole(self, known: PartialRef, started: float) -> Received:
        """Every byte came in an earlier run that ended before it could say so: read back, nothing is fetched."""
        digester = Digester(self.request.algorithms, self.limits.window)
        # begun again rather than reopened: the final name may be another one now
        partial = self.store.begin(self.request.final, known.size, known.validators, key=known.key, resume=known)
        with _closing(partial):
            if partial.front() != known.front:
                raise UpstreamChanged(f"{self.told}: the unfinished file cannot be continued; it starts again.")
            digester.replay(partial.read, known.front)
            digests = digester.finish()
        self.progress(known.front, known.front)
        before = known.validators
        return Received(
            partial=known.key,
            size=known.front,
            digests=digests,
            url=self.told,
            etag=before.etag,
            last_modified=before.last_modified,
            seconds=monotonic() - started,
            resumed_at=known.front,
        )

    def _resumable(self) -> PartialRef | None:
        """The partial of this request, if what it was begun for is still what is wanted."""
        found = partial_named(self.store, self.request.key)
        usable = (
            found is not None
            and found.front > 0
            and found.validators.digests == tuple(sorted(self.request.expected.items()))
            and bool(resume_headers(found))
            and self.store.traits.readable_partial
        )
        return found if usable else None

    def _validators(self, response: httpx.Response) -> Validators:
        span = content_range(response.headers.get("content-range", ""))
        length = response.headers.get("content-length", "")
        size = span.total if span else int(length) if length.isdigit() and response.status_code == 200 else None
        return Validators(
            etag=response.headers.get("etag", ""),
            last_modified=response.headers.get("last-modified", ""),
            size=size if size is not None else self.request.size,
            digests=tuple(sorted(self.request.expected.items())),
        )

    def _not_satisfiable(self, known: PartialRef | None) -> Received:
        """416: the front is at or past the end of what upstream has. Either way the unfinished file is of no use."""
        if known is not None:
            self.store.reopen(known).discard()
            raise UpstreamChanged(
                f"{self.told} is no longer as long as the part already fetched; it starts again.", url=self.told
            )
        raise FetchRefused(
            f"{self.told} refuses to send the file from its start (416).", code="bad-range", url=self.told
        )

    def _agreed_start(self, response: httpx.Response, known: PartialRef | None, validators: Validators) -> int:
        """Where the body begins: 0 for a whole answer, the front for a part that provably continues it."""
        if response.status_code != 206:
            return 0
        span = content_range(response.headers.get("content-range", ""))
        if known is None or span is None or span.first != known.front:
            raise FetchRefused(
                f"{self.told} answered with a part that was not asked for.", code="bad-range", url=self.told
            )
        if not same_file(known.validators, validators):
            self.store.reopen(known).discard()
            raise UpstreamChanged(
                f"{self.told} changed since its first part was fetched; it starts again.", url=self.told
            )
        return known.front

    def _refuse_nonsense(self, response: httpx.Response, validators: Validators) -> None:
        encoding = response.headers.get("content-encoding", "identity").lower()
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if encoding not in ("", "identity"):
            raise FetchRefused(
                f"{self.told} comes {encoding}-encoded though plain bytes were asked for.",
                code="content-encoding",
                url=self.told,
            )
        if kind in ("text/html", "application/xhtml+xml"):
            raise _html_instead(self.told)
        if self.request.size is not None and validators.size not in (None, self.request.size):
            raise FetchRefused(
                f"{self.told} is {validators.size} bytes long; the evidence says {self.request.size}.",
                code="wrong-size",
                url=self.told,
                expected=self.request.size,
                got=validators.size,
            )
        if (validators.size or 0) > self.limits.max_bytes:
            raise FetchRefused(
                f"{self.told} is larger than {self.limits.max_bytes} bytes.", code="too-large", url=self.told
            )

    def _receive(
        self, response: httpx.Response, partial: Partial, start: int, total: int | None
    ) -> tuple[Digests, int]:
        digester = Digester(self.request.algorithms, self.limits.window)
        try:
            if start:
                digester.replay(partial.read, start)
            size = self._copy(response, partial, digester, start, total)
            return digester.finish(), size
        finally:
            digester.stop()

    def _copy(
        self, response: httpx.Response, partial: Partial, digester: Digester, start: int, total: int | None
    ) -> int:
        offset, durable = start, start
        for piece in _aligned(self._watched(response.iter_raw()), partial_tail=start % PIECE):
            if offset == 0 and looks_like_html(piece):
                partial.discard()
                raise _html_instead(self.told)
            ceiling = self.limits.max_bytes if total is None else total
            if offset + len(piece) > ceiling:
                raise FetchRefused(
                    f"{self.told} sends more than the {ceiling} bytes it announced.", code="too-large", url=self.told
                )
            partial.write(offset, piece)
            digester.update(piece)
            offset += len(piece)
            self.progress(offset, total)
            if offset - durable >= CHECKPOINT_EVERY:
                durable = partial.checkpoint()
        if total is not None and offset != total:
            raise BodyTruncated(
                f"{self.told} ended after {offset} of {total} bytes.", url=self.told, got=offset, expected=total
            )
        return offset

    def _watched(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The same pieces, until a stop is asked for or they come too slowly."""
        watchdog = _Watchdog(self.limits, self.told)
        for piece in pieces:
            if self.stop.is_set():
                raise Cancelled(f"{self.told}: stopped; the next run goes on from what is there.", url=self.told)
            watchdog.count(len(piece))
            yield piece


def _aligned(pieces: Iterator[bytes], *, partial_tail: int) -> Iterator[bytes]:
    """Gather network pieces into whole granules, the first one completing the granule in which a resume starts.

    What was gathered is handed on even when the network breaks, so that a resume starts where the bytes really end.
    """
    gathered = bytearray()
    wanted = PIECE - partial_tail
    try:
        for piece in pieces:
            gathered += piece
            while len(gathered) >= wanted:
                yield bytes(gathered[:wanted])
                del gathered[:wanted]
                wanted = PIECE
    except httpx.TransportError:
        if gathered:
            yield bytes(gathered)
        raise
    if gathered:
        yield bytes(gathered)


class _Watchdog:
    """Notices a transfer that trickles: fewer bytes over the stall timeout than the limits allow."""

    def __init__(self, limits: Limits, told: str) -> None:
        self._limits, self._told = limits, told
        self._since, self._came = monotonic(), 0

    def count(self, came: int) -> None:
        self._came += came
        waited = monotonic() - self._since
        if waited < self._limits.stall_timeout:
            return
        if self._came < self._limits.stall_bytes_per_second * waited:
            raise Stalled(f"{self._told}: only {self._came} bytes came in {waited:.0f} s.", url=self._told)
        self._since, self._came = monotonic(), 0


def looks_like_html(beginning: bytes) -> bool:
    """Whether the first bytes are those of a web page."""
    start = beginning[:512].lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml"))


def _html_instead(told: str) -> FetchRefused:
    return FetchRefused(
        f"{told} sends a web page instead of an image.",
        code="html-instead",
        hint="A login page, a captive portal or a moved file: open the address in a browser to see which.",
        url=told,
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
