"""Prune: retire what a fresh judgement still lets go, into the trash; remove from the trash what its grace has ended for."""

from __future__ import annotations

import logging
import posixpath
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

from isomanager.errors import InventoryError, IsoManagerError, LeaseLost
from isomanager.inventory.groups import Step
from isomanager.library.aliasing import point_aliases, reasons_of_aliases
from isomanager.library.leasing import copy_key, leased_all, leased_copy, reading_key
from isomanager.library.opening import Library
from isomanager.library.outcomes import failed_outcome
from isomanager.library.pinning import protections
from isomanager.library.support import ended_before_grace
from isomanager.model import Action, Copy, CopyState, Outcome, OutcomeKind
from isomanager.planning.deciding import Rules
from isomanager.planning.judging import judge_retention
from isomanager.planning.update import retirement
from isomanager.planning.wanting import Guards, Want, supported_always
from isomanager.storage.contract import INTERNAL

_log = logging.getLogger(__name__)

TRASH = f"{INTERNAL}/trash"


def require_unfrozen(library: Library) -> None:
    """Refuse to delete while a person wants nothing deleted."""
    frozen = library.inventory.frozen()
    if frozen is not None:
        why = f" ({frozen.reason})" if frozen.reason else ""
        raise InventoryError(
            f"The library is frozen since {frozen.at:%Y-%m-%d %H:%M}{why}: nothing is deleted.",
            code="frozen",
            hint="`isomanager unfreeze` allows it again.",
        )


def guards_for(library: Library, repositories: Iterable[str], *, seen: Collection[str] = ()) -> Guards:
    """What may be deleted now. A repository that cannot be listed, or lists nothing though it should, loses nothing; those `seen`
    to hold files just now need not be listed for it."""
    names, settings = tuple(repositories), library.settings
    return Guards(
        max_deletes=settings.max_deletes,
        max_delete_bytes=settings.max_delete_bytes,
        max_delete_share=settings.max_delete_share,
        frozen=library.inventory.frozen() is not None,
        listed=frozenset(name for name in names if name in seen or _is_listed(library, name)),
        protected=protections(library),
        aliased=partial(reasons_of_aliases, library),
        unsupported=partial(ended_before_grace, library) if settings.eol_grace_days else supported_always,
    )


def _is_listed(library: Library, repository: str) -> bool:
    try:
        return next(iter(library.store(repository).list()), None) is not None
    except IsoManagerError:
        return False  # the guard's very purpose; whoever needs the store next gets the error itself


def prune_repository(
    library: Library, repository: str, planned: Sequence[Action], wants: Sequence[Want]
) -> tuple[Outcome, ...]:
    """Carry out the planned retirements of one repository, as far as they are still right.

    Judged anew from what is held at this moment: what has become wanted since the plan, or whose replacement did not arrive,
    stays and says so. The trash is emptied of what its grace has ended for, also when nothing was planned.
    """
    outcomes = _carried_out(library, repository, planned, wants) if planned else ()
    return (*outcomes, *empty_trash(library, repository))


def _carried_out(
    library: Library, repository: str, planned: Sequence[Action], wants: Sequence[Want]
) -> tuple[Outcome, ...]:
    rules = Rules(library.selects, guards_for(library, [repository]), reaches=library.reaches)
    known = library.inventory.copies_of([action.copy_id for action in planned])
    verdicts = judge_retention(known, wants, library.inventory, rules, now=library.now())
    point_aliases(library, repository)  # before anything goes, so that none ever leads nowhere
    outcomes: list[Outcome] = []
    for action in planned:
        verdict = verdicts.get(action.copy_id)
        if verdict is None:
            outcomes.append(_skipped(action, "it is no longer held"))
        elif verdict.stays:
            outcomes.append(_skipped(action, f"it stays after all: {verdict.reason}"))
        else:
            outcomes.append(_retired(library, retirement(verdict.copy, verdict.reason, verdict.archives)))
    return tuple(outcomes)


def _skipped(action: Action, reason: str) -> Outcome:
    return Outcome(
        outcome=OutcomeKind.SKIPPED, title=action.title, repository=action.repository, path=action.path, reason=reason
    )


def _retired(library: Library, action: Action) -> Outcome:
    try:
        copy = library.inventory.copy(action.copy_id)
        _archived(library, copy, action.archives)
        retire(library, copy, action.reason)
    except IsoManagerError as wrong:
        return failed_outcome(action, wrong)
    return Outcome(
        outcome=OutcomeKind.RETIRED,
        title=action.title,
        repository=action.repository,
        path=action.path,
        reason=action.reason,
    )


def _archived(library: Library, copy: Copy, archives: Sequence[str]) -> None:
    if archives:  # imported here: a plan, which only looks, needs no transfer
        from isomanager.library.archiving import archive_copy

        for repository in archives:
            archive_copy(library, copy, repository)


def trash_path(copy: Copy) -> str:
    """Where a retired copy waits: its id keeps names apart, its name stays readable."""
    return f"{TRASH}/{copy.id}/{posixpath.basename(copy.path)}"


def retire(library: Library, copy: Copy, reason: str) -> Copy:
    """Move a held copy to the trash: announced, done, recorded. LeaseLost when somebody is working on it, or reads it;
    InventoryError (frozen) while nothing may be deleted."""
    require_unfrozen(library)
    if library.inventory.has_lease(reading_key(copy.id)):
        raise LeaseLost(f"{copy.path} is being read by a sync.", hint="The next run lets it go.", copy_id=copy.id)
    with leased_copy(library, copy.id) as lease:
        retiring = library.inventory.transition(
            copy.id,
            CopyState.RETIRING,
            expected=CopyState.HELD,
            lease=lease,
            trash_path=trash_path(copy),
            reason=reason,
        )
        library.store(copy.repository).move(copy.path, retiring.trash_path)
        return library.inventory.transition(copy.id, CopyState.TRASHED, expected=CopyState.RETIRING, lease=lease)


def retire_all(library: Library, going: Sequence[tuple[Copy, str]]) -> dict[str, IsoManagerError]:
    """Move several held copies of one repository to its trash, each for its reason, with four commits for all of them; why one
    stayed, by its id. What one of them is in the way of is done one by one."""
    require_unfrozen(library)
    if len(going) > 1 and not any(library.inventory.has_lease(reading_key(copy.id)) for copy, _ in going):
        try:
            return _retired_together(library, going)
        except (InventoryError, LeaseLost):
            _log.debug("%d copies are retired one by one: one of them is in the way", len(going))
    failed: dict[str, IsoManagerError] = {}
    for copy, reason in going:
        try:
            retire(library, copy, reason)
        except IsoManagerError as wrong:
            failed[copy.id] = wrong
    return failed


def _retired_together(library: Library, going: Sequence[tuple[Copy, str]]) -> dict[str, IsoManagerError]:
    copies = [copy for copy, _ in going]
    store = library.store(copies[0].repository)
    failed: dict[str, IsoManagerError] = {}

    def move(copy: Copy) -> None:
        try:
            store.move(copy.path, trash_path(copy))
        except IsoManagerError as wrong:
            failed[copy.id] = wrong  # its row still says retiring: recovery looks

    with leased_all(library, [copy_key(copy.id) for copy in copies]) as leases:
        steps = [
            Step(copy.id, CopyState.RETIRING, CopyState.HELD, lease, trash_path=trash_path(copy), reason=reason)
            for (copy, reason), lease in zip(going, leases, strict=True)
        ]
        library.inventory.transition_all(steps)
        with ThreadPoolExecutor(store.traits.at_once, thread_name_prefix="retiring") as pool:
            list(pool.map(move, copies))
        library.inventory.transition_all(
            [
                Step(one.copy_id, CopyState.TRASHED, CopyState.RETIRING, one.lease)
                for one in steps
                if one.copy_id not in failed
            ]
        )
    return failed


def empty_trash(library: Library, repository: str) -> tuple[Outcome, ...]:
    """Remove for good what has been in the trash longer than `trash_days`; the rows stay, with their reason.

    The outcomes of what could not be removed: it is tried again in the next run. While the library is frozen, all of it waits.
    """
    if library.inventory.frozen() is not None:
        return ()
    told = f"removed from the trash after {library.settings.trash_days} days"
    tried = (remove_trashed(library, copy, told) for copy in overdue(library, repository))
    return tuple(outcome for outcome in tried if outcome is not None)


def overdue(library: Library, repository: str | None = None) -> tuple[Copy, ...]:
    """What has been in the trash longer than `trash_days`, in one repository or in all."""
    until = library.now() - timedelta(days=library.settings.trash_days)
    trashed = library.inventory.copies(repository, states={CopyState.TRASHED})
    return tuple(copy for copy in trashed if copy.changed_at <= until)


def remove_trashed(library: Library, copy: Copy, told: str) -> Outcome | None:
    """Remove one for good, its row keeping why it was retired and what was `told`; the outcome when that failed."""
    try:
        require_unfrozen(library)
        with leased_copy(library, copy.id) as lease:
            if library.inventory.copy(copy.id).state is CopyState.TRASHED:
                library.store(copy.repository).delete(copy.trash_path)
                reason = f"{copy.reason}; {told}"
                library.inventory.transition(
                    copy.id, CopyState.GONE, expected=CopyState.TRASHED, lease=lease, reason=reason
                )
    except IsoManagerError as wrong:
        return failed_outcome(retirement(copy, copy.reason), wrong)
    return None
