"""Several workers as on several machines, Prefect and the inventory on PostgreSQL: an image is fetched once, whatever ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from command import command_line
from deployments.server import local_server
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import Settings
from postgres_server import create_database
from prefect_over_http import LIMIT, Api
from worker_processes import WorkerProcess, ended, process_id, until

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(sys.platform == "win32", reason="kills processes as POSIX does"),
]

IMAGE = "sample-lantern"
ENOUGH = 30_000
"""Bytes after which the image's download stalls: some of it, and not all."""


@dataclass(frozen=True)
class Cluster:
    """A server without any of Prefect's slots, a library on PostgreSQL, and what a worker needs to be told of both."""

    api: Api
    folder: Path
    environment: dict[str, str]
    upstream: SampleUpstream

    def ask(self, selector: str) -> str:
        return str(self.api.start("download/download", {"selector": selector}).json()["id"])

    def state(self, run: str) -> dict[str, Any]:
        return dict(self.api.ended(run)["state"])

    def images(self) -> list[Path]:
        files = (self.folder / "library").rglob("*.iso")
        return sorted(
            (one for one in files if ".isomanager" not in one.parts and not one.is_symlink()), key=lambda one: one.name
        )

    def sent(self, part: str) -> int:
        """Bytes of images that left the upstream."""
        requests = self.upstream.requests
        return sum(
            one.sent for one in requests if one.method == "GET" and part in one.path and one.path.endswith(".iso")
        )


@pytest.fixture(scope="module")
def cluster(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    runs = create_database(postgres, "prefect_of_workers").replace("postgresql:", "postgresql+asyncpg:")
    held = create_database(postgres, "isos_of_workers").replace("postgresql:", "postgresql+psycopg:")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ISOMANAGER_"))}
    with SampleUpstream(folder / "upstream", scale=0.1) as upstream, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", runs)
        settings = Settings(data_folder=folder / "server", server_start_timeout=600)
        with local_server(settings, lambda _told: None) as url:
            told = {
                **inherited,
                "PREFECT_API_URL": url,
                "PREFECT_WORKER_QUERY_SECONDS": "1",
                "ISOMANAGER_CONFIG": str(folder / "config.toml"),
                "ISOMANAGER_DATA_FOLDER": str(folder / "data"),
                "ISOMANAGER_DATABASE_URL": held,
                "ISOMANAGER_DEFAULT_REPOSITORY": str(folder / "library"),
                "ISOMANAGER_CATALOGUE_FOLDERS": f'["{upstream.catalogue_folder.as_posix()}"]',
                "ISOMANAGER_STALL_TIMEOUT": "3600",
                "ISOMANAGER_RETRY_COUNT": "0",
            }
            deployed = subprocess.run(command_line("deploy"), env=told, capture_output=True, text=True, timeout=LIMIT)
            assert deployed.returncode == 0, deployed.stdout + deployed.stderr
            _without_slots(Api(url))
            yield Cluster(Api(url), folder, told, upstream)


def _without_slots(api: Api) -> None:
    """What keeps two from the same image must not be Prefect's."""
    while limits := api.send("POST", "/v2/concurrency_limits/filter", {"limit": 200}).json():
        for one in limits:
            if one["name"].startswith("isomanager-host-"):
                api.send("DELETE", f"/v2/concurrency_limits/{one['id']}", None)
        if not any(one["name"].startswith("isomanager-host-") for one in limits):
            return


def test_one_of_three_workers_is_killed_in_mid_download_and_the_image_is_fetched_once(cluster: Cluster) -> None:
    stall = cluster.upstream.fault(FaultKind.STALL, "*lantern*.iso", at=ENOUGH)
    with ended([WorkerProcess(f"machine-{one}", cluster.folder, cluster.environment) for one in range(3)]) as workers:
        first = cluster.ask(IMAGE)
        cluster.api.started(first)
        assert stall.wait_reached(LIMIT)
        until("the process of the run", lambda: process_id(cluster.api.get(f"/flow_runs/{first}")))
        others = [cluster.ask(one) for one in ("sample-beacon", "sample-driftwood")]
        second = cluster.state(cluster.ask(IMAGE))
        assert second["type"] == "FAILED"
        assert "worked on by" in second["message"], second
        at_it = process_id(cluster.api.get(f"/flow_runs/{first}"))
        (victim,) = [one for one in workers if at_it in {process.pid for process in one.processes()}]
        victim.kill()
        cluster.upstream.clear_faults()
        third = cluster.state(cluster.ask(IMAGE))
        assert third["type"] == "COMPLETED", third
        for one in others:
            assert cluster.state(one)["type"] == "COMPLETED", cluster.state(one)
        assert [one.is_running() for one in workers if one is not victim] == [True, True]
    images = cluster.images()
    assert [one.name.split(".")[0] for one in images] == ["sample-beacon", "sample-driftwood", IMAGE]
    for one in images:
        assert cluster.sent(one.name.split(".")[0].removeprefix("sample-")) == one.stat().st_size, one.name
