"""A worker of the pool on a library of its own, whose upstream is the sample one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployments.bootstrap import deploy
from deployments.server import guarded
from deployments.work import worker_command, worker_environment
from failing import end_of, shown_if_failed
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import load_settings
from prefect_over_http import Api


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


@contextmanager
def worker_library_in(folder: Path) -> Iterator[WorkerLibrary]:
    """An empty library whose catalogue knows the sample upstream."""
    with SampleUpstream(folder / "upstream", scale=0.02) as upstream:
        environment = {
            "ISOMANAGER_CONFIG": str(folder / "config.toml"),
            "ISOMANAGER_DATA_FOLDER": str(folder / "data"),
            "ISOMANAGER_DEFAULT_REPOSITORY": str(folder / "library"),
            "ISOMANAGER_CATALOGUE_FOLDERS": f'["{upstream.catalogue_folder.as_posix()}"]',
            "ISOMANAGER_RETRY_DELAY": "0.05",
        }
        yield WorkerLibrary(folder, environment, upstream)


@contextmanager
def working(api: Api, library: WorkerLibrary) -> Iterator[None]:
    """A worker in a folder of its own, started the way `isomanager serve` starts it, and the deployments that it serves."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in library.environment.items():
            patch.setenv(name, value)
        settings = load_settings()
        list(deploy(settings))
        environment = {**worker_environment(settings), "PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_API_URL": api.url}
    log = library.folder / "worker.log"
    with (
        guarded(worker_command(2), log, environment) as worker,
        shown_if_failed("the worker's log", lambda: end_of(log)),
    ):
        yield
        assert worker.poll() is None, end_of(log)
