"""Each event that somebody may want to be told of is really sent, and arrives at the server."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient

from flow_runs import Given, eventually
from flows.check_catalogue import check_catalogue
from flows.report import report
from flows.update import update
from isomanager.sample.upstream import SampleUpstream

pytestmark = pytest.mark.prefect

SERVER = "sample-orchard/server@lts"


def arrived(client: SyncPrefectClient, event: str, subject: str) -> str:
    """What was said of the subject by the newest such event, once there is one."""

    def ask() -> str:
        body = {"filter": {"event": {"name": [event]}, "order": "DESC"}, "limit": 50}
        events = client._client.post("/events/filter", json=body).json()["events"]
        about = (one for one in events if subject in one["resource"]["prefect.resource.name"])
        return next((str(one["payload"]["reason"]) for one in about), "")

    return eventually(ask)


def test_a_resolver_that_works_again_is_told(upstream: SampleUpstream, client: SyncPrefectClient) -> None:
    upstream.fault("not-found", "/driftwood/*")
    (broken,) = check_catalogue(what=["sample-driftwood"])
    assert broken.state == "broken"
    upstream.clear_faults()
    check_catalogue(what=["sample-driftwood"])
    assert "resolves again" in arrived(client, "isomanager.resolver.recovered", "sample-driftwood")


def test_other_bytes_under_the_same_version_and_scarce_room_are_told(
    given: Given, upstream: SampleUpstream, client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    given.subscription(SERVER)
    update()
    upstream.respin("orchard/26.04/orchard-26.04.1-live-server-amd64.iso")
    (size,) = [one.size for one in given.copies()]
    assert size is not None
    monkeypatch.setenv("ISOMANAGER_QUOTAS", f'{{"default": {2 * size + size // 10}}}')
    update()
    assert "re-spin" in arrived(client, "isomanager.image.respun", "sample-orchard/server@26.04.1")
    assert "is used" in arrived(client, "isomanager.repository.nearly-full", "default")


def test_support_that_ended_is_told(
    given: Given, tmp_path: Path, client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch, upstream: SampleUpstream
) -> None:
    given.subscription("sample-beacon")
    update()
    own = tmp_path / "own"
    own.mkdir()
    text = (upstream.catalogue_folder / "sample-beacon.toml").read_text("utf-8")
    (own / "sample-beacon.toml").write_text(f'{text}\n[[lifecycle]]\nversion = "9"\neol = 2020-06-30\n', "utf-8")
    monkeypatch.setenv(
        "ISOMANAGER_CATALOGUE_FOLDERS", f'["{upstream.catalogue_folder.as_posix()}", "{own.as_posix()}"]'
    )
    report(save=False)
    assert "2020" in arrived(client, "isomanager.image.ending", "sample-beacon")
