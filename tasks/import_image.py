"""Import: one image that an inventory lists, read and taken in."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.importing import import_step
from isomanager.library.opening import current_library
from isomanager.model import Outcome
from isomanager.planning.importing import ImportStep
from tasks.progress import ReportedProgress


@task(name="import", task_run_name="import {image}", cache_policy=NO_CACHE, persist_result=False)
def import_image(image: str, step: ImportStep, repository: str, place: str, move: bool) -> Outcome:
    """What became of the image."""
    progress = ReportedProgress(image)
    return import_step(current_library(), step, repository=repository, place=place, move=move, progress=progress)
