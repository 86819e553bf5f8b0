"""Adopt: make an image of a file that lies in a repository already. It is read and held against what is known of it first."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from isomanager.errors import InventoryError, Refused, StoreError
from isomanager.inventory.leases import Lease
from isomanager.library.leasing import leased_copy
from isomanager.library.opening import LIVE, Library
from isomanager.library.reserving import free_path
from isomanager.model import Assurance, Copy, CopyState, Digests, Receipt, Title
from isomanager.storage.contract import Store
from isomanager.storage.receipts import keep_receipt
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.progress import Progress, silent
from isomanager.transfer.reading import stored_pieces
from isomanager.transfer.stopping import cancelled

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Adoptable:
    """A file of a repository and what it is said to be. `digests` are required; `move` puts it where the layout wants it.

    `assurance` is what a match proves: `pinned` where somebody gave the digests, `none` where nobody did; `receipt` is one of these
    bytes that was judged, and is kept in place of a new one.
    """

    repository: str
    path: str
    title: Title
    size: int | None = None
    digests: Digests = field(default_factory=dict)
    assurance: Assurance = Assurance.NONE
    reasons: tuple[str, ...] = ()
    source: str = "import"
    filename: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    receipt: Receipt | None = None
    move: bool = False


def adopt(library: Library, found: Adoptable, progress: Progress = silent) -> Copy:
    """The copy, held and proved. Raises Refused (wrong-size, wrong-digest), StoreError (missing, name-taken), LeaseLost.

    The very file that is held already is given back as it is. Nothing happens to a file that is refused.
    """
    held = library.inventory.copy_at(found.repository, found.path)
    if held is not None and held.state not in (CopyState.RESERVED, CopyState.RECEIVED):
        return _as_held(held, found)
    store = library.store(found.repository)
    digests, size = _read(library, store, found, progress)
    receipt = found.receipt or _receipt(library, found, digests, size)
    copy = library.inventory.reserve(_row(library, found, digests["sha256"]))
    with leased_copy(library, copy.id) as lease:
        try:
            held = brought_in(library, store, copy, receipt, lease, partial(_place, store, found, copy))
        except BaseException as wrong:
            _let_go(library, copy, lease, str(wrong))
            raise
    _log.info("%s: %s is taken in as %s", found.repository, found.path, copy.title)
    return held


def _as_held(held: Copy, found: Adoptable) -> Copy:
    asked = found.digests.get("sha256")
    if held.state is CopyState.HELD and asked in (None, held.sha256):
        return held
    raise StoreError(
        f"{found.path} in {found.repository} is {held.title}, which is {held.state}.",
        code="name-taken",
        hint="`isomanager verify` proves a suspect copy again.",
        path=found.path,
    )


def _read(library: Library, store: Store, found: Adoptable, progress: Progress) -> tuple[Digests, int]:
    entry = store.stat(found.path)
    if entry is None:
        raise StoreError(f"{found.path} is not in {store.url}.", code="missing", path=found.path)
    if found.size not in (None, entry.size) or not entry.size:
        told = f"{found.path} has {entry.size} bytes; {found.size or 'more than none'} were expected."
        raise Refused(told, code="wrong-size", hint="The file is left as it is.", path=found.path)
    pieces = _watched(library, stored_pieces(store, found.path), found.path, entry.size, progress)
    taken = digests_of(pieces, dict.fromkeys(("sha256", *found.digests)))
    for algorithm, digest in found.digests.items():
        if taken[algorithm] != digest.lower():
            raise Refused(
                f"{found.path} has the {algorithm} digest {taken[algorithm]}; {digest} was expected.",
                code="wrong-digest",
                hint="The file is left as it is, and is not taken in.",
                path=found.path,
            )
    return taken, entry.size


def _watched(library: Library, pieces: Iterator[bytes], path: str, total: int, progress: Progress) -> Iterator[bytes]:
    done = 0
    for piece in pieces:
        if library.stop.is_set():
            raise cancelled(path)
        done += len(piece)
        progress(done, total)
        yield piece


def _receipt(library: Library, found: Adoptable, digests: Digests, size: int) -> Receipt:
    compared = f"The bytes match ({', '.join(sorted(found.digests))})." if found.digests else ""
    pinned = (
        ""
        if found.digests
        else "Nothing was known to hold the bytes against: they are pinned by their SHA-256 from now on."
    )
    return Receipt(
        title=found.title,
        sha256=digests["sha256"],
        size=size,
        digests=digests,
        filename=found.filename or found.path.rpartition("/")[2],
        assurance=found.assurance,
        reasons=(*found.reasons, *filter(None, (compared, pinned))),
        fingerprint=f"sha256:{digests['sha256']}",
        proved_at=library.now(),
    )


def _row(library: Library, found: Adoptable, sha256: str) -> Copy:
    now, identity = library.now(), secrets.token_hex(8)
    filename = found.filename or found.path.rpartition("/")[2]
    path = found.path
    if found.move:
        path = _wanted_path(library, found, filename, sha256)
    return Copy(
        id=identity,
        repository=found.repository,
        path=path,
        title=found.title,
        state=CopyState.RESERVED,
        filename=filename,
        source=found.source,
        metadata=found.metadata,
        reason="taken in from what was there already",
        created_at=now,
        changed_at=now,
    )


def _place(store: Store, found: Adoptable, copy: Copy) -> None:
    if copy.path != found.path:
        store.move(found.path, copy.path)


def _wanted_path(library: Library, found: Adoptable, filename: str, sha256: str) -> str:
    """Where the layout wants the file: its own place counts as free."""
    wanted = free_path(library, found.repository, found.title, filename, sha256, but_for=found.path)
    return found.path if wanted.casefold() == found.path.casefold() else wanted


def brought_in(
    library: Library, store: Store, copy: Copy, receipt: Receipt, lease: Lease, place: Callable[[], None]
) -> Copy:
    """A reserved copy held; `place` brings its file under its final name.

    Each step is noted before it is done, as a download's: a crash in between is settled by the next run.
    """
    inventory = library.inventory
    known = {"sha256": receipt.sha256, "size": receipt.size, "digests": receipt.digests}
    inventory.transition(copy.id, CopyState.RECEIVED, expected=CopyState.RESERVED, lease=lease, **known)  # type: ignore[arg-type]
    keep_receipt(store, receipt)
    inventory.transition(copy.id, CopyState.PUBLISHING, expected=CopyState.RECEIVED, lease=lease)
    place()
    return inventory.record_published(copy.id, receipt, lease)


def _let_go(library: Library, copy: Copy, lease: Lease, why: str) -> None:
    """What could not be taken in is no copy; its file stays. Once it is moved, recovery settles it by what the store shows."""
    try:
        library.inventory.transition(
            copy.id,
            CopyState.GONE,
            expected={CopyState.RESERVED, CopyState.RECEIVED},
            lease=lease,
            reason=f"it could not be taken in: {why}"[:500],
        )
    except InventoryError as wrong:
        if wrong.code != "state-changed":
            raise


def twins(library: Library, repository: str, sha256: str) -> tuple[Copy, ...]:
    """The live copies of the same bytes in the repository."""
    return library.inventory.copies(repository, states=LIVE, sha256=sha256)
