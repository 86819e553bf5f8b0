"""What every test gets: an environment of its own, the sample upstream, a library, and one Prefect server for all flow tests."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deployments.server import QUIET_SERVER, free_port, local_server, point_client_to, send_what_waits
from failing import sections
from isomanager.library.opening import Library, library_in_use
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import Settings
from postgres_server import postgres_server, prefect_database
from sharing_disk import NoDiskError, sharing_disk
from store_servers import NfsServer, S3Server, SmbServer, nfs_server, s3_server, smb_server

# A shell that starts the tests in the background lets them ignore Ctrl+C, and so would every command that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest.register_assert_rewrite("flow_runs", "domain_update", "prefect_over_http")

# Prefect reads its settings when it is imported, which collecting the tests does: they must stand before.
for _name in [
    name
    for name in os.environ
    if name.startswith(("PREFECT_", "ISOMANAGER_")) and name not in ("ISOMANAGER_RECORDED", "ISOMANAGER_ISODATA")
]:
    del os.environ[_name]
_PREFECT_PORT = free_port()
_PREFECT_FOLDER = tempfile.TemporaryDirectory(prefix="isomanager-tests-", ignore_cleanup_errors=True)
_PREFECT_SETTINGS = Settings(data_folder=Path(_PREFECT_FOLDER.name), server_start_timeout=600)
point_client_to(f"http://127.0.0.1:{_PREFECT_PORT}/api", _PREFECT_SETTINGS)
os.environ.update(QUIET_SERVER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails shows the logs of the processes that it used."""
    report = yield
    if report.failed:
        report.sections.extend(sections())
    return report


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The recorded documents; a test that needs them is skipped where there are none, but never in CI."""
    folder = os.environ.get("ISOMANAGER_RECORDED", "")
    if not folder:
        if os.environ.get("CI") == "true":
            pytest.fail("ISOMANAGER_RECORDED is unset, and CI must run the recorded documents")
        pytest.skip("ISOMANAGER_RECORDED does not point to recorded documents")
    return Path(folder)


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings or the terminal of the machine it runs on, nor leaves files outside its folder."""
    monkeypatch.delenv("COLUMNS", raising=False)  # a test process gets it where the tests were started in a terminal
    monkeypatch.setenv("ISOMANAGER_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("ISOMANAGER_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("ISOMANAGER_DEFAULT_REPOSITORY", str(tmp_path / "library"))
    monkeypatch.setenv("ISOMANAGER_RETRY_DELAY", "0.05")
    monkeypatch.setenv("ISOMANAGER_CATALOGUE_MAX_AGE", "0")  # the sample upstream releases every second


@pytest.fixture(scope="module")
def sharing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk whose files can share blocks, of Linux; only root can mount one."""
    with ExitStack() as mounted:
        try:
            place = mounted.enter_context(sharing_disk(tmp_path_factory.mktemp("sharing")))
        except NoDiskError as wrong:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(wrong))
        yield place


@pytest.fixture(scope="session")
def prefect_server(postgres: str) -> Iterator[str]:
    """The address of a real Prefect API, started once for every test that runs flows.

    On PostgreSQL: hundreds of runs with their events in a row make a server on SQLite wait for its own locks, minutes at times.
    Tests of `serve`, of the examples and of the command's own server run on SQLite.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", prefect_database(postgres, "prefect_of_tests"))
        server = ExitStack()
        url = server.enter_context(local_server(_PREFECT_SETTINGS, lambda _told: None, port=_PREFECT_PORT))
    with server:
        yield url
        send_what_waits()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server of our own, without a database name."""
    with postgres_server() as address:
        yield address


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 server with an empty bucket; tests keep to prefixes of their own."""
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def smb() -> Iterator[SmbServer]:
    """An SMB server; tests keep to folders of their own. pytest's folders are their user's alone, and a guest must reach this."""
    with tempfile.TemporaryDirectory(prefix="isomanager-smb-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with smb_server(folder) as server:
            yield server


@pytest.fixture(scope="session")
def nfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NfsServer]:
    """An NFS server; tests keep to folders of their own."""
    with nfs_server(tmp_path_factory.mktemp("nfs")) as server:
        yield server


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SampleUpstream]:
    """The sample upstream, small images, its products in the catalogue."""
    with SampleUpstream(tmp_path / "upstream", scale=0.1) as running:
        monkeypatch.setenv("ISOMANAGER_CATALOGUE_FOLDERS", f'["{running.catalogue_folder.as_posix()}"]')
        yield running


@pytest.fixture
def library(upstream: SampleUpstream) -> Iterator[Library]:
    """An empty library whose catalogue knows the sample upstream."""
    with library_in_use() as opened:
        yield opened
