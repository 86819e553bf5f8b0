"""Dedupe: copies of a repository that have the same bytes become one image on its disk."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from prefect import flow

from flows.reporting import finish
from flows.running import running
from isomanager.library.deduping import Way, duplicates_report, plan_duplicates
from isomanager.library.indexing import refresh_indexes
from isomanager.library.outcomes import RunReport
from isomanager.library.recording import recorded
from isomanager.library.recovering import recover
from tasks.dedupe import dedupe as dedupe_one


@flow(name="dedupe", flow_run_name="dedupe", persist_result=False)
def dedupe(repositories: Sequence[str] = (), way: Way = "auto", dry_run: bool = True) -> RunReport:
    """Let images that are held twice in one repository take the room of one. Both are read first, and both keep their names.

    Args:
        repositories: Which repositories; none means all.
        way: auto: shared blocks, else a second name of the same file. reflink: shared blocks only. hardlink: a second name only.
        dry_run: Only show what is held twice.
    """
    started = monotonic()
    with running() as library:
        found = recover(library)
        planned = plan_duplicates(library, repositories)
        if dry_run:
            return duplicates_report(planned)
        with recorded(library, "dedupe") as record:
            outcomes = record(tuple(dedupe_one(one.image, one, way) for one in planned))
        indexes = refresh_indexes(library)
        report = RunReport(outcomes=outcomes, recovered=found, indexes=indexes, seconds=monotonic() - started)
        return finish(library, report)
