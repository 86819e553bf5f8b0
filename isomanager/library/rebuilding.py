"""Rebuild: a lost database is made again from what a repository holds, its receipts and its own inventory; nothing is believed.

Every file is read. A receipt is judged again with the keys that are pinned now, so that the assurance is what can be shown today.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from isomanager.errors import IsoManagerError, StoreError
from isomanager.inventory.exchange.items import Item
from isomanager.inventory.exchange.reading import parse_listing
from isomanager.library.importing import notes_of, titled
from isomanager.library.opening import LIVE, Library
from isomanager.library.proving_again import pins_of
from isomanager.model import (
    ALGORITHMS,
    Assurance,
    Copy,
    CopyState,
    Digests,
    Expectation,
    Outcome,
    OutcomeKind,
    Receipt,
    Title,
)
from isomanager.storage.contract import INTERNAL, Entry, Store
from isomanager.storage.index import ALIASES, INVENTORY, PAGE, SUMS
from isomanager.storage.local import LocalStore
from isomanager.storage.receipts import RECEIPTS, read_kept
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.progress import Progress, silent
from isomanager.transfer.reading import stored_pieces
from isomanager.transfer.stopping import cancelled
from isomanager.trust.rejudging import Rejudged, expected_again, rejudge

_MAX_INVENTORY = 256 << 20
_OURS = (INVENTORY, SUMS, PAGE, ALIASES)
_ENDINGS = (".json", ".html", ".txt", ".asc")
"""Reports and the like, which lie beside the images and are none."""


class Evidence:
    """What a repository says of its files: receipts by SHA-256, and the items of its own inventory by path."""

    def __init__(
        self, receipts: Mapping[str, tuple[Receipt, ...]], items: Mapping[str, Item], faults: tuple[str, ...]
    ) -> None:
        self.receipts, self.items, self.faults = receipts, items, faults

    def algorithms(self, item: Item | None) -> frozenset[str]:
        """Which digests a file needs: those of its receipts, or of every receipt while nobody knows which are its own."""
        known = self.receipts.get(item.digests.get("sha256", ""), ()) if item else ()
        of = known or tuple(one for several in self.receipts.values() for one in several)
        return frozenset({"sha256", *(name for one in of for name in one.digests if name in ALGORITHMS)})


def gather_evidence(store: Store) -> Evidence:
    """Everything that can be read; what cannot is told in `faults` and stands in nobody's way."""
    receipts: dict[str, tuple[Receipt, ...]] = {}
    faults: list[str] = []
    for entry in store.list(RECEIPTS):
        try:
            receipt = read_kept(store, entry)
            receipts[receipt.sha256] = (*receipts.get(receipt.sha256, ()), receipt)
        except IsoManagerError as wrong:
            if wrong.transient:
                raise
            faults.append(wrong.message)
    items: dict[str, Item] = {}
    try:
        if store.stat(INVENTORY) is not None:
            listing = parse_listing(store.read(INVENTORY, 0, _MAX_INVENTORY + 1), INVENTORY)
            items = {item.path: item for item in listing.items}
    except IsoManagerError as wrong:
        if wrong.transient:
            raise
        faults.append(wrong.message)
    return Evidence(receipts, items, tuple(faults))


def unknown_files(library: Library, repository: str) -> tuple[Entry, ...]:
    """The files of the repository that no live copy has, and that may be images."""
    known = {copy.path.casefold() for copy in library.inventory.copies(repository, states=LIVE)}
    return tuple(
        entry
        for entry in library.store(repository).list()
        if entry.path.casefold() not in known
        and entry.path not in _OURS
        and not entry.path.startswith(f"{INTERNAL}/")
        and not entry.path.lower().endswith(_ENDINGS)
    )


def rebuild_file(
    library: Library, repository: str, entry: Entry, evidence: Evidence, progress: Progress = silent
) -> Outcome:
    """One file made a copy again, if a receipt or the repository's inventory knows its bytes; else it is left, and told."""
    store = library.store(repository)
    item = evidence.items.get(entry.path)
    try:
        digests = _digests(library, store, entry, evidence.algorithms(item), progress)
        receipts = evidence.receipts.get(digests["sha256"], ())
        if not receipts and item is None:
            return _told(
                entry, repository, OutcomeKind.SKIPPED, "nothing speaks of it; `isomanager scan` says what it is"
            )
        if item is not None and item.digests.get("sha256") not in (None, digests["sha256"]):
            return _damaged(library, repository, entry, item, digests)
        return _held(library, store, repository, entry, item, receipts, digests)
    except IsoManagerError as wrong:
        return _told(entry, repository, OutcomeKind.FAILED, str(wrong), code=wrong.code)


def _digests(library: Library, store: Store, entry: Entry, algorithms: frozenset[str], progress: Progress) -> Digests:
    def pieces() -> Iterator[bytes]:
        done = 0
        for piece in stored_pieces(store, entry.path):
            if library.stop.is_set():
                raise cancelled(entry.path)
            done += len(piece)
            progress(done, entry.size)
            yield piece

    return digests_of(pieces(), algorithms)


def _held(
    library: Library,
    store: Store,
    repository: str,
    entry: Entry,
    item: Item | None,
    receipts: tuple[Receipt, ...],
    digests: Digests,
) -> Outcome:
    judged = [(one, _judged(library, store, entry, one, digests)) for one in receipts]
    good = [(one, result) for one, result in judged if result.valid]
    best = max(good, key=lambda pair: pair[1].assurance, default=None)
    title = best[0].title if best else receipts[-1].title if receipts else None
    if title is None:
        assert item is not None  # noqa: S101 - the caller left what nothing speaks of
        title = titled(library, item)
    assurance = best[1].assurance if best else Assurance.NONE
    why = _why(judged, good)
    copy = _row(library, repository, entry, title, digests, assurance, (best or (None,))[0], item)
    library.inventory.import_receipts(receipts)
    imported = library.inventory.import_copies([copy])
    if imported.skipped:
        return _told(entry, repository, OutcomeKind.FAILED, imported.skipped[0][1], title=title)
    return _told(entry, repository, OutcomeKind.PUBLISHED, why, title=title, assurance=assurance)


def _judged(library: Library, store: Store, entry: Entry, receipt: Receipt, digests: Digests) -> Rejudged:
    data: Path | bytes = store.root.joinpath(*entry.path.split("/")) if isinstance(store, LocalStore) else b""
    taken = {name: digests[name] for name in {*receipt.digests, "sha256"} if name in digests}
    return rejudge(receipt, data, entry.size, taken, library.keyring, pins_of(library, receipt), now=library.now())


def expected_of(library: Library, receipt: Receipt) -> Expectation | None:
    """What bytes that `judged_receipt` could not see must fulfil: a signature over the image itself. None where there is none."""
    return expected_again(receipt, library.keyring, pins_of(library, receipt), now=library.now())


def _why(judged: list[tuple[Receipt, Rejudged]], good: list[tuple[Receipt, Rejudged]]) -> str:
    if good:
        return "its bytes are those of its receipt, which was judged again"
    if judged:
        return f"its bytes are those of its receipt, which proves nothing today: {'; '.join(judged[-1][1].reasons)}"
    return "only the repository's own inventory speaks of it: nothing proves it"


def _row(
    library: Library,
    repository: str,
    entry: Entry,
    title: Title,
    digests: Digests,
    assurance: Assurance,
    receipt: Receipt | None,
    item: Item | None,
) -> Copy:
    now = library.now()
    kept = {name: digests[name] for name in {*(receipt.digests if receipt else ()), "sha256"} if name in digests}
    return Copy(
        id=secrets.token_hex(8), repository=repository, path=entry.path, title=title, state=CopyState.HELD,
        sha256=digests["sha256"], size=entry.size, assurance=assurance, digests=kept,
        fingerprint=receipt.fingerprint if receipt else f"sha256:{digests['sha256']}",
        filename=receipt.filename if receipt else entry.path.rpartition("/")[2],
        source=(item.source if item else "") or "rebuilt", metadata=notes_of(item) if item else {},
        reason="rebuilt from the repository", created_at=(item and item.added_at) or entry.modified_at, proved_at=now,
        changed_at=now,
    )  # fmt: skip


def _damaged(library: Library, repository: str, entry: Entry, item: Item, digests: Digests) -> Outcome:
    """A file that is not what the repository says it is: kept in view as suspect, never served."""
    told = f"the repository's inventory says SHA-256 {item.digests['sha256']}, and the file has {digests['sha256']}"
    title = titled(library, item)
    copy = _row(library, repository, entry, title, {"sha256": item.digests["sha256"]}, Assurance.NONE, None, item)
    suspect = copy.model_copy(update={"state": CopyState.SUSPECT, "reason": told, "size": item.size or entry.size})
    library.inventory.import_copies([suspect])
    return _told(entry, repository, OutcomeKind.FAILED, told, title=title, code="wrong-digest")


def _told(
    entry: Entry,
    repository: str,
    kind: OutcomeKind,
    reason: str,
    *,
    title: Title | None = None,
    assurance: Assurance = Assurance.NONE,
    code: str = "",
) -> Outcome:
    return Outcome(
        outcome=kind, title=title, repository=repository, path=entry.path, reason=reason, code=code, assurance=assurance
    )


def missing_files(evidence: Evidence, store: Store, repository: str) -> Iterator[Outcome]:
    """An outcome for each image that the repository's inventory lists and that is no longer there."""
    there = {entry.path for entry in store.list()}
    for path, item in evidence.items.items():
        if path not in there:
            yield Outcome(
                outcome=OutcomeKind.FAILED,
                repository=repository,
                path=path,
                selector=item.name,
                reason="the repository's inventory lists it, and its file is not there",
                code=StoreError.code,
            )
