"""Mend: the ways in which a damaged copy is made whole, the one that fetches least first. Each proves the whole by the receipt."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from isomanager.errors import FetchRefused, IsoManagerError
from isomanager.library.damaged import Case
from isomanager.library.patching import block_sums
from isomanager.library.receiving import receive
from isomanager.library.torrenting import by_torrent, kept_metainfo, obtain, wants_torrent
from isomanager.model import Expectation, Offer, Receipt
from isomanager.storage.contract import Store
from isomanager.storage.local import LocalStore
from isomanager.transfer.blocks.assembling import assembled
from isomanager.transfer.blocks.checking import Matches, good_blocks, torrent_matches
from isomanager.transfer.blocks.segments import segments, to_fetch
from isomanager.transfer.blocks.zsync import is_installed, zsync_matches
from isomanager.transfer.reading import PIECE, stored_pieces
from isomanager.transfer.storing import file_pieces
from isomanager.transfer.torrent.magnet import is_magnet
from isomanager.transfer.torrent.metainfo import Metainfo, wanted_file

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mended:
    """How it was made whole, and how many bytes were fetched for it."""

    fetched: int
    how: str


def by_kept_torrent(case: Case) -> Mended | None:
    """By the pieces of the torrent it once came by: upstream need not be asked about it."""
    return _by_blocks(case, _of_torrent(case, _kept_torrent(case)))


def by_offered_blocks(case: Case) -> Mended | None:
    """By the torrent or the block sums that upstream offers now."""
    return _by_blocks(case, _offered_maps(case))


BlockMap = tuple[str, int, int, Matches]
"""A description of the image's blocks: how it is told, bytes a block, bytes before the file in block 0, the test."""


def _by_blocks(case: Case, maps: Iterator[BlockMap]) -> Mended | None:
    """Judge what is left block by block, and read only the bad ones anew."""
    if case.damaged is None:
        return None
    for told, block, first, matches in maps:
        remote = case.remote()
        if remote is None:
            return None
        read, origin = remote
        places = good_blocks(case.read, case.receipt.size, block, matches, stop=case, first=first)
        plan = segments(case.receipt.size, block, places, first=first)
        if case.stored(assembled(plan, case.read, read)):
            return Mended(to_fetch(plan), f"{told}, {origin}")
    return None


def _of_torrent(case: Case, metainfo: Metainfo | None) -> Iterator[BlockMap]:
    if metainfo is not None and metainfo.sha1_pieces:
        wanted = wanted_file(metainfo, _name_in(case, metainfo), case.receipt.size, metainfo.name)
        first, matches = torrent_matches(metainfo, wanted)
        yield "by the pieces of its torrent", metainfo.piece_length, first, matches


def _offered_maps(case: Case) -> Iterator[BlockMap]:
    yield from _of_torrent(case, _offered_torrent(case))
    expectation = case.expectation
    if expectation and expectation.offer.zsync and case.receipt.packed is None and is_installed():
        try:
            sums = block_sums(case.library, expectation, case.request(expectation.offer.urls))
        except IsoManagerError as wrong:
            _log.info("%s: no block sums: %s", case.copy.path, wrong)
        else:
            yield "by its block sums", sums.block, 0, zsync_matches(sums)


def _name_in(case: Case, metainfo: Metainfo) -> str:
    return case.receipt.filename if any(one.name == case.receipt.filename for one in metainfo.files) else ""


def _kept_torrent(case: Case) -> Metainfo | None:
    return None if case.receipt.packed else kept_metainfo(case.library, case.receipt.sha256)


def _offered_torrent(case: Case) -> Metainfo | None:
    offer = case.expectation.offer if case.expectation else None
    torrent = offer.torrent if offer else None
    if torrent is None or not torrent.url or is_magnet(torrent.url) or case.receipt.packed:
        return None
    try:
        return obtain(case.library, torrent, case.request((torrent.url,)).policy, case)[0]
    except IsoManagerError as wrong:
        _log.info("%s: no torrent: %s", case.copy.path, wrong)
        return None


def from_a_copy_here(case: Case) -> Mended | None:
    """From a held copy of the same image on this machine, where comparing both costs nothing but reading them."""
    return _from_another_copy(case, here=True)


def from_a_copy_elsewhere(case: Case) -> Mended | None:
    """From a held copy of the same image in a repository on the network, all of which has to be read."""
    return _from_another_copy(case, here=False)


def _from_another_copy(case: Case, *, here: bool) -> Mended | None:
    for one, store in case.twins():
        if isinstance(store, LocalStore) is not here:
            continue
        differing = [0]
        if case.stored(_compared(case, store, one.path, differing)):
            return Mended(differing[0], f"from {one.repository}")
    return None


def _compared(case: Case, store: Store, path: str, differing: list[int]) -> Iterator[bytes]:
    for number, theirs in enumerate(stored_pieces(store, path)):
        if case.read(number * PIECE, len(theirs)) != theirs:
            differing[0] += len(theirs)
        yield theirs


def by_swarm(case: Case) -> Mended | None:
    """Where there is no address, the torrent's peers are asked for the pieces that are bad."""
    expectation = case.expectation
    if expectation is None or case.receipt.packed is not None or not wants_torrent(case.library, expectation):
        return None
    request = case.request(expectation.offer.urls)

    def lay_down(file: Path) -> None:
        if case.damaged is not None and not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as staged:
                staged.writelines(stored_pieces(case.store, case.damaged))

    with by_torrent(case.library, expectation, request, case.progress, case, prepare=lay_down) as (file, fetched):
        if case.stored(file_pieces(file)):
            return Mended(fetched.size - fetched.resumed_at, "from the peers of its torrent")
    return None


def anew(case: Case) -> Mended | None:
    """The whole image again."""
    expectation = case.expectation or _from_receipt(case.receipt, case.urls)
    if expectation is None:
        return None
    request = case.request(expectation.offer.urls)
    received = receive(case.library, expectation, case.store, request, case.progress, case)
    if not case.is_image(received):
        raise FetchRefused(f"{case.copy.path}: what upstream sends is not the image that was held.", code="bad-data")
    return Mended(received.size - received.resumed_at, "the whole of it anew")


def _from_receipt(receipt: Receipt, urls: tuple[str, ...]) -> Expectation | None:
    """What the receipt demands, where upstream's own evidence is no longer to be had."""
    if not urls:
        return None
    offer = Offer(title=receipt.title, filename=receipt.filename, urls=urls)
    return Expectation(offer=offer, digests={"sha256": receipt.sha256}, size=receipt.size, assurance=receipt.assurance)


WAYS: tuple[Callable[[Case], Mended | None], ...] = (
    by_kept_torrent,
    from_a_copy_here,
    by_offered_blocks,
    from_a_copy_elsewhere,
    by_swarm,
    anew,
)
"""In the order in which they are tried."""
