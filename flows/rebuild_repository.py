"""Rebuild a repository: its rows in the database made again from its files, receipts and its own inventory."""

from __future__ import annotations

from functools import partial
from time import monotonic
from typing import Any

from prefect import flow
from prefect.utilities.annotations import quote

from flows.reporting import finish
from flows.running import awaited, image_threads, running
from isomanager.errors import IsoManagerError
from isomanager.library.indexing import refresh_indexes
from isomanager.library.outcomes import RunReport
from isomanager.library.rebuilding import gather_evidence, missing_files, unknown_files
from isomanager.library.recording import recorded
from isomanager.model import Outcome, OutcomeKind
from tasks.rebuild_file import rebuild


@flow(name="rebuild", flow_run_name="rebuild {repository}", task_runner=image_threads(), persist_result=False)
def rebuild_repository(repository: str = "default") -> RunReport:
    """Make the database's knowledge of a repository again: every file that no copy has is read and held against its receipts.

    Args:
        repository: The repository that the database has lost, wholly or in part.
    """
    started = monotonic()
    with running() as library:
        store = library.store(repository)
        evidence = gather_evidence(store)
        quoted: Any = quote(evidence)  # Prefect would walk through all of it again for each file
        files = unknown_files(library, repository)
        with recorded(library, "rebuild") as record:
            going = [(one, rebuild.submit(one.path, repository, one, quoted)) for one in files]
            told = tuple(awaited(future, partial(_failed, one.path, repository)) for one, future in going)
            faults = (Outcome(outcome=OutcomeKind.FAILED, repository=repository, reason=one) for one in evidence.faults)
            outcomes = record((*told, *missing_files(evidence, store, repository), *faults))
        indexes = refresh_indexes(library)
        return finish(library, RunReport(outcomes=outcomes, indexes=indexes, seconds=monotonic() - started))


def _failed(path: str, repository: str, wrong: IsoManagerError) -> Outcome:
    return Outcome(outcome=OutcomeKind.FAILED, repository=repository, path=path, reason=str(wrong), code=wrong.code)
