"""Deploying again and again, on a real server: what a person changed stays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.automations import SILENCE
from deployments.bootstrap import SCHEDULE, deploy, load_flow
from deployments.definitions import FIXED
from deployments.work import POOL, QUEUE
from isomanager.errors import UsageError
from isomanager.library.opening import Library
from isomanager.library.sites import add_site
from isomanager.settings import load_settings
from prefect_over_http import Api
from tasks.sharing import host_limit

pytestmark = pytest.mark.prefect

ROOT = Path(__file__).resolve().parents[2]
NIGHTLY = "update/update-linux"
OWN_CRON = {"cron": "7 5 * * 1", "timezone": "Europe/Berlin"}


def _deploy(*products: str, reset: bool = False) -> list[str]:
    return list(deploy(load_settings(), products, reset=reset))


@pytest.fixture
def deployed(api: Api) -> Iterator[Api]:
    """A server with the deployments as they are delivered, before the test and after it."""
    _deploy()
    _deploy(reset=True)
    yield api
    _deploy(reset=True)


def _schedules(api: Api) -> dict[str, Any]:
    return {one["slug"]: one for one in api.deployment(NIGHTLY)["schedules"]}


def _change_as_in_the_ui(api: Api) -> None:
    """The nightly schedule is moved and switched off, one is added, the parameters are changed, the deployment is paused."""
    known = api.deployment(NIGHTLY)["id"]
    nightly = _schedules(api)[SCHEDULE]["id"]
    api.send("PATCH", f"/deployments/{known}/schedules/{nightly}", {"schedule": OWN_CRON, "active": False})
    own = {"schedule": {"interval": 3600.0}, "active": True, "slug": "own", "parameters": {"force": True}}
    nameless = {"schedule": {"rrule": "FREQ=MONTHLY;BYDAY=2TU"}, "active": True}
    api.send("POST", f"/deployments/{known}/schedules", [own, nameless])
    changed = {"parameters": {"what": ["ubuntu"]}, "tags": ["iso", "family:linux", "own"], "concurrency_limit": 3}
    api.send("PATCH", f"/deployments/{known}", changed)
    api.send("POST", f"/deployments/{known}/pause_deployment", {})


def test_makes_the_pool_the_block_type_and_every_deployment(deployed: Api) -> None:
    assert deployed.get(f"/work_pools/{POOL}")["type"] == "process"
    assert deployed.get("/block_types/slug/iso-repository-local")["name"] == "ISO repository (local)"
    for one in FIXED:
        known = deployed.deployment(f"{load_flow(one).name}/{one.name}")
        assert (known["entrypoint"], known["pull_steps"]) == (one.entrypoint, [])
        assert [schedule["schedule"]["cron"] for schedule in known["schedules"]] == ([one.cron] if one.cron else [])


def test_a_scrub_s_night_and_budget_stay_as_they_were_changed_in_the_ui(deployed: Api) -> None:
    known = deployed.deployment("scrub/scrub")
    (nightly,) = known["schedules"]
    deployed.send("PATCH", f"/deployments/{known['id']}/schedules/{nightly['id']}", {"schedule": OWN_CRON})
    deployed.send("PATCH", f"/deployments/{known['id']}", {"parameters": {"budget": "1TiB"}})
    _deploy()
    after = deployed.deployment("scrub/scrub")
    assert [one["schedule"]["cron"] for one in after["schedules"]] == [OWN_CRON["cron"]]
    assert after["parameters"] == {"budget": "1TiB"}


def test_a_family_s_deployment_is_scheduled_and_does_not_overlap_itself(deployed: Api) -> None:
    known = deployed.deployment(NIGHTLY)
    assert known["parameters"] == {"what": ["linux"]}
    assert known["global_concurrency_limit"]["limit"] == 1
    assert _schedules(deployed)[SCHEDULE]["schedule"]["cron"].endswith("* * *")
    assert known["paused"] is False


def test_deploying_again_keeps_what_was_changed_in_the_ui(deployed: Api) -> None:
    _change_as_in_the_ui(deployed)
    before = deployed.deployment(NIGHTLY)
    _deploy()
    after = deployed.deployment(NIGHTLY)
    for kept in ("id", "parameters", "schedules", "paused", "tags", "job_variables"):
        assert after[kept] == before[kept], kept
    assert after["global_concurrency_limit"]["limit"] == 3
    assert _schedules(deployed)[SCHEDULE]["schedule"]["cron"] == OWN_CRON["cron"]
    assert _schedules(deployed)["own"]["parameters"] == {"force": True}


def test_deploying_again_brings_form_and_description_up_to_date(deployed: Api) -> None:
    known = deployed.deployment(NIGHTLY)
    old = {"description": "old", "parameter_openapi_schema": {"type": "object", "properties": {}}}
    deployed.send("PATCH", f"/deployments/{known['id']}", old)
    _deploy()
    after = deployed.deployment(NIGHTLY)
    assert after["description"] == known["description"]
    assert after["parameter_openapi_schema"] == known["parameter_openapi_schema"]


def test_reset_gives_the_deployment_back_as_it_is_delivered(deployed: Api) -> None:
    _change_as_in_the_ui(deployed)
    told = _deploy(reset=True)
    after = deployed.deployment(NIGHTLY)
    assert [one["slug"] for one in after["schedules"]] == [SCHEDULE]
    assert after["schedules"][0]["active"] is True
    assert (after["parameters"], after["paused"]) == ({"what": ["linux"]}, False)
    assert after["tags"] == ["iso", "family:linux"]
    assert after["global_concurrency_limit"]["limit"] == 1
    assert all("set back" in sentence for sentence in told)


def test_every_artifact_that_a_description_links_to_is_there_from_the_start(deployed: Api) -> None:
    told = " ".join(one["description"] or "" for one in deployed.send("POST", "/deployments/filter", {}).json())
    keys = set(re.findall(r"/v2/artifacts/key/([a-z-]+)", told))
    assert {"iso-inventory", "iso-catalog", "iso-product"} <= keys
    for key in keys:
        assert deployed.get(f"/artifacts/{key}/latest")["key"] == key


def test_every_upstream_host_has_a_limit_and_one_that_a_person_changed_stays(deployed: Api) -> None:
    name = host_limit("releases.ubuntu.com")
    known = deployed.get(f"/v2/concurrency_limits/{name}")
    assert known["limit"] == load_settings().connections_per_host
    deployed.send("PATCH", f"/v2/concurrency_limits/{name}", {"limit": 1})
    _deploy()
    assert deployed.get(f"/v2/concurrency_limits/{name}")["limit"] == 1


def test_a_product_s_own_deployment_is_kept_up_to_date_by_later_deploys(deployed: Api) -> None:
    _deploy("ubuntu")
    known = deployed.deployment("update/update-ubuntu")
    assert (known["parameters"], known["paused"]) == ({"what": ["ubuntu"]}, False)
    deployed.send("PATCH", f"/deployments/{known['id']}", {"description": "old"})
    _deploy()
    assert deployed.deployment("update/update-ubuntu")["description"] == known["description"]
    deployed.send("DELETE", f"/deployments/{known['id']}", None)


def test_a_site_has_a_queue_of_its_own_that_only_its_workers_ask(deployed: Api) -> None:
    settings = load_settings()
    with Library(settings) as library:
        add_site(library, "attic", ("default",))
    list(deploy(settings, sites=["attic"]))
    known = deployed.deployment("sync/sync-attic")
    assert (known["parameters"], known["work_queue_name"]) == ({"to": ["attic"], "dry_run": True}, "attic")
    assert deployed.deployment("update/update")["work_queue_name"] == QUEUE
    with pytest.raises(UsageError, match="'cellar'"):
        list(deploy(settings, sites=["cellar"]))
    deployed.send("DELETE", f"/deployments/{known['id']}", None)


def test_automations_are_made_once_and_one_that_a_person_switched_off_stays_off(deployed: Api) -> None:
    gone = _automations(deployed)["isomanager: runs that are gone"]
    assert (gone["enabled"], gone["trigger"]["within"]) == (True, SILENCE.total_seconds())
    deployed.send("PATCH", f"/automations/{gone['id']}", {"enabled": False})
    _deploy()
    after = _automations(deployed)
    assert after["isomanager: runs that are gone"]["enabled"] is False
    assert after["isomanager: run again what crashed"]["enabled"] is True
    _deploy(reset=True)
    assert _automations(deployed)["isomanager: runs that are gone"]["enabled"] is True


def _automations(api: Api) -> dict[str, Any]:
    found = api.send("POST", "/automations/filter", {}).json()
    assert len({one["name"] for one in found}) == len(found)
    return {one["name"]: one for one in found}


def test_nothing_of_this_machine_is_kept_by_the_server(deployed: Api) -> None:
    for one in deployed.send("POST", "/deployments/filter", {}).json():
        assert one["path"] is None
        assert one["job_variables"] == {}
        assert str(ROOT) not in str(one)


def test_a_pipeline_s_wrong_parameter_is_refused_by_name(deployed: Api) -> None:
    known = deployed.deployment("update/update")["id"]
    with pytest.raises(AssertionError, match="dry_run"):
        deployed.send("POST", f"/deployments/{known}/create_flow_run", {"parameters": {"dry_run": "perhaps"}})


def test_prefect_s_own_deploy_command_makes_the_fixed_deployments_and_keeps_schedules(deployed: Api) -> None:
    known = deployed.deployment("update/update")["id"]
    own = {"schedule": OWN_CRON, "active": True, "slug": "own"}
    deployed.send("POST", f"/deployments/{known}/schedules", [own])
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PREFECT_API_URL": deployed.url}, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    after = deployed.deployment("update/update")
    assert (after["entrypoint"], after["pull_steps"]) == ("flows.update.update", [])
    assert [one["slug"] for one in after["schedules"]] == ["own"]
