"""Several connections, to one address or more, bring one file.

The thread that asked for the file looks on: it heeds the stop, tells the progress, has what came made durable, judges how many
connections are worth it, and finds another address when one fails. The connections' threads receive and write; one thread more
takes the digests behind the front.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from time import monotonic

from isomanager.errors import FetchRefused, Stalled, StoreUnavailable, TransientError
from isomanager.model import Digests
from isomanager.storage.contract import Partial
from isomanager.transfer.bodies import Body
from isomanager.transfer.contacts import Contact
from isomanager.transfer.exchange import Exchange
from isomanager.transfer.flushing import Flusher
from isomanager.transfer.following import Follower
from isomanager.transfer.lanes import Lane
from isomanager.transfer.pacing import PERIOD, Pace
from isomanager.transfer.politeness import gates_of
from isomanager.transfer.progress import Progress
from isomanager.transfer.spans import Span
from isomanager.transfer.stopping import cancelled

_LOOK_EVERY = 0.1
_MOSTLY_WAITING = 0.3
"""Where connections wait for the network less than this share of the time, more of them bring nothing."""


class Gathering:
    """One file from the answer that began it to its digests. `over` ends the connections; `clock` gives seconds."""

    def __init__(
        self,
        exchange: Exchange,
        partial: Partial,
        follower: Follower,
        progress: Progress,
        over: Event,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._exchange, self._partial, self._follower = exchange, partial, follower
        self._progress, self._over, self._clock = progress, over, clock
        self._limits, self._gates = exchange.limits, gates_of(exchange.client)
        self._flusher = Flusher(partial, self._limits, clock)
        self._pace = Pace()
        self._begun = self._looked = clock()
        self._seen = self._here
        self._waited, self._idle = 0.0, 1.0

    @property
    def _here(self) -> int:
        return self._exchange.size - self._exchange.missing

    def run(self, contact: Contact, span: Span, body: Body) -> tuple[Digests, int]:
        """Digests of the whole file and its size, `body` being an answer of `contact` that begins at `span`.

        What came is kept, whatever happens. Raises what the last address raised when none is left to ask; a file that is
        refused (FetchRefused from the answer that began it) leaves nothing.
        """
        self._tell()
        lanes = [self._open(contact, contact.place, (span, body))]
        try:
            while self._exchange.under_way:
                self._exchange.news.wait(_LOOK_EVERY)
                self._exchange.news.clear()
                lanes += self._look()
            return self._finish(), self._exchange.size
        except FetchRefused:
            self._partial.discard()  # not the file it was said to be: nothing of it is worth keeping
            raise
        finally:
            self._wind_up(lanes)

    def _open(self, contact: Contact, turn: str, first: tuple[Span, Body] | None = None) -> Lane:
        lane = Lane(self._exchange, contact, turn, first)
        self._exchange.begins(lane)
        lane.start()
        return lane

    def _look(self) -> list[Lane]:
        """One look at everything; the connections that were opened for it."""
        if self._exchange.ending.is_set():
            raise cancelled(self._partial.ref.final)
        self._heed_errors()
        self._tell()
        self._follower.wait(0)
        now = self._clock()
        if self._limits.budget and now - self._begun > self._limits.budget:
            raise Stalled(f"{self._partial.ref.final} took longer than the {self._limits.budget:.0f} s it may take.")
        if not self._exchange.missing:
            return []
        return self._adapt(now) if self._exchange.lanes else self._go_on()

    def _tell(self) -> None:
        here = self._here
        self._progress(here, None if self._exchange.validators.size is None else self._exchange.size)
        self._flusher.wrote(here - self._seen)
        self._seen = here

    def _heed_errors(self) -> None:
        wrong, self._exchange.wrong = self._exchange.wrong, []
        for lane, one in wrong:
            if not isinstance(one, TransientError | FetchRefused) or isinstance(one, StoreUnavailable):
                raise one
            if one.code == "too-large":
                raise one
            lane.contact.failed(one)

    def _adapt(self, now: float) -> list[Lane]:
        usable = [one for one in self._exchange.contacts if not one.dropped]
        most = min(sum(min(one.most, self._gates.limit) for one in usable), self._limits.connections)
        busy = self._idle_share(now) < _MOSTLY_WAITING or self._exchange.behind > self._limits.window
        wanted = self._pace.judge(now, self._here, self._exchange.missing, most, busy=busy)
        if wanted != self._exchange.wanted_lanes:
            self._exchange.widen(wanted, self._pace.rate)
        return self._more(wanted - len(self._exchange.lanes), usable)

    def _idle_share(self, now: float) -> float:
        """Which share of the last stretch of time the connections spent waiting for the network, on the average."""
        if now - self._looked >= PERIOD / 2:
            waited, lanes = sum(one.waited for one in self._exchange.lanes), max(len(self._exchange.lanes), 1)
            if waited >= self._waited:  # less when a connection has gone, with what it had waited
                self._idle = (waited - self._waited) / (now - self._looked) / lanes
            self._waited, self._looked = waited, now
        return self._idle

    def _more(self, count: int, usable: list[Contact]) -> list[Lane]:
        opened: list[Lane] = []
        for contact in usable:
            turn = contact.place or contact.url
            while count > len(opened) and contact.open < contact.most and self._gates.slip_in(turn):
                opened.append(self._open(contact, turn))
        return opened

    def _go_on(self) -> list[Lane]:
        """The next address that may have the same file takes over; when there is none, the first one's error is raised."""
        left = [one for one in self._exchange.contacts if not one.dropped]
        if not left or self._exchange.validators.size is None:
            raise next(one.dropped for one in self._exchange.contacts if one.dropped)
        return self._more(1, left)

    def _finish(self) -> Digests:
        self._heed_errors()
        while not self._follower.wait(_LOOK_EVERY):
            if self._exchange.ending.is_set():
                raise cancelled(self._partial.ref.final)
        self._tell()
        return self._follower.digests()

    def _wind_up(self, lanes: list[Lane]) -> None:
        self._over.set()
        self._exchange.end()
        for one in lanes:
            one.join()
        self._flusher.settle()
        self._follower.abandon()
