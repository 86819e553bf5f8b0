"""Rebuild: one file of a repository, read and judged, made a copy again."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.opening import current_library
from isomanager.library.rebuilding import Evidence, rebuild_file
from isomanager.model import Outcome
from isomanager.storage.contract import Entry
from tasks.progress import ReportedProgress


@task(name="rebuild", task_run_name="rebuild {path}", cache_policy=NO_CACHE, persist_result=False)
def rebuild(path: str, repository: str, entry: Entry, evidence: Evidence) -> Outcome:
    """What became of the file."""
    return rebuild_file(current_library(), repository, entry, evidence, ReportedProgress(path))
