"""Standing: who does what now, and what has got stuck since when, from leases, copies and runs alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from isomanager.errors import IsoManagerError
from isomanager.inventory.leases import SeenLease
from isomanager.inventory.life import RESTING
from isomanager.inventory.runs import Run
from isomanager.library.opening import Library
from isomanager.model import Copy, CopyState, Value

WORKING = frozenset(CopyState) - RESTING
"""States in which somebody should be at work on a copy."""
_SEEN_RUNS = 50


class Work(Value):
    """One copy that is being worked on, or was. `done` of `total` bytes are there; `stuck` says why nobody is at it."""

    image: str
    repository: str
    path: str
    state: CopyState
    since: AwareDatetime
    who: str = ""
    done: int | None = None
    total: int | None = None
    stuck: str = ""


class Standing(Value):
    """The library at a moment. `alarm` is "" while all is well."""

    at: AwareDatetime
    work: tuple[Work, ...] = ()
    runs: tuple[Run, ...] = ()
    last: Run | None = None
    alarm: str = ""


def standing(library: Library) -> Standing:
    """What is being done. Nobody is asked but the inventory, and the stores that have unfinished files."""
    inventory, now = library.inventory, library.now()
    copies = inventory.copies(states=WORKING)
    leases = {one.key: one for one in inventory.leases()}
    sizes = {name: _sizes(library, name) for name in {one.repository for one in copies}}
    last = inventory.last_finished()
    return Standing(
        at=now,
        work=tuple(
            work_on(one, leases.get(f"copy:{one.id}"), sizes[one.repository].get(one.partial or "")) for one in copies
        ),
        runs=tuple(one for one in inventory.runs(_SEEN_RUNS) if one.finished_at is None),
        last=last,
        alarm=alarm(last, now, library.settings.alarm_days, wanted=bool(inventory.subscriptions())),
    )


def work_on(copy: Copy, lease: SeenLease | None, size: tuple[int, int | None] | None) -> Work:
    """What is known of the work on a copy, given the lease on it and how many bytes of how many are there. Pure."""
    done, total = size or (None, None)
    return Work(
        image=str(copy.title),
        repository=copy.repository,
        path=copy.path,
        state=copy.state,
        since=copy.changed_at,
        who=lease.owner if lease and lease.live else "",
        done=done,
        total=total if total is not None else copy.size,
        stuck=_stuck(copy, lease),
    )


def _stuck(copy: Copy, lease: SeenLease | None) -> str:
    if lease is None:
        return f"nobody is at it since {copy.changed_at:%Y-%m-%d %H:%M} UTC; the next run goes on with it"
    if not lease.live:
        return f"{lease.owner} was last heard of at {lease.heard_at:%Y-%m-%d %H:%M} UTC; the next run takes it over"
    return ""


def alarm(last: Run | None, now: datetime, days: int, *, wanted: bool) -> str:
    """What should worry a person: nothing has run for `days` days although something is wanted; "" otherwise. Pure."""
    if not wanted:
        return ""
    if last is None or last.finished_at is None:
        return "No run has ever been finished: `isomanager update`, or let `isomanager serve` run them every night."
    silent = now - last.finished_at
    if silent < timedelta(days=days):
        return ""
    return (
        f"No run has been finished for {silent.days} days: look whether `isomanager serve` or the workers are running."
    )


def _sizes(library: Library, repository: str) -> Mapping[str, tuple[int, int | None]]:
    """Bytes that are there, and of how many, by partial. A store that does not answer tells nothing."""
    try:
        return {one.key: (one.front, one.size) for one in library.store(repository).partials()}
    except IsoManagerError:
        return {}


def run_called(runs: Sequence[Run], name: str) -> Run | None:
    """The run whose id begins with `name`; the newest where it is the name of a job."""
    return next((one for one in runs if one.id.startswith(name) or one.name == name), None)
