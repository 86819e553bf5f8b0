"""One connection's work: ask for a span, receive it granule by granule, hand it over, ask for the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from isomanager.errors import FetchRefused
from isomanager.transfer.answers import refuse_nonsense, whole_size
from isomanager.transfer.bodies import Body
from isomanager.transfer.contacts import Contact, require_part
from isomanager.transfer.http import open_stream
from isomanager.transfer.resuming import validators_of
from isomanager.transfer.spans import Span
from isomanager.transfer.stopping import ended_by

if TYPE_CHECKING:
    from isomanager.transfer.exchange import Exchange

_BULK = 1 << 20
"""From so many bytes on, a connection that nobody needs afterwards is read directly."""
_TIME_TO_BEGIN = 1.5
"""Seconds that a connection gets to reach its speed."""
_SLOWER = 4
"""A connection so many times slower than another gives up the last bytes it keeps everybody waiting for."""


class Lane:
    """A thread that brings bytes from one address. `turn` is an address at whose host it has a turn; `first` an answer that has
    begun already, and the span it fills."""

    def __init__(self, work: Exchange, contact: Contact, turn: str, first: tuple[Span, Body] | None = None) -> None:
        self.work, self.contact, self.turn, self._first = work, contact, turn, first
        self.span: Span | None = None
        self.rate = 0.0
        self._body: Body | None = None
        self._buffer: memoryview | None = None
        self._waited = self._span_came = 0.0
        self._begun = self._span_began = monotonic()
        self._thread = Thread(target=self._run, name="lane", daemon=True)

    @property
    def primary(self) -> bool:
        """Whether it began with the answer that began the file."""
        return self._first is not None

    @property
    def waited(self) -> float:
        """Seconds spent waiting for the network so far."""
        return self._waited + (self._body.waited if self._body else 0.0)

    @property
    def seconds(self) -> float:
        """How long it has been at work."""
        return monotonic() - self._begun

    def pace(self, now: float) -> float:
        """Bytes a second that the span under way has brought."""
        return self._span_came / max(now - self._span_began, 0.001)

    def holds_up(self, other: Lane, now: float) -> bool:
        """Whether what is under way here would long be there if `other` had it."""
        return now - self._span_began > _TIME_TO_BEGIN and self.pace(now) * _SLOWER < other.rate

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait until it is over."""
        self._thread.join()

    def _run(self) -> None:
        wrong: Exception | None = None
        try:
            if self._first is not None:
                span, body = self._first
                with self._on(span):
                    self._bring(span, body)
            while (following := self.work.next_span(self)) is not None:
                with self._on(following):
                    self._ask(following)
        except Exception as broken:  # noqa: BLE001 - looked at by the thread that waits for the whole
            wrong = broken
        self.work.ended(self, wrong)

    @contextmanager
    def _on(self, span: Span) -> Iterator[None]:
        self.span, self._span_began, self._span_came = span, monotonic(), 0.0
        try:
            yield
        finally:
            self.rate = self.pace(monotonic())
            self.span = None
            self.work.gave_back(span)

    def _ask(self, span: Span) -> None:
        contact = self.contact
        place = contact.place or contact.url
        try:
            self._ask_at(place, span)
        except FetchRefused:
            if place == contact.url or self._span_came:
                raise
            contact.place = ""  # where redirects led may be good for a while only
            self._ask_at(contact.url, span)

    def _ask_at(self, place: str, span: Span) -> None:
        work, contact = self.work, self.contact
        headers = {"Range": f"bytes={span.at}-{span.end - 1}"}
        with open_stream(
            work.client, "GET", place, policy=contact.policy, headers=headers, stop=work.ending, turn=self.turn
        ) as response:
            size = whole_size(response.status_code, response.headers)
            now = validators_of(response.headers, size, work.expected)
            require_part(
                contact.told,
                response.status_code,
                response.headers,
                at=span.at,
                size=work.size,
                seen=contact.validators,
                now=now,
            )
            refuse_nonsense(
                contact.told, response.headers, size, expected_size=work.size, max_bytes=work.limits.max_bytes
            )
            work.join(contact, now, str(response.url))
            body = Body(response, contact.told, work.limits, alone=work.alone and span.left >= _BULK)
            with ended_by(work.ending, response):
                self._bring(span, body)

    def _bring(self, span: Span, body: Body) -> None:
        self._body = body
        try:
            while wanted := self.work.wanted(span):
                if not self._granule(span, body, wanted):
                    self.work.no_more(self.contact, span)
                    return
            if body.length is None and span.end == self.work.size and body.peek(1):
                raise FetchRefused(
                    f"{self.contact.told} sends more than the {self.work.size} bytes it may have.",
                    code="too-large",
                    url=self.contact.told,
                )
        finally:
            self._waited, self._body = self.waited, None

    def _granule(self, span: Span, body: Body, wanted: int) -> bool:
        """Receive `wanted` bytes and hand them over; False when the body ends before. What came before a break is kept."""
        self._buffer = self.work.buffer(self._buffer, wanted)
        view, filled = self._buffer[:wanted], 0
        try:
            while filled < wanted:
                count = body.readinto(view[filled:])
                if not count:
                    break
                filled += count
                self._span_came += count
                self.work.spend(self.contact, count)
        finally:
            if filled:
                self.work.keep(self.contact, span, view[:filled], whole=filled == wanted)
        return filled == wanted
