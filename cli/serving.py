"""`isomanager serve`, `deploy` and `sample`: the server that runs everything, and the upstream to try it on."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import say
from isomanager.errors import Cancelled, ConfigurationError, UsageError
from isomanager.settings import Settings, load_settings

if TYPE_CHECKING:
    from isomanager.sample.upstream import SampleUpstream


Runs = Annotated[int, typer.Option("--runs", min=1, help="Runs at the same time.")]
Queues = Annotated[
    list[str],
    typer.Option(
        "--queue", metavar="QUEUE", help="Run what is in this queue, not the default one; may be given again."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("serve")(serve)
    app.command("worker")(worker)
    app.command("deploy")(deploy)
    app.command("sample")(sample)


def serve(
    port: Annotated[int, typer.Option("--port", help="Port of the UI and API; 0 takes the setting server_port.")] = 0,
    runs: Runs = 3,
    queue: Queues = [],
) -> None:
    """Run the Prefect server with its UI, the deployments with their schedules, and a worker; Ctrl+C ends all of it.

    Where PREFECT_API_URL names another server, that one is used: deployments and a worker are added to it.
    """
    from deployments.server import serving
    from deployments.work import worker_command

    settings = load_settings()
    stopped = _stop_on_signals()
    with serving(settings) as tell_others, contextlib.suppress(Cancelled):
        _serve(settings, port or settings.server_port, worker_command(runs, queue), stopped, tell_others)
    say("Stopped.")


def _serve(
    settings: Settings, port: int, worker: list[str], stopped: threading.Event, tell_others: Callable[[str], None]
) -> None:
    from deployments.server import ui_address

    with _server(settings, port, stopped) as url:
        _deploy(settings, stopped, reset=False)
        _settle_lost_runs(url)

        def ready() -> None:
            tell_others(url)
            say(f"The UI is at {ui_address(url)}; Ctrl+C stops everything.")

        _work(settings, worker, "worker", stopped, ready)


def _work(
    settings: Settings, command: list[str], name: str, stopped: threading.Event, ready: Callable[[], None]
) -> None:
    """Keep a worker running until this is to stop."""
    from deployments.server import guarded, prefect_home, tail
    from deployments.work import worker_environment

    log = prefect_home(settings) / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    with guarded(command, log, worker_environment(settings)) as started:
        ready()
        while not stopped.wait(0.5):
            if started.poll() is not None:
                raise ConfigurationError(f"The worker has ended: {tail(log)}", hint=f"Its log is {log}.")
        say("Stopping; what is being fetched goes on from where it is the next time ...")


def worker(
    runs: Runs = 3,
    queue: Queues = [],
    name: Annotated[str, typer.Option("--name", help="What the server calls it; else the machine's name.")] = "",
) -> None:
    """Run a worker for the Prefect server that PREFECT_API_URL names, and nothing else: on further machines, and as a service."""
    from deployments.asking import without_password
    from deployments.server import configured_api, point_client_to, ui_address
    from deployments.work import worker_command

    settings = load_settings()
    stopped = _stop_on_signals()
    url = configured_api()
    if url is None:
        raise UsageError(
            "PREFECT_API_URL names no server to work for.", hint="`isomanager serve` runs a server with a worker."
        )
    point_client_to(url, settings)
    called = name or "-".join([socket.gethostname(), *queue])

    def ready() -> None:
        say(f"Working as {called} for {without_password(ui_address(url))}; Ctrl+C stops it.")

    _work(settings, worker_command(runs, queue, called), f"worker-{called}", stopped, ready)
    say("Stopped.")


@contextlib.contextmanager
def _server(settings: Settings, port: int, stopped: threading.Event) -> Iterator[str]:
    """The server that PREFECT_API_URL names, or one of our own; this process's prefect is quiet and points to it."""
    from cli.running import quiet_prefect
    from deployments.server import configured_api, local_server, own_address, point_client_to

    if os.environ.get("PREFECT_API_URL") == own_address(port):
        del os.environ["PREFECT_API_URL"]  # set for other commands: it is the server that is to be started
    quiet_prefect(0)
    configured = configured_api()
    if configured:
        yield configured
        return
    with local_server(settings, say, port=port, stopped=stopped) as url:
        point_client_to(url, settings)
        yield url


def _deploy(
    settings: Settings,
    stopped: threading.Event,
    *,
    reset: bool,
    products: Sequence[str] = (),
    sites: Sequence[str] = (),
) -> None:
    from deployments.bootstrap import deploy as bring_about

    for told in bring_about(settings, products, sites, reset=reset):
        say(told)
        if stopped.is_set():
            raise Cancelled("Stopped while deploying.")


def _settle_lost_runs(url: str) -> None:
    from deployments.lost_runs import settle_lost_runs
    from deployments.server import is_on_this_machine

    if is_on_this_machine(url):
        for told in settle_lost_runs(datetime.now(UTC)):
            say(told)


def _stop_on_signals() -> threading.Event:
    """Set by Ctrl+C and SIGTERM; looked at wherever `serve` waits, so that everything is ended in good order."""
    stopped = threading.Event()

    def heed(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, heed)
    return stopped


def deploy(
    reset: Annotated[
        bool, typer.Option("--reset", help="Also give up schedules, parameters and pauses changed in the UI.")
    ] = False,
    product: Annotated[
        list[str],
        typer.Option("--product", metavar="PRODUCT", help="Give it a deployment of its own; may be given again."),
    ] = [],
    site: Annotated[
        list[str],
        typer.Option("--site", metavar="SITE", help="Give it a queue and a deployment of its own; may be given again."),
    ] = [],
) -> None:
    """Bring the deployments of a running Prefect server up to date; what was changed in the UI stays."""
    from cli.running import quiet_prefect
    from deployments.server import configured_api, point_client_to, served_api

    settings = load_settings()
    quiet_prefect(0)
    url = configured_api() or served_api(settings, say)
    if url is None:
        raise UsageError(
            "There is no Prefect server to deploy to.",
            hint="Start one with `isomanager serve`, which deploys by itself, or set PREFECT_API_URL.",
        )
    point_client_to(url, settings)
    _deploy(settings, threading.Event(), reset=reset, products=product, sites=site)


def sample(
    folder: Annotated[Path, typer.Option("--folder", help="Where the sample site is kept.")] = Path("sample-upstream"),
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 0,
    rate: Annotated[int | None, typer.Option("--rate", help="Bytes a second, to watch progress.")] = None,
    publish: Annotated[str, typer.Option("--publish", help="Only publish this vendor's next point release.")] = "",
) -> None:
    """Serve a small imitation of several vendors' sites on loopback, to try isomanager without the internet."""
    from isomanager.sample.serving import serve_sample

    if publish:
        _publish(folder, publish)
        return

    def ready(upstream: SampleUpstream) -> None:
        print(f"Serving at {upstream.url}", flush=True)
        print(
            f"Use it with: export ISOMANAGER_CATALOGUE_FOLDERS='[\"{upstream.catalogue_folder.absolute()}\"]'",
            flush=True,
        )
        print("Then: isomanager subscribe sample-orchard/server@lts && isomanager update", flush=True)

    serve_sample(folder, port, ready, rate=rate)


def _publish(folder: Path, vendor: str) -> None:
    from isomanager.sample.site import open_site
    from isomanager.sample.vendors import VENDORS

    if vendor not in VENDORS:
        raise UsageError(f"The sample has no vendor '{vendor}'.", hint=f"It has {', '.join(VENDORS)}.")
    for release in open_site(folder).publish_point_release(vendor):
        print(f"{vendor} published {release.flavor} {release.version}: {release.path}", file=sys.stdout)
    print("Next: isomanager update --refresh (else answers count for an hour)", file=sys.stdout)
