"""Deploy: work pool, block types and deployments, as often as one likes. What a person changed in the UI stays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.responses import DeploymentResponse
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.schedules import Cron

from blocks.repositories import LocalRepository
from deployments.definitions import FIXED, Definition, family_definitions
from deployments.work import POOL
from isomanager.catalogue.loader import load_catalogue
from isomanager.settings import PREFIX, Settings, default_config_file

ROOT = Path(__file__).resolve().parent.parent
"""The folder that the entry points are relative to."""

SCHEDULE = "nightly"
"""The slug of the schedule that a family's deployment starts with."""


def deploy(settings: Settings, *, reset: bool = False) -> Iterator[str]:
    """Bring the server to the deployments there should be; a sentence for each.

    A deployment that is there keeps the schedules, the parameters and the pause that it has, unless `reset`.
    """
    LocalRepository.register_type_and_schema()
    with get_client(sync_client=True) as client:
        _ensure_pool(client)
        for definition in definitions(settings):
            before = _existing(client, definition)
            deployment = _deployment(definition, None if reset else before)
            deployment.apply(work_pool_name=POOL)
            kept = "kept its schedules and parameters" if before and not reset else "made"
            yield f"Deployment {deployment.flow_name}/{definition.name}: {kept}."


def definitions(settings: Settings) -> tuple[Definition, ...]:
    """The fixed deployments and one for each family that the catalogue has."""
    families = dict.fromkeys(product.family.value for product in load_catalogue(settings.catalogue_folders).products)
    return (*FIXED, *family_definitions(tuple(families)))


def _ensure_pool(client: SyncPrefectClient) -> None:
    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", description="Where isomanager's runs happen"))


def _existing(client: SyncPrefectClient, definition: Definition) -> DeploymentResponse | None:
    flow = load_flow(definition)
    try:
        return client.read_deployment_by_name(f"{flow.name}/{definition.name}")
    except ObjectNotFound:
        return None


def load_flow(definition: Definition) -> Flow[..., object]:
    """The flow that the definition's entry point names, loaded from its file as a worker does."""
    return Flow.from_source(source=str(ROOT), entrypoint=definition.entrypoint)  # type: ignore[return-value]


def _deployment(definition: Definition, before: DeploymentResponse | None) -> RunnerDeployment:
    schedules = [Cron(definition.cron, timezone="UTC", slug=SCHEDULE)] if definition.cron else []
    made: RunnerDeployment = load_flow(definition).to_deployment(  # type: ignore[assignment]
        name=definition.name,
        description=definition.description,
        parameters=before.parameters if before else definition.parameters,
        tags=list(definition.tags),
        schedules=schedules,
        work_pool_name=POOL,
        job_variables={"env": worker_environment()},
        # sweeps over the same images must not overlap; requests by hand may
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
        if definition.cron
        else None,
        enforce_parameter_schema=True,
    )
    if before is None:
        return made
    kept = [
        DeploymentScheduleCreate(schedule=one.schedule, active=one.active, parameters=one.parameters, slug=one.slug)
        for one in before.schedules
    ]
    return made.model_copy(update={"schedules": kept, "paused": before.paused})


def worker_environment() -> dict[str, str]:
    """What a run's process needs to find the same library: our own variables, and where the configuration file is."""
    own = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    return {**own, f"{PREFIX}CONFIG": str(default_config_file().absolute())}
