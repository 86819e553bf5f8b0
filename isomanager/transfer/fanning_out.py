"""One read for several stores: each piece is read and hashed once, and written into every unfinished file at the same time.

A store that fails is left behind with its error; the others go on. What each had from an earlier run is not written again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic

from isomanager.errors import IsoManagerError
from isomanager.model import Received
from isomanager.storage.contract import CopiesByServer, Partial, Store, Validators
from isomanager.storage.local import LocalStore
from isomanager.storage.sources import StoredFile
from isomanager.transfer.bandwidth import UNLIMITED, Bandwidth
from isomanager.transfer.digesting import Buffer, Digester
from isomanager.transfer.download import Request
from isomanager.transfer.flushing import Flusher
from isomanager.transfer.lending import LENT, Lender
from isomanager.transfer.limits import Limits
from isomanager.transfer.progress import Progress, Stop, silent
from isomanager.transfer.reading import PIECE, file_ranges
from isomanager.transfer.resuming import partial_named
from isomanager.transfer.stopping import cancelled

MOST_AT_ONCE = 8
_SELDOM = 16
"""Between folders of this machine a checkpoint costs more than it saves: what a kill takes is there again in a second or two."""


@dataclass
class Branch:
    """One store that is to get the file: its request, what stops it, and in the end what came or what went wrong."""

    request: Request
    store: Store
    stop: Stop
    link: bool = False
    received: Received | None = None
    error: IsoManagerError | None = None
    _partial: Partial | None = field(default=None, repr=False)
    _flusher: Flusher | None = field(default=None, repr=False)
    _front: int = 0
    _way: str = ""

    @property
    def front(self) -> int:
        """Bytes that were there when it began."""
        return self._front

    @property
    def way(self) -> str:
        """How the bytes came, where they were not read and written; "" where they were."""
        return self._way or (self._partial.way if isinstance(self._partial, CopiesByServer) else "")

    def begin(self, file: StoredFile, limits: Limits) -> None:
        """Open the unfinished file, at its front if an earlier run left one."""
        seen = Validators(etag=file.entry.etag, size=file.size, digests=tuple(sorted(self.request.expected.items())))
        known = partial_named(self.store, self.request.key) if self.store.traits.readable_partial else None
        self._partial = None if known and known.front else self._whole(file, seen)
        if self._partial is None:
            self._partial = self.store.begin(self.request.final, file.size, seen, key=self.request.key, resume=known)
            if isinstance(self._partial, CopiesByServer):
                self._partial.copy_from(file.store, file.path, file.entry.etag)
        self._front = self._partial.front()
        self._flusher = Flusher(self._partial, limits, monotonic)

    def _whole(self, file: StoredFile, seen: Validators) -> Partial | None:
        """The unfinished file with every byte in it already, where both are on one filesystem that can do so."""
        if not isinstance(self.store, LocalStore):
            return None
        for link in (True, False) if self.link else (False,):
            made = self.store.begin_from(file, self.request.final, seen, key=self.request.key, link=link)
            if made is not None:
                self._way = "a second name of the same file" if link else "sharing its blocks with the source's file"
                return made
        return None

    def write(self, offset: int, piece: Buffer) -> None:
        """Keep a piece, unless it is there already."""
        if self.stop.is_set():
            raise cancelled(self.request.final)
        assert self._partial is not None  # noqa: S101 - begun before
        assert self._flusher is not None  # noqa: S101
        skipped = min(max(self._front - offset, 0), len(piece))
        if skipped < len(piece):
            self._partial.write(offset + skipped, memoryview(piece)[skipped:] if skipped else piece)
            self._flusher.wrote(len(piece) - skipped)

    def close(self) -> None:
        """What is durable stays, whatever happened."""
        try:
            if self._flusher is not None:
                self._flusher.settle()
        finally:
            if self._partial is not None:
                self._partial.close()


def fan_out(
    file: StoredFile,
    branches: Sequence[Branch],
    algorithms: Sequence[str],
    *,
    limits: Limits,
    bandwidth: Bandwidth = UNLIMITED,
    progress: Progress = silent,
) -> None:
    """Bring `file` into every branch; afterwards each has `received` or `error`. Raises what reading the file raises.

    What is read counts against `bandwidth`, however many places it goes to.
    """
    started = monotonic()
    if _is_here(file, branches):
        limits = replace(limits, checkpoint_bytes=_SELDOM * limits.checkpoint_bytes)
    with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="fan-out") as pool, ExitStack() as closing:
        for branch in branches:
            _tried(branch, partial(branch.begin, file, limits))
            closing.callback(_closed, branch)
        pieces = closing.enter_context(_pieces(file, branches))
        digester = Digester(algorithms, limits.window, piece=pieces.length, done=pieces.done)
        closing.callback(digester.abandon)
        offset = 0
        for piece in pieces.each:
            going = [one for one in branches if one.error is None]
            if not going:
                return
            bandwidth.spend(file.told, len(piece), going[0].stop)
            writing = [pool.submit(_tried, one, partial(one.write, offset, piece)) for one in going[1:]]
            _tried(going[0], partial(going[0].write, offset, piece))
            wait(writing)
            offset += len(piece)
            digester.update(piece)
            progress(offset, file.size)
        digests = digester.finish()
    for branch in branches:
        if branch.error is None:
            branch.received = Received(
                partial=branch.request.key, size=file.size, digests=digests, url=file.told, etag=file.entry.etag,
                seconds=monotonic() - started, resumed_at=branch.front,
            )  # fmt: skip


@dataclass(frozen=True)
class _Pieces:
    """The file's bytes, so many at a time, and who wants each back."""

    each: Iterable[Buffer]
    length: int
    done: Callable[[Buffer], None] | None = None


@contextmanager
def _pieces(file: StoredFile, branches: Sequence[Branch]) -> Iterator[_Pieces]:
    """Pieces that every store can take: whole granules of each of them. Between folders of this machine, where a piece is written
    when writing it returns, the same few buffers go round."""
    if isinstance(file.store, LocalStore) and _is_here(file, branches):
        with Lender(file.store.steady(file)) as lender:
            yield _Pieces(lender, LENT, lender.give_back)
    else:
        granule = math.lcm(*(one.store.traits.granule for one in branches))
        length = max(granule, PIECE // granule * granule)
        yield _Pieces(file_ranges(file, 0, piece=length), length)


def _is_here(file: StoredFile, branches: Sequence[Branch]) -> bool:
    return isinstance(file.store, LocalStore) and all(isinstance(one.store, LocalStore) for one in branches)


def _tried(branch: Branch, act: Callable[[], None]) -> None:
    try:
        act()
    except IsoManagerError as wrong:
        branch.error = wrong


def _closed(branch: Branch) -> None:
    with suppress(IsoManagerError):
        if branch.error is not None:
            branch.close()
            return
    if branch.error is None:
        _tried(branch, branch.close)
