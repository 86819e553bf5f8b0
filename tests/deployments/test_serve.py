"""`isomanager serve` as a person has it: one command that runs everything, and of which nothing is left afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

import httpx
import psutil
import pytest

from deployments.server import free_port, own_address, serve_address_file, served_api, ui_address
from isomanager.library.opening import Library
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Selector
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import Settings, load_settings
from prefect_over_http import LIMIT, Api

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals"),
]


class Serve:
    """One `isomanager serve`, and everything it starts."""

    def __init__(self, folder: Path, port: int, environment: dict[str, str]) -> None:
        self.api = Api(own_address(port))
        self.output = folder / f"serve-{uuid4().hex}.txt"
        command = [sys.executable, "-m", "cli.main", "serve", "--port", str(port)]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        self.tree: set[psutil.Process] = set()

    def said(self) -> str:
        return self.output.read_text("utf-8")

    def until_said(self, words: str) -> None:
        until = monotonic() + 2 * LIMIT
        while words not in self.said():
            assert self.process.poll() is None, self.said()
            assert monotonic() < until, self.said()
            sleep(0.1)

    def send(self, number: signal.Signals) -> int:
        """Send the signal, having noted every process there is; the exit code."""
        serve = psutil.Process(self.process.pid)
        self.tree = {serve, *serve.children(recursive=True)}
        serve.send_signal(number)
        return self.process.wait(LIMIT)

    def left(self, seconds: float) -> list[psutil.Process]:
        """What still runs of what ran, after so many seconds at most."""
        return list(psutil.wait_procs(self.tree, timeout=seconds)[1])


@dataclass(frozen=True)
class Served:
    """A library whose places are all named relative to its folder, on an upstream that stalls in every image."""

    folder: Path
    environment: dict[str, str]
    upstream: SampleUpstream

    @contextmanager
    def serve(self) -> Iterator[Serve]:
        """A ready `isomanager serve`, ended with the block."""
        serve = Serve(self.folder, free_port(), self.environment)
        try:
            serve.until_said("The UI is at")
            yield serve
        finally:
            if serve.process.poll() is None:
                serve.send(signal.SIGTERM)

    def stalling_run(self, api: Api) -> str:
        """A run in the middle of a download that does not go on."""
        self.upstream.clear_faults()
        stall = self.upstream.fault(FaultKind.STALL, "*.iso", at=1000)
        run = str(api.start("update/update-rescue", {"what": ["sample-lantern"]}).json()["id"])
        api.started(run)
        assert stall.wait_reached(LIMIT)
        return run


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    told = {
        "ISOMANAGER_CONFIG": "config.toml",
        "ISOMANAGER_DATA_FOLDER": "data",
        "ISOMANAGER_DEFAULT_REPOSITORY": "library",
        "ISOMANAGER_CATALOGUE_FOLDERS": '["upstream/catalogue"]',
        "ISOMANAGER_SERVER_START_TIMEOUT": "600",
        "ISOMANAGER_STALL_TIMEOUT": "3600",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ISOMANAGER_"))}
    with SampleUpstream(folder / "upstream", scale=0.05) as upstream, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in told.items():
            patch.setenv(name, value)
        with Library(load_settings()) as library:
            subscribe(library, Selector.parse("sample-lantern"), floor=Assurance.MIRROR)
        yield Served(folder, {**inherited, **told}, upstream)


@pytest.fixture
def settings(served: Served, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The served library's, as another command in its folder has them."""
    monkeypatch.chdir(served.folder)
    for name, value in served.environment.items():
        if name.startswith("ISOMANAGER_"):
            monkeypatch.setenv(name, value)
    return load_settings()


def _prefects_in(folder: Path) -> list[psutil.Process]:
    return [
        one
        for one in psutil.process_iter(["cmdline", "cwd", "environ"])
        if (one.info["environ"] or {}).get("PREFECT_HOME", "").startswith(str(folder))
    ]


def test_serves_until_asked_to_stop_and_then_nothing_of_it_runs(served: Served, settings: Settings) -> None:
    with served.serve() as serve:
        assert f"The UI is at {ui_address(serve.api.url)}" in serve.said()
        page = httpx.get(ui_address(serve.api.url), headers={"accept": "text/html"}, trust_env=False, timeout=60)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert served_api(settings, lambda _told: None) == serve.api.url
        second = Serve(served.folder, free_port(), served.environment)
        assert second.process.wait(LIMIT) == 2
        assert "running for this library already" in second.said()
        run = served.stalling_run(serve.api)
        assert serve.send(signal.SIGTERM) == 0
        assert serve.left(0) == []
        assert _prefects_in(served.folder) == []
    assert "Stopped." in serve.said()
    assert served_api(settings, lambda _told: None) is None
    assert not serve_address_file(settings).exists()
    served.upstream.clear_faults()
    with served.serve() as again:
        assert again.api.ended(run)


def test_a_kill_leaves_nothing_running_and_the_next_start_takes_up_the_work(served: Served, settings: Settings) -> None:
    with served.serve() as serve:
        run = served.stalling_run(serve.api)
        serve.send(signal.SIGKILL)
        assert serve.left(LIMIT) == []
        assert _prefects_in(served.folder) == []
    served.upstream.clear_faults()
    with served.serve() as again:
        assert again.api.get(f"/flow_runs/{run}")["state"]["type"] == "CRASHED"
        # the deployment lets one run at a time: the crashed one no longer holds its place, nor its image
        taken_up = again.api.start("update/update-rescue", {"what": ["sample-lantern"]}).json()["id"]
        ended = again.api.ended(taken_up)
        assert ended["state"]["type"] == "COMPLETED", ended["state"]
        assert again.send(signal.SIGINT) == 0
        assert again.left(0) == []
    assert [one.name for one in (served.folder / "library").rglob("*.iso") if ".isomanager" not in one.parts]


def test_can_be_stopped_while_it_starts(served: Served) -> None:
    serve = Serve(served.folder, free_port(), served.environment)
    serve.until_said("Starting a local Prefect server")
    assert serve.send(signal.SIGTERM) == 0
    assert serve.left(0) == []
    assert _prefects_in(served.folder) == []
