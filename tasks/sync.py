"""Sync: one image, or small ones together, into every destination that is to have them, by one read."""

from __future__ import annotations

from collections.abc import Mapping

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.opening import current_library
from isomanager.library.sync_groups import bring
from isomanager.library.sync_planning import Load, Survey
from isomanager.library.sync_sources import SyncSource
from isomanager.model import Outcome
from tasks.progress import ReportedProgress
from tasks.sharing import keep_to_shared_rate


@task(name="sync", task_run_name="sync {image}", cache_policy=NO_CACHE, persist_result=False)
def sync(
    image: str, source: SyncSource, load: Load, surveys: Mapping[str, Survey], verify: bool, link: bool
) -> tuple[Outcome, ...]:
    """What became of the load in each destination."""
    keep_to_shared_rate(current_library())
    progress = ReportedProgress(image)
    return bring(current_library(), source, load, surveys, verify=verify, link=link, progress=progress)
