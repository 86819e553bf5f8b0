"""Move: one image to where its repository's layout wants it."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.opening import current_library
from isomanager.library.relocating import move_copy
from isomanager.model import Outcome
from isomanager.planning.relocating import Move


@task(name="move", task_run_name="move {image}", cache_policy=NO_CACHE, persist_result=False)
def move(image: str, repository: str, planned: Move) -> Outcome:  # noqa: ARG001 - names the run
    """What became of the move."""
    return move_copy(current_library(), repository, planned)
