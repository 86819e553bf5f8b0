"""One file into one partial: one pass, resumed only when the file upstream is provably the same, never spliced.

The front of the partial decides where to go on. A resume asks with `Range` and `If-Range` (RFC 9110, sections 13.1.5 and 14) and
then checks what comes back: the range's start, the whole length, the validators. Where digests are expected, they decide at the
end, and the same length is enough to go on: another address has other validators for the same bytes. Anything that does not
agree starts again from byte 0. Bytes are hashed behind the front, so that a whole file needs no second reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Event
from time import monotonic

import httpx

from isomanager.errors import BodyTruncated, FetchRefused, StoreUnavailable, TransientError, UpstreamChanged
from isomanager.model import Digests, Received
from isomanager.storage.contract import Partial, PartialRef, Store, Validators
from isomanager.transfer.answers import agreed_start, empty, html_instead, looks_like_html, refuse_nonsense, whole_size
from isomanager.transfer.bodies import Body
from isomanager.transfer.contacts import Contact
from isomanager.transfer.exchange import MAY_DIFFER, Exchange, Means
from isomanager.transfer.following import Follower, KeepingFollower, ReadingFollower
from isomanager.transfer.gathering import Gathering
from isomanager.transfer.http import open_stream
from isomanager.transfer.limits import Limits
from isomanager.transfer.progress import Progress, Stop, silent
from isomanager.transfer.request import Request
from isomanager.transfer.resuming import partial_named, range_headers, resume_headers, validators_of
from isomanager.transfer.spans import Spans
from isomanager.transfer.stopping import Either, cancelled, ended_by

__all__ = ["Limits", "Progress", "Request", "Stop", "download", "silent"]

_BEGINNING = 512
"""So many bytes tell a web page from an image."""


def download(
    request: Request,
    store: Store,
    client: httpx.Client,
    *,
    limits: Limits = Limits(),  # noqa: B008 - a frozen value
    progress: Progress = silent,
    stop: Stop | None = None,
    contacts: Sequence[Contact] | None = None,
) -> Received:
    """Fetch `request` into a closed, durable partial of `store`; nothing is visible under the final name.

    Addresses are preferred in order. The first that answers begins the file; others help where they bring more, and take over
    where it fails, if their file is provably the same or a digest decides at the end. When none gives the file, the first
    transient error is raised (a retry resumes), else the last FetchRefused; `data["tried"]` then tells what every address said.
    StoreError, StoreUnavailable and Cancelled end it at once. `contacts` are the request's own, for who wants to look at them.
    """
    stop = Event() if stop is None else stop
    contacts = request.contacts() if contacts is None else contacts
    for contact in contacts:
        if contact.dropped is not None and contact.dropped.code != MAY_DIFFER:
            continue  # it failed while it helped another one
        contact.dropped = contact.validators = None
        try:
            return _Attempt(request, contact, contacts, store, client, limits, progress, stop).run()
        except StoreUnavailable:
            raise
        except (TransientError, FetchRefused) as wrong:
            contact.dropped = contact.dropped or wrong
    failed = [one.dropped for one in contacts if one.dropped is not None]
    if not failed:
        raise FetchRefused(f"{request.final}: the offer has no address to fetch from.", code="http-status")
    # a transient failure anywhere is worth another try of the whole list
    told = next((wrong for wrong in failed if wrong.transient), failed[-1])
    if len(failed) > 1:
        told.data["tried"] = [wrong.message for wrong in failed]
    raise told


class _Attempt:
    """A file begun by one address, once."""

    def __init__(
        self,
        request: Request,
        contact: Contact,
        contacts: Sequence[Contact],
        store: Store,
        client: httpx.Client,
        limits: Limits,
        progress: Progress,
        stop: Stop,
    ) -> None:
        self.request, self.contact, self.contacts = request, contact, contacts
        self.store, self.client = store, client
        self.limits, self.progress = limits, progress
        self.over = Event()
        self.ending = Either((stop, self.over))
        self.told = contact.told
        self.started = monotonic()

    def run(self) -> Received:
        known = self._resumable()
        if known is not None:
            # what cannot be continued is begun again at once, from this same address, and replaced only then
            with suppress(UpstreamChanged):
                return self._already_whole(known) if self._is_whole(known) else self._fetch(known)
            self.over.clear()
            self.contact.dropped = None
        return self._fetch(None)

    def _resumable(self) -> PartialRef | None:
        """The partial of this request, if what it was begun for is still what is wanted."""
        found = partial_named(self.store, self.request.key)
        usable = (
            found is not None
            and found.front > 0
            and found.validators.digests == tuple(sorted(self.request.expected.items()))
            and self.request.size in (None, found.validators.size)
            and (bool(resume_headers(found)) or self._proved_later(found.validators))
            and self.store.traits.readable_partial
        )
        return found if usable else None

    def _proved_later(self, validators: Validators) -> bool:
        """Whether the size is known and a digest decides at the end."""
        return bool(self.request.expected) and validators.size is not None

    @staticmethod
    def _is_whole(known: PartialRef) -> bool:
        return known.front == known.validators.size

    def _already_whole(self, known: PartialRef) -> Received:
        """Every byte came in an earlier run that ended before it could say so: read back, nothing is fetched."""
        # begun again rather than reopened: the final name may be another one now
        partial = self.store.begin(self.request.final, known.size, known.validators, key=known.key, resume=known)
        with _closing(partial):
            self._require_front(partial, known.front)
            follower = self._follower(partial, known.front)
            try:
                digests = self._digests(follower)
            finally:
                follower.abandon()
        self.progress(known.front, known.front)
        return self._received(known.validators, digests, known.front, resumed_at=known.front)

    def _digests(self, follower: Follower) -> Digests:
        whole = False
        while not whole:
            if self.ending.is_set():
                raise cancelled(self.told)
            whole = follower.wait(0.1)
        return follower.digests()

    def _fetch(self, known: PartialRef | None, *, guarded: bool = True) -> Received:
        with open_stream(
            self.client,
            "GET",
            self.contact.url,
            policy=self.contact.policy,
            headers=range_headers(known, guarded=guarded),
            stop=self.ending,
        ) as response:
            validators = self._validators(response)
            if not (guarded and known and self._another_copy(response, known, validators)):
                return self._take(response, known, validators)
        return self._fetch(known, guarded=False)

    def _another_copy(self, response: httpx.Response, known: PartialRef, validators: Validators) -> bool:
        """Whether the whole was sent only because this address has other validators for the same bytes."""
        same = self._proved_later(validators) and validators.size == known.validators.size
        return response.status_code == 200 and same and bool(resume_headers(known))

    def _take(self, response: httpx.Response, known: PartialRef | None, validators: Validators) -> Received:
        start = agreed_start(
            self.told,
            response.status_code,
            response.headers,
            known,
            validators,
            proved_later=self._proved_later(validators),
        )
        refuse_nonsense(
            self.told,
            response.headers,
            validators.size,
            expected_size=self.request.size,
            max_bytes=self.limits.max_bytes,
        )
        self._introduce(response, validators)
        with self._body(response, start, validators.size) as body:
            digests, size = self._keep(body, known if start else None, start, validators)
        return self._received(validators, digests, size, resumed_at=start)

    def _introduce(self, response: httpx.Response, validators: Validators) -> None:
        """What the first answer tells of its address."""
        self.contact.validators, self.contact.place = validators, str(response.url)
        gives_parts = response.status_code == 206 or "bytes" in response.headers.get("accept-ranges", "")
        if not gives_parts:
            self.contact.most = 1

    def _validators(self, response: httpx.Response) -> Validators:
        size = whole_size(response.status_code, response.headers)
        return validators_of(response.headers, self.request.size if size is None else size, self.request.expected)

    @contextmanager
    def _body(self, response: httpx.Response, start: int, total: int | None) -> Iterator[Body]:
        """The body, its beginning looked at before anything in the store is touched."""
        with ended_by(self.ending, response):
            body = Body(response, self.told, self.limits, alone=True)
            try:
                beginning = body.peek(_BEGINNING)
            except TransientError:
                if self.ending.is_set():
                    raise cancelled(self.told) from None
                raise
            if start == 0 and looks_like_html(beginning):
                raise html_instead(self.told)
            if start == 0 and not beginning:
                raise empty(self.told) if total is None else self._nothing_came(total)
            yield body

    def _nothing_came(self, total: int) -> BodyTruncated:
        return BodyTruncated(f"{self.told} ended before its first byte.", url=self.told, got=0, expected=total)

    def _keep(self, body: Body, known: PartialRef | None, start: int, validators: Validators) -> tuple[Digests, int]:
        # what is continued stays what it was begun as, also where this address has other validators for it
        kept = known.validators if known else validators
        partial = self.store.begin(self.request.final, validators.size, kept, key=self.request.key, resume=known)
        with _closing(partial):
            self._require_front(partial, start)
            digests, size = self._gather(body, partial, start, validators)
            if validators.size is None:
                # now it is known: a later run sees that nothing is missing
                partial.checkpoint(replace(validators, size=size))
        return digests, size

    def _gather(self, body: Body, partial: Partial, start: int, validators: Validators) -> tuple[Digests, int]:
        traits = self.store.traits
        means = Means(
            self.client, self.limits, self.request.expected, self.ending, traits.granule, traits.readable_partial
        )
        size = self.limits.max_bytes if validators.size is None else validators.size
        spans = Spans(start, size, traits.granule)
        span = spans.take(None, size)
        if span is None:
            raise UpstreamChanged(f"{self.told}: nothing of the file was missing.", url=self.told)
        follower = self._follower(partial, start)
        exchange = Exchange(means, partial, spans, follower, self.contacts, validators)
        return Gathering(exchange, partial, follower, self.progress, self.over).run(self.contact, span, body)

    def _follower(self, partial: Partial, front: int) -> Follower:
        if self.store.traits.readable_partial:
            return ReadingFollower(partial, self.request.algorithms, front)
        return KeepingFollower(self.request.algorithms)

    def _require_front(self, partial: Partial, front: int) -> None:
        """The store may know better than the plan: a partial that it had to start again begins at 0."""
        if partial.front() != front:
            raise UpstreamChanged(f"{self.told}: the unfinished file cannot be continued; it starts again.")

    def _received(self, validators: Validators, digests: Digests, size: int, *, resumed_at: int) -> Received:
        most = max(self.contacts, key=lambda one: one.came)
        return Received(
            partial=self.request.key,
            size=size,
            digests=digests,
            url=most.told if most.came else self.told,
            etag=validators.etag,
            last_modified=validators.last_modified,
            seconds=monotonic() - self.started,
            resumed_at=resumed_at,
            sources=tuple(one.use for one in self.contacts if one.came or one.dropped),
        )


@contextmanager
def _closing(partial: Partial) -> Iterator[None]:
    """Keep what is durable, whatever happens: a retry goes on from there."""
    try:
        yield
    finally:
        partial.close()
