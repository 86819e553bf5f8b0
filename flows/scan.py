"""Scan: look at what lies in a folder, a store or a repository, and take in what becomes an image of the library."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any, Literal, cast

from prefect import flow
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import Field, create_model

from flows.asking import PATIENCE, one_of
from flows.reporting import finish
from flows.running import awaited, image_threads, running
from isomanager.errors import IsoManagerError
from isomanager.library.indexing import refresh_indexes
from isomanager.library.opening import Library
from isomanager.library.outcomes import RunReport
from isomanager.library.recording import recorded
from isomanager.library.recovering import recover
from isomanager.library.scanning import Place
from isomanager.library.scanning import scan as look_through
from isomanager.library.taking_in import answer_of, scan_report, settled_step
from isomanager.model import Outcome, OutcomeKind, Title
from isomanager.planning.scanning import SURE, ScanKind, ScanStep
from tasks.take_in import take_in

Doubtful = Literal["leave", "ask", "take"]
_MOST_ASKED = 100


@flow(name="scan", flow_run_name="scan {repository}", task_runner=image_threads(), persist_result=False)
def scan(
    folder: str = "",
    repository: str = "default",
    patterns: list[str] = ["*.iso", "*.img"],  # noqa: B006 - never changed
    doubtful: Doubtful = "ask",
    quick: bool = False,
    move: bool = True,
    remove: bool = False,
    settle_seconds: int = 60,
    answers: dict[str, str] = {},  # noqa: B006
    dry_run: bool = True,
) -> RunReport:
    """Look at every image in a folder or store, say what each is, and take them into the library.

    Args:
        folder: A folder or an address such as s3://bucket/isos; none means the repository's own files.
        repository: The repository to take them into.
        patterns: Which files are looked at.
        doubtful: What happens to files that may be something else - leave them, ask in this run, or take the best guess.
        quick: Read only headers, and take nothing in.
        move: Put files of the repository where its layout wants them; otherwise they stay in their place.
        remove: Delete a file from the folder once its copy in the repository is proved, as a drop folder needs it.
        settle_seconds: Leave files alone that changed less than so many seconds ago.
        answers: What doubtful files are, by path - yes, no, or PRODUCT/FLAVOR@VERSION.
        dry_run: Only show what would happen.
    """
    started = monotonic()
    with running() as library:
        found = recover(library)
        place = Place(
            address=folder,
            repository="" if folder else repository,
            patterns=tuple(patterns),
            quick=quick,
            settle=timedelta(seconds=settle_seconds),
        )
        look = partial(look_through, library, place, repository, sure=0.0 if doubtful == "take" else SURE)
        steps = look()
        if dry_run or quick:
            return scan_report(steps, repository)
        steps = look(answers=_answers(library, steps, answers, doubtful))
        with recorded(library, "scan") as record:
            going = [(one, take_in.submit(one.file.path, place, repository, one, move, remove)) for one in steps]
            outcomes = record(tuple(awaited(future, partial(_failed, one, repository)) for one, future in going))
        indexes = refresh_indexes(library)
        report = RunReport(outcomes=outcomes, recovered=found, indexes=indexes, seconds=monotonic() - started)
        return finish(library, report)


def _answers(
    library: Library, steps: tuple[ScanStep, ...], given: Mapping[str, str], doubtful: Doubtful
) -> dict[str, Title | None]:
    """What was said of files beforehand, and what a person says now of those that are still in doubt."""
    by_path = {one.file.path: one for one in steps}
    told = {path: answer_of(library, by_path[path], text) for path, text in given.items() if path in by_path}
    open_ones = [one for one in steps if one.kind is ScanKind.ASK and one.file.path not in told]
    return told | (_asked(open_ones[:_MOST_ASKED]) if doubtful == "ask" and open_ones else {})


def _asked(steps: list[ScanStep]) -> dict[str, Title | None]:
    """Pause the run until a person has chosen, in a form that lists the doubtful files."""
    choices: Any = one_of([one.file.path for one in steps])
    field: Any = Field(default=[], title="Take in", description="Files that are what they seem to be.")
    form = cast("Any", create_model("DoubtfulFiles", __base__=RunInput, take=(list[choices], field)))
    rows = "\n".join(f"| {one.file.path} | {one.title} | {one.reason} |" for one in steps)
    told = f"These files may be something else.\n\n| file | perhaps | because |\n|---|---|---|\n{rows}"
    chosen = pause_flow_run(wait_for_input=form.with_initial_data(description=told), timeout=PATIENCE, poll_interval=5)
    return {one.file.path: one.title if one.file.path in chosen.take else None for one in steps}


def _failed(step: ScanStep, repository: str, wrong: IsoManagerError) -> Outcome:
    told = {"outcome": OutcomeKind.FAILED, "reason": str(wrong), "code": wrong.code}
    return settled_step(step, repository).model_copy(update=told)
