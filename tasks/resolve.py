"""Resolve: what upstream offers for one product's subscriptions, its evidence judged."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.opening import current_library
from isomanager.library.resolving import resolve_wants
from isomanager.model import Subscription
from isomanager.planning.wanting import Want


@task(name="resolve", task_run_name="resolve {product}", cache_policy=NO_CACHE, persist_result=False)
def resolve(
    product: str,  # noqa: ARG001 - names the run
    subscriptions: tuple[Subscription, ...],
    accept: bool = False,
) -> tuple[Want, ...]:
    """The answers for these subscriptions, all of one product; `accept` believes surprising ones too."""
    return resolve_wants(current_library(), subscriptions, accept=accept)
