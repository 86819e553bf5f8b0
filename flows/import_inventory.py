"""Import an inventory: take in what a document lists and a repository has."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from time import monotonic

from prefect import flow

from flows.reporting import finish
from flows.running import awaited, image_threads, running
from isomanager.errors import IsoManagerError
from isomanager.inventory.exchange.reading import parse_listing, read_listing
from isomanager.library.importing import plan_listing, planned_report
from isomanager.library.indexing import refresh_indexes
from isomanager.library.outcomes import RunReport
from isomanager.library.recording import recorded
from isomanager.library.recovering import recover
from isomanager.model import Outcome, OutcomeKind
from isomanager.planning.importing import ImportStep
from tasks.import_image import import_image


@flow(name="import", flow_run_name="import {repository}", task_runner=image_threads(), persist_result=False)
def import_inventory(
    document: str = "",
    file: str = "",
    repository: str = "default",
    replace: bool = False,
    move: bool = False,
    dry_run: bool = True,
) -> RunReport:
    """Take in the images that an inventory lists and that lie in the repository, each read and held against its digest.

    Args:
        document: The inventory itself: JSON (schema 1.0, isomanager's own, or a plain list), CSV or XML. Or give a file.
        file: Path of the inventory on the machine where the worker runs.
        repository: The repository whose files it lists.
        replace: Also forget the images of this repository that it does not list. Their files stay.
        move: Put each file where the repository's layout wants it.
        dry_run: Only show what would happen.
    """
    started = monotonic()
    listing = parse_listing(document.encode(), "the document") if document else read_listing(Path(file))
    place = Path(file).name if file else "the document"
    with running() as library:
        found = recover(library)
        steps = plan_listing(library, listing, repository=repository, replace=replace)
        if dry_run:
            return planned_report(steps, repository)
        with recorded(library, "import") as record:
            going = [(one, import_image.submit(_named(one), one, repository, place, move)) for one in steps]
            outcomes = record(tuple(awaited(future, partial(_failed, one, repository)) for one, future in going))
        indexes = refresh_indexes(library)
        report = RunReport(outcomes=outcomes, recovered=found, indexes=indexes, seconds=monotonic() - started)
        return finish(library, report)


def _named(step: ImportStep) -> str:
    return str(step.listed.title) if step.listed else step.copy_id


def _failed(step: ImportStep, repository: str, wrong: IsoManagerError) -> Outcome:
    listed = step.listed
    return Outcome(
        outcome=OutcomeKind.FAILED,
        title=listed.title if listed else None,
        repository=repository,
        path=listed.path if listed else "",
        reason=str(wrong),
        code=wrong.code,
    )
