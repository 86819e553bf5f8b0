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
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from deployments.asking import is_healthy, require_account, without_password
from deployments.starting import database_in_turn
from isomanager.errors import Cancelled, ConfigurationError, ConnectionFailed, UsageError
from isomanager.settings import Settings

Say = Callable[[str], None]

BUSY_SERVER = 60.0
"""Seconds that a server may take for its health check before it counts as down, where a command is about to use it."""

GUARDIAN = Path(__file__).with_name("guardian.py")

QUIET_SERVER = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_CLI_PROMPT": "false",
}
"""No telemetry, no advertisements, no questions."""

RETENTION = {
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(60 * 86_400),
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P14D",
}
"""How long the server keeps runs with their logs and artifacts, and events, unless the environment says otherwise."""


def prefect_home(settings: Settings) -> Path:
    """Where the local server keeps its database and the client its profile."""
    return settings.data_folder.absolute() / "prefect"


def serve_lock(settings: Settings) -> FileLock:
    """Held by `isomanager serve` for as long as it runs."""
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    return FileLock(settings.data_folder / "serve.lock", timeout=0)


def serve_address_file(settings: Settings) -> Path:
    """Where `isomanager serve` writes the address of its API once that is ready."""
    return settings.data_folder / "serve.json"


@contextmanager
def serving(settings: Settings) -> Iterator[Callable[[str], None]]:
    """Be the one `isomanager serve` of this library; gives the function that tells its API's address to other commands.

    Raises UsageError when there is one already.
    """
    file = serve_address_file(settings)
    try:
        lock = serve_lock(settings).acquire(timeout=2)  # a command that looks whether it is held holds it for a moment
    except Timeout as held:
        address = served_address(settings)
        raise UsageError(
            "isomanager serve is running for this library already.",
            hint=f"Its UI is at {ui_address(address)}." if address else "It is just starting.",
        ) from held
    with lock:
        file.unlink(missing_ok=True)  # of one that was killed
        try:
            yield lambda url: _write_whole(file, json.dumps({"api_url": url}))
        finally:
            file.unlink(missing_ok=True)


def _write_whole(file: Path, text: str) -> None:
    new = file.with_name(f"{file.name}.new")
    new.write_text(text, "utf-8")
    new.replace(file)


def _is_served(settings: Settings) -> bool:
    try:
        with serve_lock(settings):
            return False
    except Timeout:
        return True


def served_address(settings: Settings) -> str | None:
    """What `isomanager serve` wrote down as its API, None where it wrote nothing; it may have ended since."""
    try:
        return str(json.loads(serve_address_file(settings).read_text("utf-8"))["api_url"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def served_api(settings: Settings, say: Say) -> str | None:
    """The API of the `isomanager serve` of this library, None when there is none. One that is just starting is waited for."""
    waiting = False
    until = monotonic() + settings.server_start_timeout
    while _is_served(settings):
        url = served_address(settings)
        if url and is_healthy(url):
            return url
        if monotonic() > until:
            raise ConnectionFailed(
                "isomanager serve is running for this library, but does not answer.",
                hint="Look at its messages, or stop it: this command then starts a Prefect server for itself.",
            )
        if not waiting:
            say("Waiting for isomanager serve, which is starting ...")
            waiting = True
        sleep(0.2)
    return None


def own_address(port: int) -> str:
    """The API of a local server at that port."""
    return f"http://127.0.0.1:{port}/api"


def is_on_this_machine(api_url: str) -> bool:
    """Whether the server listens on the loopback interface, so that its runs are processes of this machine."""
    return urlsplit(api_url).hostname in ("127.0.0.1", "localhost", "::1")


def ui_address(api_url: str) -> str:
    """Where a person finds the deployments in the UI of the server with that API."""
    return f"{api_url.removesuffix('/api')}/v2/deployments"


@contextmanager
def prefect_api(settings: Settings, say: Say) -> Iterator[str]:
    """The address of an API, ready to use, with this process's environment pointing to it.

    Must be entered before prefect is imported. Whatever had to be started is ended on leaving.
    """
    configured = configured_api()
    if configured:
        yield configured
        return
    found = served_api(settings, say)
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


def configured_api() -> str | None:
    """The API that PREFECT_API_URL names. ConnectionFailed when it does not answer, or not to our account."""
    configured = os.environ.get("PREFECT_API_URL")
    # a busy server may take its time; one that is not there refuses at once
    if configured and not is_healthy(configured, BUSY_SERVER):
        raise ConnectionFailed(
            f"PREFECT_API_URL names {without_password(configured)}, which does not answer.",
            hint="Start that server, or unset PREFECT_API_URL to let isomanager start one for itself.",
        )
    if configured:
        require_account(configured)
    return configured or None


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


def is_taken(port: int) -> bool:
    """Whether another program listens on this port of the loopback interface."""
    with socket.socket() as probe:
        if sys.platform != "win32":  # where it means the opposite
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that have just ended do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


@contextmanager
def local_server(
    settings: Settings, say: Say, *, port: int | None = None, stopped: threading.Event | None = None
) -> Iterator[str]:
    """Start a Prefect server on loopback, wait for its health, and end it on leaving, even by `kill -9`.

    ConfigurationError when it cannot start, with the end of its log; Cancelled when `stopped` is set before it is ready.
    """
    home = prefect_home(settings)
    home.mkdir(parents=True, exist_ok=True)
    if port and is_taken(port):
        raise ConfigurationError(
            f"Port {port} of this machine is in use by another program.",
            hint="Name another one with --port or the setting server_port, or end that program.",
            port=port,
        )
    port = port or free_port()
    url = own_address(port)
    log = home / "server.log"
    log.write_bytes(b"")
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    kept = {name: os.environ.get(name, value) for name, value in RETENTION.items()}
    told = {**QUIET_SERVER, **kept, "PREFECT_HOME": str(home), "PREFECT_API_URL": url}
    say("Starting a local Prefect server ...")
    stopped = stopped or threading.Event()
    with ExitStack() as running:
        with database_in_turn(home, settings.server_start_timeout, stopped):
            process = running.enter_context(guarded(command, log, told))
            wait_until_healthy(url, process, log, settings.server_start_timeout, stopped)
        yield url


@contextmanager
def guarded(command: list[str], log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` under the guardian: it ends, with all it started, when this block does and when this process is killed."""
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


def wait_until_healthy(
    url: str, process: subprocess.Popen[bytes], log: Path, limit: float, stopped: threading.Event
) -> None:
    """Return once the API is healthy; an error with the end of the server's log otherwise."""
    until = monotonic() + limit
    while not is_healthy(url):
        if process.poll() is not None:
            raise ConfigurationError(
                f"The local Prefect server ended while starting: {tail(log)}", hint=f"Its log is {log}."
            )
        if monotonic() > until:
            raise ConnectionFailed(
                f"The local Prefect server was not ready within {limit:.0f} seconds: {tail(log)}",
                hint="On a slow machine raise the setting server_start_timeout.",
            )
        if stopped.wait(0.1):
            raise Cancelled("Stopped while the Prefect server was starting.")


def tail(log: Path) -> str:
    """The last lines of a log, in one."""
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return " | ".join(lines[-5:]) or "it said nothing"
