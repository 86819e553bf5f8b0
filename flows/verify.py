"""Verify: read held copies again and hold them against their receipts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import monotonic

from prefect import flow

from flows.reporting import finish
from flows.running import awaited, image_threads, named, running
from isomanager.library.checking import held_copies, unchecked_outcome
from isomanager.library.indexing import refresh_indexes
from isomanager.library.outcomes import RunReport
from isomanager.library.recording import recorded
from isomanager.model import Copy, Outcome
from tasks.check import check
from tasks.repair import repair as repair_task


@flow(name="verify", flow_run_name=named("verify"), task_runner=image_threads(), persist_result=False)
def verify(what: list[str] = [], quick: bool = False, repair: bool = False) -> RunReport:  # noqa: B006 - never changed
    """Prove held images again. One that fails is marked suspect: not served, not counted, not deleted.

    Args:
        what: Families, products, selectors or paths; none means everything that is held.
        quick: Look only at presence and size, without reading the bytes.
        repair: Make what failed whole again, fetching no more than its bad parts where that is possible.
    """
    started = monotonic()
    with running() as library, recorded(library, "verify") as record:
        asked = [(copy, check.submit(str(copy.title), copy, quick)) for copy in held_copies(library, what)]
        found = [(copy, awaited(future, partial(unchecked_outcome, copy))) for copy, future in asked]
        outcomes = record(repaired(found) if repair else tuple(outcome for _, outcome in found))
        indexes = refresh_indexes(library)
        return finish(library, RunReport(outcomes=outcomes, indexes=indexes, seconds=monotonic() - started))


def repaired(found: Sequence[tuple[Copy, Outcome]]) -> tuple[Outcome, ...]:
    """The outcomes, those of copies that failed their proof replaced by what became of their repair."""
    going = {
        copy.id: repair_task.submit(str(copy.title), copy) for copy, outcome in found if outcome.code == "failed-proof"
    }
    return tuple(
        awaited(going[copy.id], partial(unchecked_outcome, copy)) if copy.id in going else outcome
        for copy, outcome in found
    )
