"""Take in: one file that a scan found becomes an image of the library."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.opening import current_library
from isomanager.library.scanning import Place
from isomanager.library.taking_in import settled_step, taken_outcome
from isomanager.model import Outcome
from isomanager.planning.scanning import ScanKind, ScanStep
from tasks.progress import ReportedProgress


@task(name="take-in", task_run_name="take in {image}", cache_policy=NO_CACHE, persist_result=False)
def take_in(image: str, place: Place, into: str, step: ScanStep, move: bool, remove: bool) -> Outcome:
    """What became of the file; one that is not to be taken in needs no work."""
    if step.kind is not ScanKind.TAKE:
        return settled_step(step, into)
    progress = ReportedProgress(image)
    return taken_outcome(current_library(), place, into, step, move=move, remove=remove, progress=progress)
