"""What to do with a copy whose writer died: a decision from the state the database has and from what the store shows.

Nothing here acts. No decision deletes bytes under a final name, and a live lease is always left alone. Deciding again after a
decision was carried out comes to rest: the next decision leaves the copy as it is, or says again what a transfer must do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from isomanager.model import ActionKind, Copy, CopyState, Plan
from isomanager.planning.wanting import Selects, Want


@dataclass(frozen=True)
class Seen:
    """What the store shows of one copy, in bytes; None where nothing is.

    `partial` is the durable front of the unfinished file, `final` the size of what stands under the copy's path, `trash` of
    what stands under its trash path, `receipt` whether its receipt is there. `reachable` is False when the store did not
    answer, or its listing failed or came back empty: then what it does not show means nothing.
    """

    partial: int | None = None
    final: int | None = None
    receipt: bool = False
    trash: int | None = None
    reachable: bool = True


class RecoveryKind(StrEnum):
    """What recovery can do. None of it deletes a file under a final name or in the trash."""

    LEAVE = "leave"
    RESUME = "resume"
    """The next transfer continues the partial."""
    RENAME = "rename"
    """Choose a free name; a copy that was publishing goes back to received."""
    PUBLISH = "publish"
    """Prove the partial, put the receipt, publish it."""
    ADOPT = "adopt"
    """Prove the file under the final name against its receipt, and hold it."""
    HOLD = "hold"
    """Back to held; whatever retired it is planned again."""
    DOUBT = "doubt"
    """To suspect."""
    TRASH = "trash"
    """To trashed; the file is there already."""
    RESTORE = "restore"
    """Move it from the trash to its place, prove it, and hold it."""
    PUT_RECEIPT = "put-receipt"
    """Write the receipt that the database has beside the copy again."""
    DISCARD_PARTIAL = "discard-partial"
    """Remove what is left of the partial."""
    FORGET = "forget"
    """To gone; files that are there are left where they are."""
    REPORT = "report"
    """Tell a person; nothing is touched."""


@dataclass(frozen=True)
class RecoveryAction:
    """What to do with one copy or one file, and why. `reread`: the bytes are hashed again before they are relied upon."""

    kind: RecoveryKind
    reason: str
    copy_id: str = ""
    partial: str = ""
    path: str = ""
    reread: bool = False


@dataclass(frozen=True)
class OrphanPartial:
    """An unfinished file in the store, by its key. `changed_at` is None when the store cannot say when it last grew."""

    key: str
    changed_at: datetime | None = None


ORPHAN_GRACE = timedelta(days=1)
"""How long a partial that no copy names is left alone: another instance may be about to name it."""


def decide_recovery(copy: Copy, seen: Seen, lease_live: bool) -> RecoveryAction:
    """What to do with `copy`, given what the store shows of it and whether somebody is working on it."""
    if lease_live:
        return _act(copy, RecoveryKind.LEAVE, "Somebody is working on it.")
    if not seen.reachable:
        return _act(copy, RecoveryKind.LEAVE, "The repository does not answer, so what it does not show means nothing.")
    if copy.state == CopyState.RESERVED:
        return _reserved(copy, seen)
    elif copy.state == CopyState.RECEIVED:
        return _received(copy, seen)
    elif copy.state == CopyState.PUBLISHING:
        return _publishing(copy, seen)
    elif copy.state == CopyState.HELD:
        return _held(copy, seen)
    elif copy.state == CopyState.RETIRING:
        return _retiring(copy, seen)
    elif copy.state == CopyState.TRASHED:
        return _trashed(copy, seen)
    elif copy.state == CopyState.RESTORING:
        return _restoring(copy, seen)
    elif copy.state == CopyState.SUSPECT:
        return _act(copy, RecoveryKind.LEAVE, "It failed a proof; only another proof or a person can say more.")
    return _act(copy, RecoveryKind.LEAVE, "It is gone.")


def _reserved(copy: Copy, seen: Seen) -> RecoveryAction:
    if seen.partial is None:
        return _act(copy, RecoveryKind.FORGET, "Its transfer died before the first byte was kept.")
    if seen.final is not None:
        return _act(copy, RecoveryKind.RENAME, "Its name was taken by another file while it was being fetched.")
    return _act(copy, RecoveryKind.RESUME, f"Its transfer died with {seen.partial} bytes kept.")


def _received(copy: Copy, seen: Seen) -> RecoveryAction:
    if seen.partial is None:
        return _act(copy, RecoveryKind.FORGET, "Its bytes were received, but the unfinished file is no longer there.")
    if seen.partial != copy.size:
        return _act(copy, RecoveryKind.FORGET, f"{copy.size} bytes were received, but {seen.partial} are there.")
    if seen.final is not None:
        return _act(copy, RecoveryKind.RENAME, "Its name was taken by another file while it was being fetched.")
    return _act(copy, RecoveryKind.PUBLISH, "It was received whole, but not published.", reread=True)


def _publishing(copy: Copy, seen: Seen) -> RecoveryAction:
    whole = seen.final is not None and seen.final == copy.size
    if seen.partial is not None and seen.partial == copy.size:
        if seen.final is not None and not whole:
            return _act(copy, RecoveryKind.RENAME, "Its name was taken by another file before it was published.")
        # a store that publishes by linking shows both when it died in between, and finds its own file again
        return _act(copy, RecoveryKind.PUBLISH, "Publishing it did not come to its end.", reread=not seen.receipt)
    if whole and seen.receipt:
        return _act(copy, RecoveryKind.ADOPT, "It was published, but that was not noted.", reread=True)
    if whole:
        return _act(
            copy, RecoveryKind.FORGET, "A file has its name and size, but no receipt proves it; it is left there."
        )
    if seen.final is not None:
        return _act(copy, RecoveryKind.FORGET, "Another file has its name, and its own bytes are no longer there.")
    return _act(copy, RecoveryKind.FORGET, "It was never published, and its bytes are no longer there.")


def _held(copy: Copy, seen: Seen) -> RecoveryAction:
    if seen.final is None:
        return _act(copy, RecoveryKind.DOUBT, f"The file {copy.path} is missing.")
    if seen.final != copy.size:
        return _act(copy, RecoveryKind.DOUBT, f"The file {copy.path} has {seen.final} bytes instead of {copy.size}.")
    if not seen.receipt:
        return _act(copy, RecoveryKind.PUT_RECEIPT, "The receipt beside it is missing.")
    if seen.partial is not None:
        return _act(
            copy, RecoveryKind.DISCARD_PARTIAL, "It is published; what is left of its unfinished file is in the way."
        )
    return _act(copy, RecoveryKind.LEAVE, "It is where it should be.")


def _retiring(copy: Copy, seen: Seen) -> RecoveryAction:
    if seen.final is not None and seen.final == copy.size:
        return _act(copy, RecoveryKind.HOLD, "It was to be retired, but is still in its place; the plan is made again.")
    if seen.trash is not None and seen.trash == copy.size:
        return _act(copy, RecoveryKind.TRASH, "It was retired, but that was not noted.")
    return _act(copy, RecoveryKind.FORGET, "It was to be retired, and is whole neither in its place nor in the trash.")


def _trashed(copy: Copy, seen: Seen) -> RecoveryAction:
    if seen.trash is None:
        return _act(copy, RecoveryKind.FORGET, "It is no longer in the trash.")
    if seen.trash != copy.size:
        return _act(copy, RecoveryKind.FORGET, f"{copy.size} bytes were retired, but {seen.trash} are in the trash.")
    return _act(copy, RecoveryKind.LEAVE, "It is in the trash.")


def _restoring(copy: Copy, seen: Seen) -> RecoveryAction:
    in_trash = seen.trash is not None and seen.trash == copy.size
    if seen.final is not None and seen.final == copy.size:
        if seen.receipt:
            return _act(copy, RecoveryKind.ADOPT, "It was restored, but that was not noted.", reread=True)
        return _act(copy, RecoveryKind.PUT_RECEIPT, "It was restored, but the receipt beside it is missing.")
    if in_trash and seen.final is None:
        return _act(copy, RecoveryKind.RESTORE, "Restoring it did not come to its end.", reread=True)
    if in_trash:
        return _act(copy, RecoveryKind.TRASH, "Another file took its place, so it stays in the trash.")
    return _act(copy, RecoveryKind.FORGET, "It was to be restored, and is whole neither in its place nor in the trash.")


def _act(copy: Copy, kind: RecoveryKind, reason: str, *, reread: bool = False) -> RecoveryAction:
    return RecoveryAction(kind, reason, copy_id=copy.id, partial=copy.partial, path=copy.path, reread=reread)


def decide_orphans(
    partials: Iterable[OrphanPartial], copies: Iterable[Copy], now: datetime, grace: timedelta = ORPHAN_GRACE
) -> tuple[RecoveryAction, ...]:
    """What to do with the unfinished files of a repository that none of its `copies` (in any state) names.

    A copy is reserved, with the partial's key, before the first byte; so a partial that no copy names has nobody to finish
    it. It is discarded when it last grew longer ago than `grace`, and reported when the store cannot say when.
    """
    named = {copy.partial for copy in copies if copy.partial and copy.state != CopyState.GONE}
    decided = []
    for partial in partials:
        if partial.key in named or (partial.changed_at is not None and now - partial.changed_at < grace):
            continue
        kind = RecoveryKind.REPORT if partial.changed_at is None else RecoveryKind.DISCARD_PARTIAL
        decided.append(RecoveryAction(kind, "No copy names this unfinished file.", partial=partial.key))
    return tuple(decided)


def decide_abandoned(
    unfinished: Iterable[Copy],
    plan: Plan,
    wants: Sequence[Want],
    *,
    selects: Selects,
    now: datetime,
    grace: timedelta = ORPHAN_GRACE,
) -> tuple[RecoveryAction, ...]:
    """Which unfinished copies nobody will finish: no download of `plan` takes them up, and no subscription that upstream
    did not answer for, or was not asked about in this run, might still want them. They go when nobody worked on them for `grace`.
    """
    taken_up = {
        (one.repository, str(one.title), one.expectation.fingerprint)
        for one in plan.of_kind(ActionKind.DOWNLOAD)
        if one.expectation is not None
    }
    silent = [want.subscription for want in wants if not want.is_answered]
    return tuple(
        _act(copy, RecoveryKind.FORGET, "It was never finished, and nothing wants it any more.")
        for copy in unfinished
        if copy.state in (CopyState.RESERVED, CopyState.RECEIVED)
        and now - copy.changed_at >= grace
        and (copy.repository, str(copy.title), copy.fingerprint) not in taken_up
        and not any(copy.repository in one.repositories and selects(one, copy.title) for one in silent)
    )
