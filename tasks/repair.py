"""Repair: make one suspect copy whole again."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.opening import current_library
from isomanager.library.repairing import repair_copy
from isomanager.model import Copy, Outcome
from tasks.progress import ReportedProgress


@task(name="repair", task_run_name="repair {image}", cache_policy=NO_CACHE, persist_result=False)
def repair(image: str, copy: Copy) -> Outcome:
    """Current when it is what its receipt says again; failed otherwise."""
    return repair_copy(current_library(), copy, progress=ReportedProgress(image))
