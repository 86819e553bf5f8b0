"""Check: prove one held copy again."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.checking import check_copy
from isomanager.library.opening import current_library
from isomanager.model import Copy, Outcome
from tasks.progress import ReportedProgress


@task(name="check", task_run_name="check {image}", cache_policy=NO_CACHE, persist_result=False)
def check(image: str, copy: Copy, quick: bool) -> Outcome:
    """Current when it is what its receipt says; failed, and marked suspect, otherwise."""
    return check_copy(current_library(), copy, quick=quick, progress=ReportedProgress(image))
