"""Sync: one image into every destination that is to have it, by one read."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.opening import current_library
from isomanager.library.sync_sources import SyncSource
from isomanager.library.syncing import sync_image
from isomanager.model import Outcome
from isomanager.planning.syncing import SyncStep
from tasks.progress import ReportedProgress


@task(name="sync", task_run_name="sync {image}", cache_policy=NO_CACHE, persist_result=False)
def sync(image: str, source: SyncSource, steps: tuple[SyncStep, ...], verify: bool, link: bool) -> tuple[Outcome, ...]:
    """What became of the image in each destination."""
    return sync_image(current_library(), source, steps, verify=verify, link=link, progress=ReportedProgress(image))
