"""`isomanager serve` and `isomanager sample`: commands that stay until they are stopped."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from subprocess import Popen
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from filelock import Timeout

from cli.output import say
from isomanager.errors import ConfigurationError, UsageError
from isomanager.settings import Settings, load_settings

if TYPE_CHECKING:
    from isomanager.sample.upstream import SampleUpstream


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("serve")(serve)
    app.command("sample")(sample)


def serve(
    port: Annotated[int, typer.Option("--port", help="Port of the UI and API; 0 takes the setting server_port.")] = 0,
    runs: Annotated[int, typer.Option("--runs", min=1, help="Runs at the same time.")] = 3,
) -> None:
    """Run the Prefect server with its UI, the deployments with their schedules, and a worker; Ctrl+C ends all of it."""
    from deployments.server import serve_address_file, serve_lock

    settings = load_settings()
    try:
        with serve_lock(settings):
            try:
                _serve(settings, port or settings.server_port, runs)
            finally:
                serve_address_file(settings).unlink(missing_ok=True)
    except Timeout as held:
        raise UsageError(
            "isomanager serve is running on this machine already.", hint=f"See {serve_address_file(settings)}."
        ) from held


def _serve(settings: Settings, port: int, runs: int) -> None:
    from cli.running import quiet_prefect
    from deployments.server import guarded, local_server, point_client_to, prefect_home, serve_address_file
    from deployments.work import POOL, worker_command

    stopped = _stop_on_signals()
    with local_server(settings, say, port=port) as url:
        point_client_to(url, settings)
        quiet_prefect(0)
        from deployments.bootstrap import deploy

        for told in deploy(settings):
            say(told)
        log = prefect_home(settings) / "worker.log"
        with guarded(worker_command(runs), log, {"PREFECT_API_URL": url}) as worker:
            serve_address_file(settings).write_text(json.dumps({"api_url": url, "pool": POOL}))
            say(f"The UI is at {url.removesuffix('/api')}/v2/deployments; Ctrl+C stops everything.")
            _wait(stopped, worker, log)
    say("Stopped.")


def _stop_on_signals() -> threading.Event:
    stopped = threading.Event()

    def heed(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGINT, heed)
    signal.signal(signal.SIGTERM, heed)
    return stopped


def _wait(stopped: threading.Event, worker: Popen[bytes], log: Path) -> None:
    while not stopped.wait(0.5):
        if worker.poll() is not None:
            raise ConfigurationError("The worker has ended by itself.", hint=f"Its log is {log}.")


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
        print(f"{vendor} published {release}", file=sys.stdout)
