"""A library that worker runs use, the deployments, and a worker: started once for all tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployments.bootstrap import deploy
from deployments.server import guarded
from deployments.work import worker_command, worker_environment
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import load_settings
from prefect_over_http import Api


@pytest.fixture(scope="session")
def api(prefect_server: str) -> Api:
    return Api(prefect_server)


@dataclass(frozen=True)
class WorkerLibrary:
    """The library of the worker's runs, on an upstream of its own."""

    folder: Path
    environment: dict[str, str]
    upstream: SampleUpstream

    def images(self) -> list[str]:
        files = [
            one for one in (self.folder / "library").rglob("*.iso") if not one.is_symlink()
        ]  # aliases are no files
        return sorted(one.name for one in files if ".isomanager" not in one.parts)


@pytest.fixture(scope="session")
def session_library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerLibrary]:
    folder = tmp_path_factory.mktemp("worker")
    with SampleUpstream(folder / "upstream", scale=0.02) as upstream:
        environment = {
            "ISOMANAGER_CONFIG": str(folder / "config.toml"),
            "ISOMANAGER_DATA_FOLDER": str(folder / "data"),
            "ISOMANAGER_DEFAULT_REPOSITORY": str(folder / "library"),
            "ISOMANAGER_CATALOGUE_FOLDERS": f'["{upstream.catalogue_folder.as_posix()}"]',
            "ISOMANAGER_RETRY_DELAY": "0.05",
        }
        yield WorkerLibrary(folder, environment, upstream)


@pytest.fixture(scope="session")
def running_worker(api: Api, session_library: WorkerLibrary) -> Iterator[None]:
    """A worker in a folder of its own, started the way `isomanager serve` starts it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in session_library.environment.items():
            patch.setenv(name, value)
        settings = load_settings()
        list(deploy(settings))
        environment = {**worker_environment(settings), "PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_API_URL": api.url}
    with guarded(worker_command(2), session_library.folder / "worker.log", environment) as worker:
        yield
        assert worker.poll() is None, (session_library.folder / "worker.log").read_text()


@pytest.fixture
def worker_library(
    running_worker: None, session_library: WorkerLibrary, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WorkerLibrary]:
    """The worker's library, which is this process's too for the length of the test."""
    for name, value in session_library.environment.items():
        monkeypatch.setenv(name, value)
    yield session_library
    session_library.upstream.clear_faults()


@pytest.fixture
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Prefect API is configured."""
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
