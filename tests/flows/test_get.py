"""What a pipeline gets, and that many who ask share one download."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient

from flow_runs import Given
from flows.get import GOT, get
from flows.reporting import RunFailed
from isomanager.errors import InventoryError
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream

pytestmark = pytest.mark.prefect

SERVER = "sample-orchard/server@26.04"


def test_what_is_not_held_is_fetched_and_then_found(given: Given, upstream: SampleUpstream) -> None:
    first = get(selector=SERVER)
    assert first["fetched"]
    assert Path(first["location"]).is_file()
    assert given.images() == {first["path"]: first["sha256"]}
    assert (first["version"], first["assurance"], first["iso_checksum"]) == (
        "26.04.1", "signed", f"sha256:{first['sha256']}",
    )  # fmt: skip
    second = get(selector="Sample Orchard/server@lts")
    assert second == {**first, "fetched": False}
    assert given.fetches() == 1


def test_those_who_ask_at_the_same_time_share_one_download(given: Given, upstream: SampleUpstream) -> None:
    upstream.fault(FaultKind.SLOW, "*.iso", rate=400_000)
    asked = [SERVER, "sample-orchard/server@lts", SERVER, "sample-orchard/server@26.04.1"]
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = list(pool.map(lambda selector: get(selector=selector), asked))
    assert len({one["location"] for one in answers}) == 1
    assert sum(one["fetched"] for one in answers) == 1
    assert len(given.copies()) == 1


def test_an_answer_is_read_over_the_api_by_whoever_has_no_part_of_isomanager(
    given: Given, client: SyncPrefectClient
) -> None:
    state = get(selector=SERVER, return_state=True)
    kept = client.read_flow_run(state.state_details.flow_run_id).state
    assert kept is not None
    answer = kept.result()
    assert answer["location"] == str(given.repository / answer["path"])
    assert json.loads(json.dumps(answer)) == answer
    artifact = client._client.get(f"/artifacts/{GOT}/latest").json()
    assert json.loads(artifact["data"])[0]["sha256"] == answer["sha256"]


def test_what_cannot_be_had_fails_with_its_reason(given: Given, upstream: SampleUpstream) -> None:
    upstream.fault(FaultKind.FLIP_BIT, "*server*.iso", at=-1)
    with pytest.raises(RunFailed, match=r"sample-orchard/server@26\.04\.1"):
        get(selector=SERVER)
    assert given.images() == {}
    with pytest.raises(InventoryError, match="no repository named nowhere"):
        get(selector=SERVER, repository="nowhere")
