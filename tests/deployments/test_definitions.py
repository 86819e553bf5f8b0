"""Which deployments there are, that their entry points are real, and that their forms can be filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.utilities.callables import parameter_schema

from deployments.bootstrap import definitions, load_flow
from deployments.definitions import FIXED, STAGGER_MINUTES, Definition, family_definitions, nightly
from isomanager.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
EVERY = pytest.mark.parametrize("definition", FIXED, ids=lambda one: one.name)


@EVERY
def test_the_entry_point_is_a_real_flow_that_the_deployment_is_called_after(definition: Definition) -> None:
    assert definition.name.startswith(load_flow(definition).name)


@EVERY
def test_the_default_parameters_are_accepted_by_the_flow(definition: Definition) -> None:
    flow = load_flow(definition)
    assert set(definition.parameters) <= set(flow.parameters.properties)


@EVERY
def test_every_field_of_the_form_is_described_and_none_is_a_choice_between_a_value_and_nothing(
    definition: Definition,
) -> None:
    schema = parameter_schema(load_flow(definition)).model_dump_for_openapi()
    for name, field in _fields(schema):
        assert field.get("description"), f"{name} is not described"
        assert "anyOf" not in field, f"{name} shows as tabs"


@EVERY
def test_fields_stand_in_the_order_of_the_signature_and_the_required_ones_first(definition: Definition) -> None:
    schema = parameter_schema(load_flow(definition)).model_dump_for_openapi()
    ordered = sorted(schema["properties"], key=lambda name: schema["properties"][name]["position"])
    required = schema.get("required", [])
    assert ordered[: len(required)] == required


def _fields(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    nested = [
        one for definition in schema.get("definitions", {}).values() for one in definition.get("properties", {}).items()
    ]
    return [*schema["properties"].items(), *nested]


def test_what_deletes_is_a_dry_run_unless_that_is_switched_off() -> None:
    prune = next(one for one in FIXED if one.name == "prune")
    assert prune.parameters == {"dry_run": True}


def test_each_family_of_the_catalogue_has_one_nightly_deployment() -> None:
    families = {one.name.removeprefix("update-") for one in definitions(load_settings()) if one.cron}
    assert {"linux", "bsd", "appliance", "rescue"} <= families


def test_nightly_schedules_are_staggered() -> None:
    crons = [one.cron for one in family_definitions(["bsd", "linux", "rescue"])]
    assert crons == ["0 2 * * *", "25 2 * * *", "50 2 * * *"]
    assert STAGGER_MINUTES == 25


def test_a_schedule_past_midnight_is_still_a_time_of_day() -> None:
    assert nightly(60) == "0 3 * * *"


def _prefect_yaml() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8")))


def test_prefect_yaml_names_the_same_deployments() -> None:
    told = {
        one["name"]: (one["entrypoint"], one["description"].strip(), one["parameters"], tuple(one["tags"]))
        for one in _prefect_yaml()["deployments"]
    }
    assert told == {one.name: (one.entrypoint, one.description.strip(), one.parameters, one.tags) for one in FIXED}


def test_prefect_yaml_carries_no_schedules_so_that_deploying_again_keeps_what_was_changed() -> None:
    assert all("schedules" not in one and "schedule" not in one for one in _prefect_yaml()["deployments"])


def test_prefect_yaml_names_no_folder() -> None:
    assert _prefect_yaml()["pull"] == []
    assert str(ROOT) not in (ROOT / "prefect.yaml").read_text("utf-8")
