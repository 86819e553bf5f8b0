"""Prune: retire what the plan lets go and a fresh judgement confirms."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.opening import current_library
from isomanager.library.pruning import prune_repository
from isomanager.model import Action, Outcome
from isomanager.planning.wanting import Want


@task(name="prune", task_run_name="prune {repository}", cache_policy=NO_CACHE, persist_result=False)
def prune(repository: str, planned: tuple[Action, ...], wants: tuple[Want, ...]) -> tuple[Outcome, ...]:
    """The outcomes of one repository's retirements."""
    return prune_repository(current_library(), repository, planned, wants)
