"""Check: read held copies again and hold them against what was proved when they came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import monotonic

from isomanager.errors import IsoManagerError, UsageError
from isomanager.inventory.copies import CopyChanges
from isomanager.library.opening import Library
from isomanager.library.reserving import lease_key
from isomanager.model import Copy, CopyState, Outcome, OutcomeKind
from isomanager.storage.contract import Store
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.download import Progress, silent
from isomanager.transfer.reading import stored_pieces

CHECKED = frozenset({CopyState.HELD, CopyState.SUSPECT})


def held_copies(library: Library, names: Sequence[str] = ()) -> tuple[Copy, ...]:
    """The copies of these families, products, titles or paths; every held one when nothing is named."""
    copies = library.inventory.copies(states=CHECKED)
    if not names:
        return copies
    wanted = {name.lower() for name in names}
    chosen = tuple(copy for copy in copies if wanted & _names(copy))
    if not chosen:
        raise UsageError(
            f"No image that is held is called {' or '.join(names)}.", hint="`isomanager list` shows what is held."
        )
    return chosen


def _names(copy: Copy) -> set[str]:
    title = copy.title
    flavored = f"{title.product}/{title.flavor}"
    names = {title.family.value, title.product, flavored, f"{flavored}@{title.version}", copy.path, copy.id}
    return {name.lower() for name in names}


def check_copy(library: Library, copy: Copy, *, quick: bool = False, progress: Progress = silent) -> Outcome:
    """Current when the bytes are those of the receipt; failed otherwise, and then the copy is suspect.

    `quick` looks only at presence and size. A store that does not answer proves nothing against the copy.
    """
    from isomanager.inventory.leases import HeldLease

    started = monotonic()
    try:
        with HeldLease(library.inventory, lease_key(copy.id), library.owner) as lease:
            complaint = _complaint(library.store(copy.repository), copy, quick, progress)
            state = CopyState.SUSPECT if complaint else CopyState.HELD
            changes: CopyChanges = {} if complaint or quick else {"proved_at": library.now()}
            if complaint:
                changes["reason"] = complaint
            if not (quick and copy.state is CopyState.SUSPECT):
                library.inventory.transition(
                    copy.id,
                    state,
                    expected=CHECKED,
                    lease=lease,
                    **changes,
                )
    except IsoManagerError as wrong:
        complaint = str(wrong)
    return Outcome(
        outcome=OutcomeKind.FAILED if complaint else OutcomeKind.CURRENT,
        title=copy.title,
        repository=copy.repository,
        path=copy.path,
        reason=complaint or ("there, and of the right size" if quick else "proved again"),
        code="failed-proof" if complaint else "",
        bytes=0,
        seconds=monotonic() - started,
        assurance=copy.assurance,
    )


def _complaint(store: Store, copy: Copy, quick: bool, progress: Progress) -> str:
    """What is wrong with the copy; empty when nothing is."""
    entry = store.stat(copy.path)
    if entry is None:
        return f"{copy.path} is missing"
    if entry.size != copy.size:
        return f"{copy.path} has {entry.size} bytes instead of {copy.size}"
    if quick:
        return ""
    found = digests_of(_told(stored_pieces(store, copy.path), entry.size, progress), ["sha256"])["sha256"]
    return "" if found == copy.sha256 else f"{copy.path} has SHA-256 {found} instead of {copy.sha256}"


def _told(pieces: Iterator[bytes], total: int, progress: Progress) -> Iterator[bytes]:
    done = 0
    for piece in pieces:
        done += len(piece)
        progress(done, total)
        yield piece
