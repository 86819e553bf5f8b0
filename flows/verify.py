"""Verify: read held copies again and hold them against their receipts."""

from __future__ import annotations

from functools import partial
from time import monotonic

from prefect import flow

from flows.reporting import finish
from flows.running import awaited, image_threads, named, running
from isomanager.library.checking import held_copies, unchecked_outcome
from isomanager.library.indexing import refresh_indexes
from isomanager.library.outcomes import RunReport
from isomanager.library.recording import recorded
from tasks.check import check


@flow(name="verify", flow_run_name=named("verify"), task_runner=image_threads(), persist_result=False)
def verify(what: list[str] = [], quick: bool = False) -> RunReport:  # noqa: B006 - never changed
    """Prove held images again. One that fails is marked suspect: not served, not counted, not deleted.

    Args:
        what: Families, products, selectors or paths; none means everything that is held.
        quick: Look only at presence and size, without reading the bytes.
    """
    started = monotonic()
    with running() as library, recorded(library, "verify") as record:
        asked = [(copy, check.submit(str(copy.title), copy, quick)) for copy in held_copies(library, what)]
        outcomes = record(tuple(awaited(future, partial(unchecked_outcome, copy)) for copy, future in asked))
        indexes = refresh_indexes(library)
        return finish(library, RunReport(outcomes=outcomes, indexes=indexes, seconds=monotonic() - started))
