"""Damaged: what is known of a copy that failed its proof, and where its bytes may be had."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Event

from isomanager.errors import IsoManagerError
from isomanager.library.opening import Library
from isomanager.library.resolving import resolve_selector
from isomanager.model import Copy, CopyState, Expectation, Receipt, Received, Selector
from isomanager.storage.contract import Store
from isomanager.transfer.blocks.ranges import HttpRanges
from isomanager.transfer.blocks.segments import ReadAt
from isomanager.transfer.download import Request
from isomanager.transfer.progress import Progress
from isomanager.transfer.resuming import partial_named
from isomanager.transfer.storing import store_pieces
from isomanager.trust.receipt import needed_algorithms
from isomanager.version import VersionRule

_log = logging.getLogger(__name__)


@dataclass
class Case:
    """A copy to be mended. `damaged` is the path of what is left of it, None when nothing is; `key` names the new partial."""

    library: Library
    copy: Copy
    receipt: Receipt
    store: Store
    damaged: str | None
    key: str
    ends: tuple[Event, ...]
    progress: Progress

    def is_set(self) -> bool:
        """Whether the work must end: it is its own stop."""
        return any(one.is_set() for one in self.ends)

    def read(self, start: int, length: int) -> bytes:
        """Bytes of the damaged file, as far as it goes."""
        return self.store.read(self.damaged, start, length) if self.damaged else b""

    @cached_property
    def expectation(self) -> Expectation | None:
        """What upstream offers under the copy's title, if those are still the very bytes of the receipt."""
        title = self.copy.title
        selector = Selector(
            product=title.product,
            flavor=title.flavor,
            rule=VersionRule.parse(f"={title.version}"),
            architectures=(title.architecture,),
            languages=(title.language,) if title.language else (),
            editions=(title.edition,) if title.edition else (),
        )
        try:
            judged = resolve_selector(self.library, selector, torrents=True)
        except IsoManagerError as wrong:
            _log.info("%s: upstream is of no help: %s", self.copy.path, wrong)
            return None
        return next((one for one in judged if isinstance(one, Expectation) and self._is_same(one)), None)

    def _is_same(self, expectation: Expectation) -> bool:
        proved = self.receipt.packed.digests if self.receipt.packed else self.receipt.digests
        common = expectation.digests.keys() & proved.keys()
        return bool(common) and all(expectation.digests[name] == proved[name] for name in common)

    @property
    def urls(self) -> tuple[str, ...]:
        """Addresses of the image as it is; none where upstream packs it."""
        if self.receipt.packed is not None:
            return ()
        offered = self.expectation.offer.urls if self.expectation else ()
        came_from = (url for url in self.receipt.urls[:1] if url.startswith("http") and not url.endswith(".torrent"))
        return tuple(dict.fromkeys((*offered, *came_from)))

    def request(self, urls: Sequence[str]) -> Request:
        """The request for the whole image from these addresses."""
        expectation = self.expectation
        return Request(
            urls=tuple(urls),
            final=self.copy.path,
            key=self.key,
            size=expectation.size if expectation else self.receipt.size,
            algorithms=needed_algorithms(expectation) if expectation else ("sha256",),
            expected=expectation.digests if expectation else {"sha256": self.receipt.sha256},
            policy=self.library.policy(self.library.product_of(self.copy.title), urls),
        )

    def twins(self) -> tuple[tuple[Copy, Store], ...]:
        """Held copies of the same image that are there."""
        copies = self.library.inventory.copies(states={CopyState.HELD}, sha256=self.receipt.sha256)
        found = ((one, self.library.store(one.repository)) for one in copies if one.id != self.copy.id)
        return tuple((one, store) for one, store in found if _size_of(store, one.path) == self.receipt.size)

    def remote(self) -> tuple[ReadAt, str] | None:
        """Where missing parts are read from, and how that is told: another copy before the addresses on the web."""
        for one, store in self.twins():
            return (
                lambda start, length, of=store, path=one.path: of.read(path, start, length)
            ), f"from {one.repository}"
        if not self.urls:
            return None
        policy = self.request(self.urls).policy
        return HttpRanges(self.urls, self.receipt.size, self.library.client, policy, self), "from its address"

    def stored(self, pieces: Iterator[bytes]) -> bool:
        """Put a candidate for the whole image into the partial; whether it is the image. What is not goes."""
        received = store_pieces(
            Request(urls=(), final=self.copy.path, key=self.key),
            self.store,
            pieces,
            algorithms=("sha256",),
            window=self.library.settings.transfer_window,
            stop=self,
            size=self.receipt.size,
            progress=self.progress,
        )
        return self.is_image(received)

    def is_image(self, received: Received) -> bool:
        """Whether these are the bytes of the receipt; the partial goes if not."""
        same = (received.sha256, received.size) == (self.receipt.sha256, self.receipt.size)
        found = None if same else partial_named(self.store, self.key)
        if found is not None:
            self.store.reopen(found).discard()
        return same


def _size_of(store: Store, path: str) -> int | None:
    try:
        entry = store.stat(path)
    except IsoManagerError:  # a repository that does not answer cannot help; it is not the one to be repaired
        return None
    return entry.size if entry else None
