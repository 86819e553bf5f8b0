"""Dedupe: one copy, and the one whose bytes it is to share."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.deduping import Way, dedupe_copy
from isomanager.library.opening import current_library
from isomanager.model import Outcome
from isomanager.planning.deduping import Duplicate


@task(name="dedupe", task_run_name="dedupe {image}", cache_policy=NO_CACHE, persist_result=False)
def dedupe(image: str, planned: Duplicate, way: Way) -> Outcome:  # noqa: ARG001 - names the run
    """What became of it."""
    return dedupe_copy(current_library(), planned, way)
