"""Which deployments there are, that their entry points are real, and that their forms can be filled in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools import validate
from pydantic import ValidationError, create_model

from blocks.repositories import REPOSITORY_BLOCKS
from deployments.bootstrap import definitions, form_of, load_flow
from deployments.definitions import FIXED, STAGGER_MINUTES, Definition, family_definitions, nightly
from deployments.limits import upstream_hosts
from flows.asking import one_of
from flows.forms import FORMS, fitted
from isomanager.catalogue.loader import load_catalogue
from isomanager.errors import ResolveError
from isomanager.library.choices import Choices

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
        only_blocks = all("$ref" in one for one in field.get("anyOf", []))  # a tab for each kind of block works well
        assert only_blocks, f"{name} shows as tabs"


@EVERY
def test_every_field_of_the_form_begins_with_a_value_or_is_required(definition: Definition) -> None:
    schema = form(definition.name)
    begins = {name for name, field in schema["properties"].items() if "default" in field}
    assert begins | set(schema.get("required", [])) == set(schema["properties"])


@EVERY
def test_no_field_may_be_nothing_and_none_is_one_of_several_models(definition: Definition) -> None:
    """Both show as tabs: "Property is type None", and models whose required fields cannot be reached."""
    schema = form(definition.name)
    assert '"null"' not in json.dumps(schema)
    blocks = {one.get_block_type_slug() for one in REPOSITORY_BLOCKS}
    for _, field in _fields(schema):
        models = [one["$ref"].rpartition("/")[2] for one in field.get("anyOf", [])]
        assert {schema["definitions"][one].get("block_type_slug") for one in models} <= blocks


@pytest.mark.parametrize("kind", REPOSITORY_BLOCKS, ids=lambda one: one.get_block_type_slug())
def test_every_field_of_the_form_of_a_place_is_described_and_begins_with_a_value_or_is_required(kind: Any) -> None:
    schema = kind.model_json_schema()
    for name, field in schema["properties"].items():
        assert field["description"], name
        assert "anyOf" not in field, name
        assert ("default" in field) is not (name in schema["required"]), name


@pytest.mark.parametrize("words", [["only"], ["first", "second"]])
def test_the_question_of_a_paused_run_is_a_dropdown_however_few_answers_there_are(words: list[str]) -> None:
    question = create_model("Question", answer=(one_of(words), words[0]))
    assert question.model_json_schema()["properties"]["answer"]["enum"] == words
    assert question(answer=words[-1]).model_dump() == {"answer": words[-1]}
    with pytest.raises(ValidationError):
        question(answer="another")


LISTS = Choices(
    families=("linux",), products=("debian", "ubuntu"), flavors=("netinst",), architectures=("x86_64",), languages=("de-DE",),
    repositories=("default", "nas"), sites=("school",), trashed=("debian/netinst@13.0 x86_64",), wanted=("debian/netinst",), held=("debian/netinst@13.1 x86_64",),
)  # fmt: skip


def form(name: str) -> dict[str, Any]:
    definition = next(one for one in FIXED if one.name == name)
    return form_of(load_flow(definition), definition, LISTS)


def complaints(deployment: str, /, **parameters: Any) -> list[str]:
    """What Prefect's own validation says of these parameters, as it does before it makes a run of them."""
    return [one.json_path for one in validate(parameters, form(deployment))]


@EVERY
def test_a_form_sent_as_it_is_opened_is_accepted(definition: Definition) -> None:
    schema = form(definition.name)
    if not schema.get("required"):
        defaults = {name: field["default"] for name, field in schema["properties"].items() if "default" in field}
        assert complaints(definition.name, **defaults) == []
        assert set(defaults) == set(schema["properties"])


@EVERY
def test_every_list_of_a_form_belongs_to_a_field_that_it_has(definition: Definition) -> None:
    assert set(FORMS.get(definition.entrypoint, {})) <= set(form(definition.name)["properties"])


def test_dropdowns_list_what_the_library_knows() -> None:
    fields = form("download")["properties"]
    assert fields["product"]["enum"] == ["", "debian", "ubuntu"]
    assert fields["architectures"]["items"]["enum"] == ["x86_64"]
    assert fields["repository"]["enum"] == ["default", "nas"]
    assert form("verify")["properties"]["what"]["items"]["enum"][0] == "debian/netinst@13.1 x86_64"
    assert form("report")["properties"]["order"]["enum"]
    assert form("trash")["properties"]["what"]["items"]["enum"][:2] == ["all", "debian/netinst@13.0 x86_64"]
    assert form("sync")["properties"]["to"]["items"]["enum"] == ["default", "nas", "school"]
    assert complaints("download", product="solaris") == ["$.product"]


def test_a_list_that_was_fitted_is_fitted_again_to_what_is_there_later() -> None:
    fewer = LISTS.model_copy(update={"products": ("debian",)})
    again = fitted(form("download"), "flows.download.download", fewer)
    assert again["properties"]["product"]["enum"] == ["", "debian"]
    assert len(again["allOf"]) == 2


@pytest.mark.parametrize(
    ("parts", "refused"),
    [
        ({"major": "24", "minor": "04", "patch": "3"}, []),
        ({"major": "24", "minor": "04"}, []),
        ({"major": "24"}, []),
        ({}, []),
        ({"minor": "04"}, ["$.minor"]),
        ({"major": "24", "patch": "3"}, ["$.patch"]),
        ({"patch": "3"}, ["$.patch", "$.patch"]),
        ({"major": "24 LTS"}, ["$.major"]),
    ],
)
def test_an_exact_part_right_of_a_latest_one_is_refused_by_the_form(parts: dict[str, str], refused: list[str]) -> None:
    assert complaints("download", product="ubuntu", **parts) == refused


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


def test_a_scrub_runs_every_night_within_a_budget_before_the_updates_begin() -> None:
    scrub = next(one for one in FIXED if one.name == "scrub")
    assert (scrub.cron, scrub.parameters) == ("30 1 * * *", {"budget": "50GiB"})


def test_each_family_of_the_catalogue_has_one_nightly_deployment() -> None:
    families = {one.name.removeprefix("update-") for one in definitions(load_catalogue()) if one.cron}
    assert {"linux", "bsd", "appliance", "rescue"} <= families


def test_a_product_has_a_deployment_of_its_own_on_request_after_the_families() -> None:
    told = {one.name: one for one in definitions(load_catalogue(), ["ubuntu", "debian"])}
    assert told["update-ubuntu"].parameters == {"what": ["ubuntu"]}
    assert told["update-ubuntu"].tags == ("iso", "family:linux", "product:ubuntu")
    crons = [one.cron for one in told.values() if one.cron]
    assert len(set(crons)) == len(crons)


def test_no_deployment_is_made_for_a_product_that_there_is_not() -> None:
    with pytest.raises(ResolveError, match="ubunto"):
        definitions(load_catalogue(), ["ubunto"])


def test_every_host_that_the_catalogue_names_is_known_and_no_template_is_taken_for_one() -> None:
    hosts = upstream_hosts(load_catalogue().products)
    assert {"releases.ubuntu.com", "cdimage.debian.org"} <= set(hosts)
    assert not [host for host in hosts if set(host) & set("{}\\ ")]


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
