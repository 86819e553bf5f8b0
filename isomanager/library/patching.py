"""Patch: an image from an older one that is held, where upstream says block by block what the new one consists of (.zsync).

Whatever does not work out is left for the whole download, which comes next: nobody is bothered with it but the log.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from time import monotonic

from isomanager.errors import Cancelled, FetchRefused, IsoManagerError, StoreUnavailable
from isomanager.library.opening import Library
from isomanager.model import Copy, CopyState, Expectation, Received
from isomanager.storage.contract import Entry, Store
from isomanager.storage.local import LocalStore
from isomanager.transfer.blocks.assembling import assembled
from isomanager.transfer.blocks.matching import SECTOR, find_blocks
from isomanager.transfer.blocks.ranges import HttpRanges
from isomanager.transfer.blocks.segments import nowhere, segments, to_fetch
from isomanager.transfer.blocks.zsync import MAX_ZSYNC_BYTES, BlockSums, is_installed, read_zsync
from isomanager.transfer.documents import HttpDocuments
from isomanager.transfer.download import Request
from isomanager.transfer.http import without_secrets
from isomanager.transfer.progress import Progress, Stop
from isomanager.transfer.resuming import partial_named, resume_headers
from isomanager.transfer.storing import store_pieces

_log = logging.getLogger(__name__)

_WORTH = 0.8
"""Of the image: when more than this would have to be fetched, the whole is fetched in one go."""


@dataclass(frozen=True)
class Donor:
    """A held image that parts may be taken from."""

    copy: Copy
    store: Store
    entry: Entry

    def read(self, start: int, length: int) -> bytes:
        """Bytes of it; StoreError(code="changed") when it is no longer the file it was."""
        return self.store.read(self.copy.path, start, length, if_match=self.entry.etag)


def receive_by_patch(
    library: Library, expectation: Expectation, store: Store, request: Request, progress: Progress, stop: Stop
) -> Received | None:
    """The image in a closed partial of `store`, proved to be what the evidence demands; None when it must be fetched whole."""
    if not _is_possible(library, expectation, store, request):
        return None
    try:
        return _patched(library, expectation, store, request, progress, stop)
    except (Cancelled, StoreUnavailable):
        raise
    except IsoManagerError as wrong:
        _log.info("%s is fetched whole: %s", request.final, wrong)
        return None


def _is_possible(library: Library, expectation: Expectation, store: Store, request: Request) -> bool:
    """A download that was interrupted is gone on with instead; nothing is patched that cannot be proved."""
    offer = expectation.offer
    if not offer.zsync or offer.packing is not None or not expectation.digests or library.settings.delta == "never":
        return False
    unfinished = partial_named(store, request.key)
    return is_installed() and (unfinished is None or not resume_headers(unfinished))


def _patched(
    library: Library, expectation: Expectation, store: Store, request: Request, progress: Progress, stop: Stop
) -> Received | None:
    started, donor = monotonic(), donor_for(library, expectation)
    if donor is None:
        return None
    sums = block_sums(library, expectation, request)
    places, stride = nowhere(sums.count), 1 if library.settings.delta == "thorough" else SECTOR
    find_blocks(sums, donor.read, donor.entry.size, places=places, stop=stop, stride=stride)
    plan = segments(sums.size, sums.block, places)
    fetched = to_fetch(plan)
    if fetched > _WORTH * sums.size:
        _log.info("%s has too little in common with %s to be worth patching", request.final, donor.copy.path)
        return None
    ranges = HttpRanges(request.urls, sums.size, library.client, request.policy, stop)
    received = store_pieces(
        request,
        store,
        assembled(plan, donor.read, ranges),
        algorithms=request.algorithms,
        window=library.settings.transfer_window,
        stop=stop,
        size=sums.size,
        progress=progress,
    )
    if any(received.digests.get(name) != digest for name, digest in expectation.digests.items()):
        _log.warning("%s: what was put together from %s is not the image", request.final, donor.copy.path)
        return None
    _log.info("%s: %d of %d bytes fetched, the rest is from %s", request.final, fetched, sums.size, donor.copy.path)
    told = {"url": without_secrets(request.urls[0]), "resumed_at": sums.size - fetched}
    return received.model_copy(update={**told, "seconds": monotonic() - started})


def block_sums(library: Library, expectation: Expectation, request: Request) -> BlockSums:
    """What upstream's .zsync says of the image. FetchRefused when it is of another size; errors of the network."""
    url = expectation.offer.zsync
    told = without_secrets(url)
    document = HttpDocuments(library.client, request.policy).fetch(url, max_bytes=MAX_ZSYNC_BYTES)
    sums = read_zsync(document.content, told)
    if (expectation.size or sums.size) != sums.size:
        raise FetchRefused(f"{told} is of a file of {sums.size} bytes.", code="wrong-size", url=told)
    return sums


def donor_for(library: Library, expectation: Expectation) -> Donor | None:
    """The image most like the expected one: of the same product, flavor and architecture, on this machine, the newest version."""
    title = expectation.offer.title
    copies = library.inventory.copies(
        states={CopyState.HELD, CopyState.SUSPECT}, product=title.product, flavor=title.flavor
    )
    for copy in sorted(copies, key=lambda one: one.title.version, reverse=True):
        same = (copy.title.architecture, copy.title.language) == (title.architecture, title.language)
        store = library.store(copy.repository)
        entry = store.stat(copy.path) if same and isinstance(store, LocalStore) else None
        if entry is not None:
            return Donor(copy, store, entry)
    return None
