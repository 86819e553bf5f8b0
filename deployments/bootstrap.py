"""Deploy: work pool, block types and deployments, as often as one likes. What a person changed in the UI stays."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import (
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    DeploymentUpdate,
    WorkPoolCreate,
)
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema

from blocks.repositories import LocalRepository
from deployments.definitions import FIXED, Definition, family_definitions
from deployments.work import POOL
from isomanager.catalogue.loader import load_catalogue
from isomanager.settings import Settings

SCHEDULE = "nightly"
"""The slug of the schedule that a family's deployment starts with."""


def deploy(settings: Settings, *, reset: bool = False) -> Iterator[str]:
    """Bring the server to the deployments there should be; a sentence for each.

    A deployment that is there keeps the schedules, parameters, pause, job variables, concurrency limit and tags that it has,
    unless `reset`: only its description, its form and its entry point are brought up to date.
    """
    with get_client(sync_client=True) as client:
        LocalRepository.register_type_and_schema()
        _ensure_pool(client)
        for definition in definitions(settings):
            yield _bring_about(client, definition, reset=reset)


def definitions(settings: Settings) -> tuple[Definition, ...]:
    """The fixed deployments and one for each family that the catalogue has."""
    families = dict.fromkeys(product.family.value for product in load_catalogue(settings.product_folders).products)
    return (*FIXED, *family_definitions(sorted(families)))


def load_flow(definition: Definition) -> Flow[..., Any]:
    """The flow that the definition's entry point names, imported as a worker does. Never a placeholder for it."""
    return load_flow_from_entrypoint(definition.entrypoint, use_placeholder_flow=False)


def _ensure_pool(client: SyncPrefectClient) -> None:
    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        _make_pool(client)


def _make_pool(client: SyncPrefectClient) -> None:
    pool = WorkPoolCreate(name=POOL, type="process", description="Where isomanager's runs happen")
    try:
        client.create_work_pool(pool)
    except ObjectAlreadyExists:
        return  # somebody else deploys at the same time


def _bring_about(client: SyncPrefectClient, definition: Definition, *, reset: bool) -> str:
    flow = load_flow(definition)
    told = f"Deployment {flow.name}/{definition.name}"
    before = _existing(client, flow.name, definition.name)
    if before is None:
        _create(client, flow, definition)
        return f"{told}: made."
    if reset:
        _drop_schedules(client, before)
    client.update_deployment(before.id, _renewal(flow, definition, before, reset=reset))
    return f"{told}: {'set back to how it is delivered' if reset else 'kept its schedules and parameters'}."


def _drop_schedules(client: SyncPrefectClient, deployment: DeploymentResponse) -> None:
    """An update merges schedules by their slugs, so that those which a person added have to go by themselves."""
    for one in deployment.schedules:
        client.delete_deployment_schedule(deployment.id, one.id)


def _existing(client: SyncPrefectClient, flow: str, name: str) -> DeploymentResponse | None:
    try:
        return client.read_deployment_by_name(f"{flow}/{name}")
    except ObjectNotFound:
        return None


def _create(client: SyncPrefectClient, flow: Flow[..., Any], definition: Definition) -> None:
    limit, options = _limit(definition)
    client.create_deployment(
        flow_id=client.create_flow_from_name(flow.name),
        name=definition.name,
        version=version("isomanager"),
        schedules=_schedules(definition),
        concurrency_limit=limit,
        concurrency_options=options,
        parameters=definition.parameters,
        description=definition.description,
        work_pool_name=POOL,
        tags=list(definition.tags),
        entrypoint=definition.entrypoint,
        parameter_openapi_schema=parameter_schema(flow).model_dump_for_openapi(),
        enforce_parameter_schema=True,
        pull_steps=[],
    )


def _renewal(
    flow: Flow[..., Any], definition: Definition, before: DeploymentResponse, *, reset: bool
) -> DeploymentUpdate:
    """What to change of a deployment that is there: only the fields that are named reach the server."""
    fields: dict[str, Any] = {
        "version": version("isomanager"),
        "description": definition.description,
        "entrypoint": definition.entrypoint,
        "path": None,
        "pull_steps": [],
        "parameter_openapi_schema": parameter_schema(flow).model_dump_for_openapi(),
        "enforce_parameter_schema": True,
        "tags": list(dict.fromkeys((*definition.tags, *before.tags))),
    }
    if reset:
        fields |= _as_delivered(definition)
    return DeploymentUpdate(**fields)


def _as_delivered(definition: Definition) -> dict[str, Any]:
    """What people change."""
    limit, options = _limit(definition)
    return {
        "parameters": definition.parameters,
        "schedules": [DeploymentScheduleUpdate(**one.model_dump()) for one in _schedules(definition)],
        "paused": False,
        "job_variables": {},
        "work_pool_name": POOL,
        "tags": list(definition.tags),
        "concurrency_limit": limit,
        "concurrency_options": options,
    }


def _schedules(definition: Definition) -> list[DeploymentScheduleCreate]:
    if not definition.cron:
        return []
    nightly = CronSchedule(cron=definition.cron, timezone="UTC")
    return [DeploymentScheduleCreate(schedule=nightly, active=True, slug=SCHEDULE)]


def _limit(definition: Definition) -> tuple[int | None, ConcurrencyOptions | None]:
    """Scheduled sweeps over the same images must not overlap; requests by hand may."""
    if not definition.cron:
        return None, None
    return 1, ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
