"""A Prefect API to run flows on: the one that is configured, the one `isomanager serve` runs, or one of our own for the moment.

Not Prefect's ephemeral mode: it starts the whole server inside each command, took 11 to 28 seconds a run when tried, and gives
up after 20 seconds of its own on a busy machine.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from urllib.error import URLError
from urllib.request import urlopen

from filelock import FileLock, Timeout

from isomanager.errors import ConfigurationError, ConnectionFailed
from isomanager.settings import Settings

Say = Callable[[str], None]

GUARDIAN = Path(__file__).with_name("guardian.py")

QUIET_SERVER = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_CLI_PROMPT": "false",
}
"""No telemetry, no advertisements, no questions."""


def prefect_home(settings: Settings) -> Path:
    """Where the local server keeps its database and the client its profile."""
    return settings.data_folder / "prefect"


def serve_lock(settings: Settings) -> FileLock:
    """Held by `isomanager serve` for as long as it runs."""
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    return FileLock(settings.data_folder / "serve.lock", timeout=0)


def serve_address_file(settings: Settings) -> Path:
    """Where `isomanager serve` writes the address of its API."""
    return settings.data_folder / "serve.json"


def served_api(settings: Settings) -> str | None:
    """The API of the `isomanager serve` on this machine, if one is running and healthy."""
    try:
        with serve_lock(settings):
            return None  # nobody holds it
    except Timeout:
        pass
    try:
        url = str(json.loads(serve_address_file(settings).read_text())["api_url"])
    except (OSError, ValueError, KeyError):
        return None
    return url if is_healthy(url) else None


def is_healthy(api_url: str) -> bool:
    """Whether the API answers its health check."""
    try:
        with urlopen(f"{api_url}/health", timeout=5) as answer:  # noqa: S310 - an address of ours, http or https
            return bool(answer.status == 200)
    except (URLError, OSError, ValueError):
        return False


@contextmanager
def prefect_api(settings: Settings, say: Say) -> Iterator[str]:
    """The address of an API, ready to use, with this process's environment pointing to it.

    Must be entered before prefect is imported. Whatever had to be started is ended on leaving.
    """
    configured = os.environ.get("PREFECT_API_URL")
    if configured:
        if not is_healthy(configured):
            raise ConnectionFailed(
                f"PREFECT_API_URL names {configured}, which does not answer.",
                hint="Start that server, or unset PREFECT_API_URL to let isomanager start one for itself.",
            )
        yield configured
        return
    found = served_api(settings)
    if found:
        point_client_to(found, settings)
        yield found
        return
    with local_server(settings, say) as url:
        point_client_to(url, settings)
        try:
            yield url
        finally:
            send_what_waits()


def send_what_waits(limit: float = 10.0) -> None:
    """Let prefect hand its last logs and events to the server while there is one; its threads would wait for it at exit."""
    if "prefect" not in sys.modules:
        return
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=limit)
    EventsWorker.drain_all(timeout=limit)


def point_client_to(api_url: str, settings: Settings) -> None:
    """Set the environment that prefect reads when it is imported."""
    os.environ["PREFECT_API_URL"] = api_url
    os.environ.setdefault("PREFECT_HOME", str(prefect_home(settings)))
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_CLI_PROMPT", "false")


def free_port() -> int:
    """A port of the loopback interface that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def local_server(settings: Settings, say: Say, *, port: int | None = None) -> Iterator[str]:
    """Start a Prefect server on loopback, wait for its health, and end it on leaving, even by `kill -9`."""
    home = prefect_home(settings)
    home.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    url = f"http://127.0.0.1:{port}/api"
    log = home / "server.log"
    log.write_bytes(b"")
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    say("Starting a local Prefect server ...")
    with guarded(command, log, {**QUIET_SERVER, "PREFECT_HOME": str(home), "PREFECT_API_URL": url}) as process:
        wait_until_healthy(url, process, log, settings.server_start_timeout)
        yield url


@contextmanager
def guarded(command: list[str], log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` under the guardian: it ends when this block does, and when this process is killed."""
    process = subprocess.Popen(
        [sys.executable, str(GUARDIAN), str(log), *command],
        stdin=subprocess.PIPE,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        process.stdin.close()
        process.wait()


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path, limit: float) -> None:
    """Return once the API is healthy; an error with the end of the server's log otherwise."""
    until = monotonic() + limit
    while not is_healthy(url):
        if process.poll() is not None:
            raise ConfigurationError(
                f"The local Prefect server ended while starting: {_tail(log)}", hint=f"Its log is {log}."
            )
        if monotonic() > until:
            raise ConnectionFailed(
                f"The local Prefect server was not ready within {limit:.0f} seconds: {_tail(log)}",
                hint="On a slow machine raise the setting server_start_timeout.",
            )
        sleep(0.1)


def _tail(log: Path) -> str:
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return " | ".join(lines[-5:]) or "it said nothing"
