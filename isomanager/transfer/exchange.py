"""What the connections of one file share: which bytes are free, where they go, when there is room. Safe in every thread."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Condition, Event
from time import monotonic

import httpx

from isomanager.errors import BodyTruncated, UpstreamChanged
from isomanager.model import Digests
from isomanager.storage.contract import Partial, Validators
from isomanager.transfer.bandwidth import bandwidth_of
from isomanager.transfer.contacts import Contact, joins
from isomanager.transfer.following import Follower
from isomanager.transfer.lanes import Lane
from isomanager.transfer.limits import Limits
from isomanager.transfer.politeness import gates_of
from isomanager.transfer.progress import Stop
from isomanager.transfer.spans import Span, Spans
from isomanager.transfer.stopping import cancelled

MAY_DIFFER = "may-differ"
"""Code of the error of an address whose file may be another one: it brings no part, but may bring the whole."""

_MOMENT = 0.02
_CHUNK_SECONDS = 2.0
"""How long a connection is busy with one request, where there are several."""


@dataclass(frozen=True)
class Means:
    """What a file is brought with. `expected` are the digests that decide at the end, none if there are none."""

    client: httpx.Client
    limits: Limits
    expected: Digests
    ending: Stop
    granule: int
    readable: bool


class Exchange:
    """One file under way. `validators` are those of the answer that began it; None in `size` until its end is seen."""

    def __init__(
        self,
        means: Means,
        partial: Partial,
        spans: Spans,
        follower: Follower,
        contacts: Sequence[Contact],
        validators: Validators,
    ) -> None:
        self.client, self.limits, self.expected, self.ending = means.client, means.limits, means.expected, means.ending
        self.contacts, self.validators = contacts, validators
        self.news = Event()
        self.lanes: list[Lane] = []
        self.wrong: list[tuple[Lane, Exception]] = []
        self.wanted_lanes, self.rate = 1, 0.0
        self._means, self._partial, self._spans, self._follower = means, partial, spans, follower
        self._changed = Condition()
        self._bandwidth = bandwidth_of(means.client)

    @property
    def size(self) -> int:
        """The file's size in bytes; the most it may have, until its end is seen."""
        return self._spans.size

    @property
    def alone(self) -> bool:
        """Whether one connection is to bring it all."""
        return self.wanted_lanes == 1

    @property
    def missing(self) -> int:
        """Bytes still to come."""
        with self._changed:
            return self._spans.missing

    @property
    def under_way(self) -> bool:
        """Whether bytes are still to come, or a connection is about to say how it ended. Those that hang are not waited for."""
        with self._changed:
            hanging = [one for one in self.lanes if one.span is not None and one.span.relieved]
            return self._spans.missing > 0 or len(self.lanes) > len(hanging)

    @property
    def behind(self) -> int:
        """Bytes that wait for the digest."""
        with self._changed:
            return self._spans.front - self._follower.hashed

    def _limit(self) -> int:
        if self._means.readable:
            return self._spans.front + self.limits.ahead
        return self._follower.hashed + self.limits.window

    def _chunk(self) -> int:
        """How many bytes to ask for at once: some seconds' worth, few enough that everybody finds some within the window."""
        ahead = self.limits.ahead if self._means.readable else self.limits.window
        most = max(self._means.granule, ahead // (2 * self.wanted_lanes))
        return int(min(max(self.rate / self.wanted_lanes * _CHUNK_SECONDS, self._means.granule), most))

    def widen(self, lanes: int, rate: float) -> None:
        """From now on `lanes` connections bring the file, which comes at `rate` bytes a second."""
        with self._changed:
            grown, self.wanted_lanes, self.rate = lanes > self.wanted_lanes, lanes, rate
            if grown:
                self._spans.shorten(self._chunk())
            self._changed.notify_all()

    # for the connections

    def next_span(self, lane: Lane) -> Span | None:
        """What `lane` is to bring next; waits while the window is full. None when it is needed no more."""
        with self._changed:
            while not self.ending.is_set() and self._spans.missing and self._needed(lane):
                span = self._free_span() or self._spans.split(self._means.granule) or self._held_up(lane)
                if span is not None:
                    return span
                self._changed.wait(_MOMENT)
            return None

    def _needed(self, lane: Lane) -> bool:
        if lane.contact.dropped or lane.primary or len(self.lanes) == 1:
            return not lane.contact.dropped
        return len(self.lanes) <= self.wanted_lanes and not gates_of(self.client).wanted(lane.turn)

    def _free_span(self) -> Span | None:
        return self._spans.take(None if self.alone else self._chunk(), self._limit())

    def _held_up(self, lane: Lane) -> Span | None:
        """The rest of what a much slower connection is at."""
        now = monotonic()
        slow = (one for one in self.lanes if one is not lane and one.holds_up(lane, now))
        held = next((one.span for one in slow if one.span and one.span.left and not one.span.writing), None)
        return self._spans.relieve(held) if held else None

    def wanted(self, span: Span) -> int:
        """How many bytes of `span` to receive next: up to the granule's end, 0 when it is done. Waits while the window is full."""
        with self._changed:
            while True:
                if self.ending.is_set():
                    raise cancelled(self._partial.ref.final)
                granule = self._means.granule
                count = min(span.left, granule - span.at % granule)
                if count <= 0 or span.at < self._limit():
                    return max(count, 0)
                self._changed.wait(_MOMENT)

    def buffer(self, used: memoryview | None, length: int) -> memoryview:
        """A buffer for the next granule: the `used` one again, where nothing of it waits in memory for the digest."""
        if self._means.readable and used is not None and len(used) >= length:
            return used
        return memoryview(bytearray(self._means.granule if self._means.readable else length))

    def spend(self, contact: Contact, count: int) -> None:
        """Wait until as many bytes may come."""
        self._bandwidth.spend(contact.place or contact.url, count, self.ending)

    def keep(self, contact: Contact, span: Span, piece: memoryview, *, whole: bool) -> None:
        """Write what came of `span`. The beginning of a granule only is kept where a store takes it at any place."""
        with self._changed:
            if span.left < len(piece) or not (whole or self._means.readable or span.at + len(piece) == self.size):
                return  # a faster connection took it over; or it comes again with the rest of its granule
            span.writing, offset = True, span.at
        try:
            self._partial.write(offset, piece)
        except BaseException:
            with self._changed:
                span.writing = False
            raise
        self._note(contact, span, offset, piece)

    def _note(self, contact: Contact, span: Span, offset: int, piece: memoryview) -> None:
        several = sum(bool(one.came or one.open) for one in self.contacts) > 1
        digest = hashlib.sha256(piece).digest() if several and self.expected else b""
        with self._changed:
            span.writing = False
            self._spans.came(span, len(piece))
            contact.delivered(offset, len(piece), digest)
            self._follower.wrote(offset, piece, self._spans.front)
            self._changed.notify_all()

    def no_more(self, contact: Contact, span: Span) -> None:
        """The body ended before `span` did: the end of the file, if nobody knew where that is; BodyTruncated otherwise."""
        if self.ending.is_set():
            raise cancelled(contact.told)  # a connection that the stop shut down looks like the end of the file
        with self._changed:
            if self.validators.size is None:
                self._spans.ends_at(span.at)
            elif span.left:
                raise BodyTruncated(
                    f"{contact.told} ended after {span.at} of {self.size} bytes.",
                    url=contact.told,
                    got=span.at,
                    expected=self.size,
                )

    def join(self, contact: Contact, now: Validators, place: str) -> None:
        """Take note of what an address says of its file; UpstreamChanged when that may be another file."""
        if not joins(self.validators, now, proved_later=bool(self.expected)):
            raise UpstreamChanged(f"{contact.told} may have another file.", code=MAY_DIFFER, url=contact.told)
        with self._changed:
            contact.validators, contact.place = now, place

    def gave_back(self, span: Span) -> None:
        """A connection is done with `span`, brought or not."""
        with self._changed:
            self._spans.ended(span)
            if not self._spans.missing:
                self.news.set()
            self._changed.notify_all()

    def begins(self, lane: Lane) -> None:
        """`lane` takes part from now on."""
        with self._changed:
            self.lanes.append(lane)
            lane.contact.open += 1
            lane.contact.connections += 1

    def ended(self, lane: Lane, wrong: Exception | None) -> None:
        """`lane` takes part no more."""
        if not lane.primary:
            gates_of(self.client).leave(lane.turn)
        with self._changed:
            self.lanes.remove(lane)
            lane.contact.open -= 1
            lane.contact.seconds += lane.seconds
            if wrong is not None:
                self.wrong.append((lane, wrong))
            self.news.set()
            self._changed.notify_all()

    def end(self) -> None:
        """Wake whoever waits: the stop is set."""
        with self._changed:
            self._changed.notify_all()
