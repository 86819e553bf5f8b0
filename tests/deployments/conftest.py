"""A library that worker runs use, the deployments, and a worker: started once for all tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from prefect_over_http import Api
from working import WorkerLibrary, worker_library_in, working


@pytest.fixture(scope="session")
def api(prefect_server: str) -> Api:
    return Api(prefect_server)


@pytest.fixture(scope="session")
def session_library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerLibrary]:
    with worker_library_in(tmp_path_factory.mktemp("worker")) as library:
        yield library


@pytest.fixture(scope="session")
def running_worker(api: Api, session_library: WorkerLibrary) -> Iterator[None]:
    with working(api, session_library):
        yield


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
