"""What people say in the UI of letting go: pin, hold, release, freeze, restore from the trash, empty it, try refused ones again."""

from __future__ import annotations

from functools import partial
from time import monotonic
from typing import Literal

from prefect import flow

from flows.reporting import finish
from flows.running import awaited, image_threads, named, running
from isomanager.library import pinning, refusals
from isomanager.library import trash as trashes
from isomanager.library.checking import unchecked_outcome
from isomanager.library.indexing import refresh_indexes
from isomanager.library.outcomes import RunReport
from isomanager.library.recording import recorded
from isomanager.library.recovering import recover
from isomanager.model import Outcome, OutcomeKind
from tasks.restore import restore as restore_task


@flow(name="pin", flow_run_name="{kind} {names}", persist_result=False)
def pin(
    names: list[str], kind: Literal["pin", "hold", "release"] = "pin", reason: str = "", until: str = ""
) -> list[str]:
    """Say that something stays, or that it need no longer.

    Args:
        names: Selectors such as ubuntu/server@24.04, or paths, titles or ids of what is held.
        kind: pin keeps what is named; hold also fetches nothing newer in its place; release takes either back.
        reason: Why, for whoever asks later.
        until: When it ends by itself: a date such as 2027-01-31, or a time from now such as 90d; empty for no end.
    """
    with running() as library:
        if kind == "release":
            return [f"{one.name} is released" for name in names for one in pinning.release(library, name)]
        end = pinning.end_of(until, library.now())
        pins = [one for name in names for one in pinning.pin(library, name, kind, reason=reason, until=end)]
        return [f"{one.kind} {one.name}" for one in pins]


@flow(name="freeze", flow_run_name="freeze {frozen}", persist_result=False)
def freeze(frozen: bool = True, reason: str = "") -> str:
    """Nothing is deleted anywhere, not even from the trash, until you run this with the switch off.

    Args:
        frozen: On: nothing is deleted. Off: deletions are allowed again.
        reason: Why, for whoever asks later.
    """
    with running() as library:
        if frozen:
            return f"frozen since {library.inventory.freeze(reason).at:%Y-%m-%d %H:%M}"
        return "deletions are allowed again" if library.inventory.unfreeze() else "it was not frozen"


@flow(name="trash", flow_run_name=named("trash"), task_runner=image_threads(), persist_result=False)
def trash(what: list[str], action: Literal["restore", "empty"] = "restore") -> RunReport:
    """Bring retired images back from the trash, proved again, or remove them for good.

    Args:
        what: Titles, families or products of what is in the trash; all means all of it.
        action: restore brings back and pins; empty removes for good, before the grace has ended.
    """
    started = monotonic()
    with running() as library, recorded(library, "trash") as record:
        found = recover(library)
        copies = trashes.trashed(library, [] if what == ["all"] else what)
        if action == "empty":
            outcomes = trashes.empty(library, copies)
        else:
            asked = [(copy, restore_task.submit(str(copy.title), copy)) for copy in copies]
            outcomes = tuple(awaited(future, partial(unchecked_outcome, copy)) for copy, future in asked)
        record(outcomes)
        indexes = refresh_indexes(library)
        report = RunReport(outcomes=outcomes, recovered=found, indexes=indexes, seconds=monotonic() - started)
        return finish(library, report)


@flow(name="release-quarantine", flow_run_name=named("release-quarantine"), persist_result=False)
def release_quarantine(what: list[str]) -> RunReport:
    """Forget refusals, so that the next update fetches those images and judges them again.

    Args:
        what: Families, products, titles, selectors or ids of refusals.
    """
    with running() as library:
        outcomes = tuple(
            Outcome(outcome=OutcomeKind.SKIPPED, title=one.title, reason="released: the next update tries it again")
            for one in refusals.release(library, what)
        )
        return finish(library, RunReport(outcomes=outcomes))
