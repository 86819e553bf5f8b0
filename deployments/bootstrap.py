"""Deploy: work pool, block types, limits, deployments and automations, as often as one likes.

What a person changed in the UI stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import (
    ArtifactCreate,
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    DeploymentUpdate,
    WorkPoolCreate,
)
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema

from blocks.repositories import REPOSITORY_BLOCKS
from deployments.automations import automations, ensure_automations, find_tellers
from deployments.definitions import (
    FIXED,
    PRODUCT_TAG,
    RUN_AGAIN,
    SITE_TAG,
    Definition,
    family_definitions,
    product_definitions,
    site_definitions,
)
from deployments.limits import ensure_limits, upstream_hosts
from deployments.work import POOL, QUEUE
from flows.forms import fitted
from isomanager.catalogue.loader import Catalogue
from isomanager.errors import UsageError
from isomanager.library.choices import Choices, choices
from isomanager.library.opening import Library
from isomanager.settings import Settings

_LINK = re.compile(r"/v2/artifacts/key/([a-z0-9-]+)")
NOTHING_YET = "Nothing yet: it comes with the first run."

SCHEDULE = "nightly"
"""The slug of the schedule that a family's deployment starts with."""


def deploy(
    settings: Settings, products: Sequence[str] = (), sites: Sequence[str] = (), *, reset: bool = False
) -> Iterator[str]:
    """Bring the server to the pool, block types, limits, deployments and automations there should be; a sentence for each.

    `products` get a deployment of their own besides that of their family, `sites` one that their own workers run. UsageError for a
    site that the library does not have. A deployment that is there keeps the schedules, parameters, pause, job variables,
    concurrency limit and tags that it has, unless `reset`: only its description, its form and its entry point are brought up to
    date. An automation or limit that is there is left alone.
    """
    with Library(settings) as library:
        catalogue, told = library.catalogue, choices(library)
        _require_sites(library, sites)
    with get_client(sync_client=True) as client:
        for kind in REPOSITORY_BLOCKS:
            kind.register_type_and_schema()
        _publish_first(client)
        _ensure_pool(client)
        made = ensure_limits(client, upstream_hosts(catalogue.products), settings.connections_per_host)
        if made:
            yield f"Concurrency limits: made for {made} upstream hosts, {settings.connections_per_host} downloads at a time each."
        asked = (*products, *_tagged_before(client, PRODUCT_TAG)), (*sites, *_tagged_before(client, SITE_TAG))
        for definition in definitions(catalogue, *asked):
            yield _bring_about(client, definition, told, reset=reset)
        again = client.read_deployment_by_name(RUN_AGAIN)
        wanted = automations(again.id, find_tellers(client), settings.alarm_days)
        yield from ensure_automations(client, wanted, reset=reset)


def _require_sites(library: Library, sites: Sequence[str]) -> None:
    unknown = sorted(set(sites) - {one.name for one in library.inventory.sites()})
    if unknown:
        raise UsageError(
            f"The library has no site '{unknown[0]}'.", hint="Name its repositories: `isomanager site add`."
        )


def definitions(
    catalogue: Catalogue, products: Sequence[str] = (), sites: Sequence[str] = ()
) -> tuple[Definition, ...]:
    """The fixed deployments, one for each family that the catalogue has, and one for each of `products` and of `sites`.

    ResolveError for a product that the catalogue does not have.
    """
    families = sorted({product.family.value for product in catalogue.products})
    asked = {one.id: one.family.value for one in map(catalogue.product, products)}
    own = product_definitions(asked, after=len(families))
    return (*FIXED, *family_definitions(families), *own, *site_definitions(sites))


def _tagged_before(client: SyncPrefectClient, kind: str) -> list[str]:
    """The products or sites that an earlier deploy made a deployment for: it is kept up to date like the others."""
    tagged = DeploymentFilter(tags=DeploymentFilterTags(all_=["iso"]))
    tags = [tag for one in client.read_deployments(deployment_filter=tagged) for tag in one.tags]
    return [tag.removeprefix(kind) for tag in tags if tag.startswith(kind)]


def load_flow(definition: Definition) -> Flow[..., Any]:
    """The flow that the definition's entry point names, imported as a worker does. Never a placeholder for it."""
    return load_flow_from_entrypoint(definition.entrypoint, use_placeholder_flow=False)


def _publish_first(client: SyncPrefectClient) -> None:
    """Something behind each address that the descriptions link to, before any run has put its own there."""
    known = {one.key for one in client.read_latest_artifacts(limit=200)}
    told = " ".join(one.description for one in FIXED)
    for key in dict.fromkeys(_LINK.findall(told)):
        if key not in known:
            client.create_artifact(ArtifactCreate(key=key, type="markdown", data=NOTHING_YET))


def form_of(flow: Flow[..., Any], definition: Definition, lists: Choices) -> dict[str, Any]:
    """The form of the deployment, its dropdowns as the catalogue and the inventory have them now."""
    return fitted(parameter_schema(flow).model_dump_for_openapi(), definition.entrypoint, lists)


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


def _bring_about(client: SyncPrefectClient, definition: Definition, lists: Choices, *, reset: bool) -> str:
    flow = load_flow(definition)
    told = f"Deployment {flow.name}/{definition.name}"
    before = _existing(client, flow.name, definition.name)
    if before is None:
        _create(client, flow, definition, lists)
        return f"{told}: made."
    if reset:
        _drop_schedules(client, before)
    client.update_deployment(before.id, _renewal(flow, definition, lists, before, reset=reset))
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


def _create(client: SyncPrefectClient, flow: Flow[..., Any], definition: Definition, lists: Choices) -> None:
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
        work_queue_name=definition.queue or None,
        tags=list(definition.tags),
        entrypoint=definition.entrypoint,
        parameter_openapi_schema=form_of(flow, definition, lists),
        enforce_parameter_schema=True,
        pull_steps=[],
    )


def _renewal(
    flow: Flow[..., Any], definition: Definition, lists: Choices, before: DeploymentResponse, *, reset: bool
) -> DeploymentUpdate:
    """What to change of a deployment that is there: only the fields that are named reach the server."""
    fields: dict[str, Any] = {
        "version": version("isomanager"),
        "description": definition.description,
        "entrypoint": definition.entrypoint,
        "path": None,
        "pull_steps": [],
        "parameter_openapi_schema": form_of(flow, definition, lists),
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
        "work_queue_name": definition.queue or QUEUE,
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
