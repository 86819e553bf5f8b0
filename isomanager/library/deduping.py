"""Dedupe: copies of one repository with the same bytes become one image on its disk, each under its own name.

Blocks that are shared (reflinks) come first: a file that is damaged later does not take the other with it. Where a filesystem has
none, a second name of the same file (a hard link) saves as much, and damage to one is damage to both.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Literal

from isomanager.errors import IsoManagerError, Refused, StoreError
from isomanager.inventory.searching import CopySearch
from isomanager.library.leasing import leased, leased_copy, reading
from isomanager.library.opening import Library
from isomanager.library.outcomes import RunReport
from isomanager.model import Copy, CopyState, Outcome, OutcomeKind
from isomanager.planning.deduping import Duplicate, plan_dedupe
from isomanager.storage.contract import Store
from isomanager.storage.local import LocalStore
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.reading import stored_pieces

Way = Literal["auto", "reflink", "hardlink"]
SHARES = "shares the bytes of"
"""The note of a copy whose blocks are another's: nobody can tell it from the files."""

_TOLD = {"reflink": "shares its blocks with", "hardlink": "is a second name of"}


def plan_duplicates(library: Library, repositories: Iterable[str] = ()) -> tuple[Duplicate, ...]:
    """What may be shared in these repositories; none means all. A place that has neither way says so of each of its duplicates."""
    names = tuple(repositories) or tuple(one.name for one in library.inventory.repositories())
    return tuple(one for name in names for one in _planned(library, name))


def _planned(library: Library, name: str) -> tuple[Duplicate, ...]:
    library.inventory.repository(name)
    store = library.store(name)
    copies = library.inventory.search(CopySearch(repositories=(name,), states=(CopyState.HELD,), doubles=True))
    found = plan_dedupe(copies, in_use=library.inventory.copies_in_use(), shares=partial(_share_already, store))
    if isinstance(store, LocalStore):
        return found
    told = f"{name} is no folder of this machine: its files cannot share bytes"
    return tuple(one.model_copy(update={"code": "no-sharing", "reason": f"{one.reason}; {told}"}) for one in found)


def _share_already(store: Store, original: Copy, copy: Copy) -> bool:
    if copy.metadata.get(SHARES) == original.path:
        return True
    return isinstance(store, LocalStore) and store.is_same_file(original.path, copy.path)


def dedupe_copy(library: Library, planned: Duplicate, way: Way = "auto") -> Outcome:
    """Let one copy share the bytes of its original, after both were read: what is damaged is neither shared nor replaced."""
    told = {"selector": planned.image, "repository": planned.repository, "path": planned.path}
    if planned.code:
        return Outcome(outcome=OutcomeKind.SKIPPED, reason=planned.reason, code=planned.code, **told)
    try:
        how = _shared(library, planned, way)
    except IsoManagerError as wrong:
        return Outcome(outcome=OutcomeKind.FAILED, reason=str(wrong), code=wrong.code, **told)
    if how is None:
        reason = f"{planned.reason}; its disk cannot share {'blocks' if way == 'reflink' else 'files'} between the two"
        return Outcome(outcome=OutcomeKind.SKIPPED, reason=reason, code="no-sharing", **told)
    reason = f"it {_TOLD[how]} {planned.original}: {planned.size} bytes are free"
    return Outcome(outcome=OutcomeKind.CURRENT, reason=reason, code=how, **told)


def _shared(library: Library, planned: Duplicate, way: Way) -> Literal["reflink", "hardlink"] | None:
    store = library.store(planned.repository)
    if not isinstance(store, LocalStore):
        return None
    with (
        leased(library, f"dedupe:{planned.repository}"),
        leased_copy(library, planned.copy_id) as lease,
        reading(library, planned.original_id),
    ):
        copy, original = library.inventory.copy(planned.copy_id), library.inventory.copy(planned.original_id)
        for one, path in ((copy, planned.path), (original, planned.original)):
            _require(store, one, path)
        for link in {"auto": (False, True), "reflink": (False,), "hardlink": (True,)}[way]:
            if store.share(copy.path, original.path, link=link):
                notes = copy.metadata if link else {**copy.metadata, SHARES: original.path}
                changes = {"metadata": notes, "proved_at": library.now()}
                library.inventory.transition(
                    copy.id, CopyState.HELD, expected=CopyState.HELD, lease=lease, **changes  # type: ignore[arg-type]
                )  # fmt: skip
                return "hardlink" if link else "reflink"
    return None


def _require(store: LocalStore, copy: Copy, path: str) -> None:
    """StoreError (changed) when the copy is no longer what was planned with; Refused (wrong-digest) when its bytes are others."""
    if (copy.state, copy.path) != (CopyState.HELD, path):
        raise StoreError(
            f"{path} has changed since the plan.", code="changed", hint="The next run looks again.", path=path
        )
    found = digests_of(stored_pieces(store, path), ["sha256"])["sha256"]
    if found != copy.sha256:
        raise Refused(
            f"{path} has SHA-256 {found} instead of {copy.sha256}: it is damaged, and nothing was shared.",
            code="wrong-digest", hint=f"isomanager verify --repair '{path}'", path=path,
        )  # fmt: skip


def duplicates_report(planned: Iterable[Duplicate]) -> RunReport:
    """A dry run's report: nothing was changed."""
    return RunReport(
        outcomes=tuple(
            Outcome(
                outcome=OutcomeKind.SKIPPED, selector=one.image, repository=one.repository, path=one.path, code=one.code,
                reason=one.reason if one.code else f"would share its {one.size} bytes: {one.reason}",
            )
            for one in planned
        )
    )  # fmt: skip
