"""Trash: what was retired, how long it can come back, bringing it back, and emptying before its time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic

from isomanager.errors import InventoryError, IsoManagerError, UsageError
from isomanager.inventory.leases import Lease
from isomanager.library.checking import copies_named, unchecked_outcome
from isomanager.library.leasing import leased_copy
from isomanager.library.opening import Library
from isomanager.library.pinning import pin_image
from isomanager.library.pruning import remove_trashed
from isomanager.model import Copy, CopyState, Outcome, OutcomeKind
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.progress import Progress, silent
from isomanager.transfer.reading import stored_pieces

RESTORED = "restored from the trash"
"""The reason of the pin that keeps a restored image from being retired again by the next run."""


def trashed(library: Library, names: Sequence[str] = ()) -> tuple[Copy, ...]:
    """What is in the trash and is called so; all of it when nothing is named. UsageError when nothing fits."""
    copies = library.inventory.copies(states={CopyState.TRASHED})
    chosen = copies_named(library, copies, names)
    if names and not chosen:
        raise UsageError(
            f"Nothing in the trash is called {' or '.join(names)}.", hint="`isomanager trash list` shows what is there."
        )
    return chosen


def stays_until(library: Library, copy: Copy) -> datetime:
    """When what is in the trash may go for good."""
    return copy.changed_at + timedelta(days=library.settings.trash_days)


def restore(library: Library, copy: Copy, *, progress: Progress = silent) -> Outcome:
    """Published when the image is back under its name, proved by reading it, and pinned there; failed with the reason otherwise.

    What fails its proof is suspect from then on. A crash in between is settled by the next run, from what the store shows.
    """
    started = monotonic()
    try:
        with leased_copy(library, copy.id) as lease:
            restored = _restored(library, copy, lease, progress)
    except IsoManagerError as wrong:
        return unchecked_outcome(copy, wrong)
    held = restored.state is CopyState.HELD
    if held:
        pin_image(library, restored, RESTORED)
    released = f"; it is pinned: `isomanager release '{restored.path}'` lets retention judge it again"
    return Outcome(
        outcome=OutcomeKind.PUBLISHED if held else OutcomeKind.FAILED,
        title=copy.title,
        repository=copy.repository,
        path=copy.path,
        reason=f"{RESTORED} and proved{released}" if held else restored.reason,
        code="restored" if held else "failed-proof",
        seconds=monotonic() - started,
        assurance=copy.assurance,
    )


def _restored(library: Library, copy: Copy, lease: Lease, progress: Progress) -> Copy:
    inventory, store = library.inventory, library.store(copy.repository)
    if store.stat(copy.path) is not None:
        raise InventoryError(
            f"{copy.path} is taken by another file, so {copy.title} stays in the trash.",
            code="name-taken",
            hint="Move that file away, or let it be taken in with `isomanager scan`.",
        )
    restoring = inventory.transition(copy.id, CopyState.RESTORING, expected=CopyState.TRASHED, lease=lease)
    store.move(restoring.trash_path, restoring.path)
    entry = store.stat(copy.path)
    progress(0, entry.size if entry else None)
    found = digests_of(stored_pieces(store, copy.path), ["sha256"])["sha256"]
    if found != copy.sha256:
        told = f"{copy.path} came back from the trash with SHA-256 {found} instead of {copy.sha256}"
        return inventory.transition(copy.id, CopyState.SUSPECT, expected=CopyState.RESTORING, lease=lease, reason=told)
    return inventory.transition(
        copy.id, CopyState.HELD, expected=CopyState.RESTORING, lease=lease, proved_at=library.now(), reason=RESTORED
    )


def empty(library: Library, copies: Sequence[Copy]) -> tuple[Outcome, ...]:
    """Remove these for good, before their time; an outcome each."""
    return tuple(_removed(library, copy) for copy in copies)


def _removed(library: Library, copy: Copy) -> Outcome:
    failed = remove_trashed(library, copy, "removed from the trash by a person")
    return failed or Outcome(
        outcome=OutcomeKind.RETIRED,
        title=copy.title,
        repository=copy.repository,
        path=copy.trash_path,
        reason="removed from the trash for good",
        code="emptied",
    )
