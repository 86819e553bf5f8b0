"""Forms that follow the library: the dropdowns of the deployments list what the catalogue and the inventory have now.

A form is a JSON Schema that the server keeps for each deployment; changing it there shows at once, without deploying again.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping
from typing import Any, get_args

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags

from isomanager.inventory.searching import Order
from isomanager.library.choices import Choices, choices
from isomanager.library.opening import Library
from isomanager.model import Assurance

_log = logging.getLogger("isomanager.flows")

Schema = dict[str, Any]
Listing = Callable[[Choices], tuple[str, ...]]


def _or_none(listing: Listing) -> Listing:
    """The same with an empty one first, for a field that may be left empty."""
    return lambda told: ("", *listing(told))


def _families(told: Choices) -> tuple[str, ...]:
    return told.families


def _products(told: Choices) -> tuple[str, ...]:
    return told.products


def _flavors(told: Choices) -> tuple[str, ...]:
    return told.flavors


def _architectures(told: Choices) -> tuple[str, ...]:
    return told.architectures


def _languages(told: Choices) -> tuple[str, ...]:
    return told.languages


def _repositories(told: Choices) -> tuple[str, ...]:
    return told.repositories


def _named(told: Choices) -> tuple[str, ...]:
    return (*told.families, *told.products)


def _wanted(told: Choices) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*told.wanted, *told.families, *told.products)))


def _held(told: Choices) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*told.held, *told.wanted, *told.families, *told.products)))


def _trashed(told: Choices) -> tuple[str, ...]:
    return tuple(dict.fromkeys(("all", *told.trashed, *told.families, *told.products)))


def _places(told: Choices) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*told.repositories, *told.sites)))


def _assurances(_told: Choices) -> tuple[str, ...]:
    return tuple(one.value for one in Assurance)


def _orders(_told: Choices) -> tuple[str, ...]:
    return get_args(Order)


ANYWHERE: Mapping[str, Listing] = {"repository": _repositories, "repositories": _repositories}
"""Fields that list the same in every form."""

FORMS: Mapping[str, Mapping[str, Listing]] = {
    "flows.subscribe.subscribe": {"archive": _or_none(_repositories)},
    "flows.subscribe.change_subscription": {"archive": _or_none(_repositories)},
    "flows.update.update": {"what": _wanted, "architectures": _architectures},
    "flows.verify.verify": {"what": _held},
    "flows.letting_go.trash": {"what": _trashed},
    "flows.sync.sync": {"to": _places},
    "flows.check_catalogue.check_catalogue": {"what": _named},
    "flows.download.download": {
        "product": _or_none(_products),
        "flavor": _or_none(_flavors),
        "architectures": _architectures,
        "languages": _languages,
    },
    "flows.report.report": {
        "families": _families,
        "products": _products,
        "flavors": _flavors,
        "architectures": _architectures,
        "languages": _languages,
        "assurance": _assurances,
        "order": _orders,
    },
    "flows.add_image.add": {"family": lambda told: tuple(dict.fromkeys(("custom", *told.families)))},
}
"""By entry point, which field lists what."""

_LATEST = "latest"
_PARTS = ("major", "minor", "patch")


def fitted(schema: Schema, entrypoint: str, told: Choices) -> Schema:
    """The form with its dropdowns as `told` has them, and with the rule of version parts where it has such. Pure."""
    form = copy.deepcopy(schema)
    fields = form.get("properties", {})
    for name, listing in {**ANYWHERE, **FORMS.get(entrypoint, {})}.items():
        if name in fields:
            _list(fields[name], listing(told))
    if set(_PARTS) <= set(fields):
        form["allOf"] = right_to_left()
    return form


def _list(field: Schema, words: tuple[str, ...]) -> None:
    """Let the field be one of these, or several where it takes several; what it holds at first is always among them."""
    if field.get("type") == "array":
        field["items"] = {"type": "string", "enum": list(dict.fromkeys((*field.get("default", []), *words)))}
    elif field.get("type") == "string":
        first = [field["default"]] if field.get("default") not in (None, *words) else []
        field["enum"] = [*first, *words]


def right_to_left() -> list[Schema]:
    """JSON Schema for: once a part of a version is latest, every part right of it is latest too."""
    only = {"const": _LATEST}
    return [
        {"if": {"properties": {part: only}}, "then": {"properties": dict.fromkeys(_PARTS[place + 1 :], only)}}
        for place, part in enumerate(_PARTS[:-1])
    ]


def refresh_forms(library: Library) -> None:
    """Bring the dropdowns of every deployment up to date. A server that does not let us costs nothing but the freshness."""
    try:
        with get_client(sync_client=True) as client:
            _refresh(client, choices(library))
    except Exception as wrong:  # noqa: BLE001 - whatever the server says, the run has done its work
        _log.warning("The forms of the deployments could not be brought up to date: %s", wrong)


def _refresh(client: SyncPrefectClient, told: Choices) -> None:
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=["iso"]))
    for one in client.read_deployments(deployment_filter=ours, limit=200):
        before = one.parameter_openapi_schema or {}
        after = fitted(before, one.entrypoint or "", told)
        if after != before:
            client.update_deployment(one.id, DeploymentUpdate(parameter_openapi_schema=after))
