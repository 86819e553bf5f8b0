"""Layout: put the images of a repository where another layout wants them; nothing is fetched."""

from __future__ import annotations

from time import monotonic

from prefect import flow

from flows.reporting import finish
from flows.running import running
from isomanager.library.indexing import refresh_indexes
from isomanager.library.outcomes import RunReport
from isomanager.library.recording import recorded
from isomanager.library.recovering import recover
from isomanager.library.relocating import moves_report, plan_layout, set_layout
from tasks.move import move


@flow(name="layout", flow_run_name="layout {repository}", persist_result=False)
def layout(repository: str = "default", layout: str = "default", dry_run: bool = True) -> RunReport:
    """Give a repository another layout: new images go there from now on, and those that are held are moved inside the store.

    Args:
        repository: The repository.
        layout: default, by-type, by-date, by-version, upstream-name, a template such as {Name}/{version}.iso, or a tree as JSON.
        dry_run: Only show what would move.
    """
    started = monotonic()
    with running() as library:
        found = recover(library)
        moves = plan_layout(library, repository, layout)
        if dry_run:
            return moves_report(moves, repository)
        set_layout(library, repository, layout)
        with recorded(library, "layout") as record:
            outcomes = record(tuple(move(one.image, repository, one) for one in moves))
        indexes = refresh_indexes(library)
        report = RunReport(outcomes=outcomes, recovered=found, indexes=indexes, seconds=monotonic() - started)
        return finish(library, report)
