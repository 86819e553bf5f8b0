"""Restore: bring one retired copy back from the trash."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.opening import current_library
from isomanager.library.trash import restore as restore_copy
from isomanager.model import Copy, Outcome
from tasks.progress import ReportedProgress


@task(name="restore", task_run_name="restore {image}", cache_policy=NO_CACHE, persist_result=False)
def restore(image: str, copy: Copy) -> Outcome:
    """Published when it is back and proved; failed otherwise."""
    return restore_copy(current_library(), copy, progress=ReportedProgress(image))
