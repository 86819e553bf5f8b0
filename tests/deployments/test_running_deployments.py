"""Deployments run on a real worker, asked for as a person, a schedule or another program does."""

from __future__ import annotations

from uuid import uuid4

import pytest
from prefect.deployments import run_deployment

from blocks.repositories import LocalRepository
from isomanager.library.opening import Library
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Selector
from isomanager.sample.faults import FaultKind
from isomanager.settings import load_settings
from prefect_over_http import LIMIT, Api

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(900)]


def _subscribe(selector: str) -> None:
    with Library(load_settings()) as library:
        subscribe(library, Selector.parse(selector), floor=Assurance.MIRROR)


def test_an_update_asked_for_from_python_completes_with_the_image_in_the_repository(worker_library, api: Api) -> None:
    _subscribe("sample-lantern")
    run = run_deployment("update/update", parameters={"what": ["sample-lantern"]}, timeout=LIMIT, poll_interval=0.5)
    assert run.state is not None
    assert run.state.is_completed(), run.state
    assert [name for name in worker_library.images() if "lantern" in name]


def test_the_same_idempotency_key_gives_the_same_run_over_plain_http(worker_library, api: Api) -> None:
    key = f"pipeline-{uuid4()}"
    asked = {"selector": "sample-beacon"}
    first = api.start("download/download", asked, idempotency_key=key)
    second = api.start("download/download", asked, idempotency_key=key)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert api.ended(first.json()["id"])["state"]["type"] == "COMPLETED"
    assert [name for name in worker_library.images() if "beacon" in name]


def test_a_refused_image_fails_the_run_with_a_message_that_names_it(worker_library, api: Api) -> None:
    _subscribe("sample-driftwood")
    worker_library.upstream.fault(FaultKind.FLIP_BIT, "*.iso", at=-1)
    run = api.start("update/update", {"what": ["sample-driftwood"]}).json()
    state = api.ended(run["id"])["state"]
    assert state["type"] == "FAILED"
    assert "sample-driftwood" in state["message"]
    assert not [name for name in worker_library.images() if "driftwood" in name]


def test_a_repository_described_by_a_block_is_known_after_the_form_is_sent(worker_library, api: Api) -> None:
    folder = worker_library.folder / "classroom"
    block = LocalRepository(path=str(folder), layout="upstream-name", description="For the classroom")
    document = block.save(f"classroom-{uuid4().hex[:8]}")
    filled_in = {"name": "classroom", "repository": {"$ref": {"block_document_id": str(document)}}}
    run = api.start("add-repository/add-repository", filled_in).json()
    ended = api.ended(run["id"])
    assert ended["state"]["type"] == "COMPLETED", ended["state"]
    with Library(load_settings()) as library:
        known = library.inventory.repository("classroom")
    assert (known.url, known.layout, known.description) == (str(folder), "upstream-name", "For the classroom")


def test_a_family_s_schedule_makes_its_runs(worker_library, api: Api) -> None:
    runs = api.scheduled("update/update-linux")
    assert {one["parameters"]["what"][0] for one in runs} == {"linux"}
    assert len({one["next_scheduled_start_time"] for one in runs}) == len(runs)
