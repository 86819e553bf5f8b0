"""`isomanager status`, `runs` and `doctor`: who does what, what was done, what is wrong. They answer without Prefect too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Json
from cli.output import FAILED, print_json, say
from cli.tables import print_table, size
from isomanager.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from deployments.prefect_runs import ServerRun
    from isomanager.inventory.runs import Run
    from isomanager.library.doctoring import Finding
    from isomanager.library.opening import Library
    from isomanager.library.standing import Work
    from isomanager.settings import Settings

runs_app = typer.Typer(help="Runs: those under way, those that wait, those that have been.", no_args_is_help=True)
RunName = Annotated[str, typer.Argument(metavar="RUN", help="The beginning of its id, or its name.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("status")(status)
    app.command("doctor")(doctor)
    app.add_typer(runs_app, name="runs")


def _library() -> Library:
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    return Library(load_settings())


def status(as_json: Json = False) -> None:
    """Who does what now, and what has got stuck since when; exit code 1 when nothing has run for too long."""
    from isomanager.library.standing import standing

    with _library() as library:
        now = standing(library)
        server = _active(library.settings)
    if as_json:
        print_json({**now.model_dump(mode="json"), "server": [vars(one) for one in server]})
    else:
        _print_work(now.work)
        _print_active(server)
        last = now.last
        print(f"Last run: {last.name}, ended {_moment(last.finished_at)}" if last else "No run has been finished yet.")
    if now.alarm:
        say(f"isomanager: {now.alarm}")
        raise typer.Exit(FAILED)


def _print_work(work: tuple[Work, ...]) -> None:
    rows = (
        (one.image, one.state, _moment(one.since), f"{size(one.done)} of {size(one.total)}", one.who, one.stuck)
        for one in work
    )
    columns = ("image", "state", "since", "bytes", "who", "stuck")
    print_table(columns, rows, below=("who", "stuck"), empty="No image is being worked on.")


def _print_active(server: tuple[ServerRun, ...]) -> None:
    if server:
        rows = ((one.id[:8], one.name, one.state, _moment(one.since)) for one in server)
        print_table(("run", "name", "state", "since or due"), rows)


def _moment(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC" if when else ""


def _active(settings: Settings) -> tuple[ServerRun, ...]:
    """What a Prefect server that answers has under way and waiting; nothing where there is none."""
    from deployments.prefect_runs import active_runs, reachable_api
    from isomanager.errors import ConnectionFailed

    url = reachable_api(settings)
    if url is None:
        return ()
    try:
        return active_runs(url)
    except ConnectionFailed as wrong:
        say(f"isomanager: {wrong}")
        return ()


@runs_app.command("list")
def list_runs(
    most: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many past runs at most.")] = 20,
    as_json: Json = False,
) -> None:
    """Runs under way and waiting, where a Prefect server answers, and what the library remembers of those before."""
    with _library() as library:
        known = library.inventory.runs(most)
        server = _active(library.settings)
    if as_json:
        print_json({"server": [vars(one) for one in server], "runs": [_told(one) for one in known]})
        return
    there = {one.id for one in server}
    rows = [(one.id[:8], one.name, one.state, _moment(one.since), one.why) for one in server]
    rows += [
        (one.id[:8], one.name, _end(one), _moment(one.started_at), _totals(one)) for one in known if one.id not in there
    ]
    print_table(("run", "name", "state", "since", "what"), rows, below=("what",), empty="No runs yet.")


def _end(run: Run) -> str:
    return "finished" if run.finished_at else "not finished"


def _totals(run: Run) -> str:
    counts: dict[str, int] = {}
    for one in run.outcomes:
        counts[one.outcome.value] = counts.get(one.outcome.value, 0) + 1
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _told(run: Run) -> dict[str, object]:
    return {**run.model_dump(mode="json"), "state": _end(run)}


@runs_app.command("show")
def show_run(name: RunName, as_json: Json = False) -> None:
    """What became of each image in a run."""
    from isomanager.library.standing import run_called

    with _library() as library:
        run = run_called(library.inventory.runs(1000), name)
    if run is None:
        raise UsageError(f"The library remembers no run called '{name}'.", hint="`isomanager runs list` shows them.")
    if as_json:
        print_json(_told(run))
        return
    print(f"{run.name} {run.id}: begun {_moment(run.started_at)}, {_end(run)} {_moment(run.finished_at)}".rstrip())
    rows = ((one.outcome, one.title or one.selector, one.repository, size(one.bytes), one.why) for one in run.outcomes)
    print_table(("outcome", "image", "repository", "size", "why"), rows, below=("why",), empty="It touched no image.")


@runs_app.command("cancel")
def cancel(name: RunName, as_json: Json = False) -> None:
    """End a run that is under way or waits. What it has fetched is kept, and taken up by the next run."""
    from deployments.prefect_runs import cancel_run, require_api
    from isomanager.settings import load_settings

    run = cancel_run(require_api(load_settings()), name)
    if as_json:
        print_json({"cancelled": run.id, "name": run.name})
    else:
        print(f"The run '{run.name}' ({run.id[:8]}) is being ended.")


def doctor(as_json: Json = False) -> None:
    """Look at everything isomanager stands on and say what to do; exit code 1 when something is wrong."""
    found = list(_findings())
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
    else:
        rows = ((_MARKS[one.state], one.name, one.told, one.advice) for one in found)
        print_table(("", "what", "found", "what to do"), rows, below=("found", "what to do"))
    if any(one.state == "wrong" for one in found):
        raise typer.Exit(FAILED)


_MARKS = {"ok": "ok", "warn": "LOOK", "wrong": "WRONG"}


def _findings() -> Iterator[Finding]:
    from isomanager.library.doctoring import Finding, examine_library
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    try:
        settings = load_settings()
    except ConfigurationError as wrong:
        yield Finding(name="configuration", state="wrong", told=wrong.message, advice=wrong.hint)
        return
    yield _server(settings)
    with Library(settings) as library:
        yield from examine_library(library)


def _server(settings: Settings) -> Finding:
    """Whether there is a Prefect server; from here on this process uses it for blocks."""
    import os

    from deployments.asking import require_account, without_password
    from deployments.prefect_runs import reachable_api
    from deployments.server import point_client_to, ui_address
    from isomanager.errors import ConnectionFailed
    from isomanager.library.doctoring import Finding

    named = os.environ.get("PREFECT_API_URL")
    url = reachable_api(settings)
    if url is not None:
        try:
            require_account(url)
        except ConnectionFailed as wrong:
            return Finding(name="server", state="wrong", told=wrong.message, advice=wrong.hint)
        point_client_to(url, settings)
        return Finding(name="server", state="ok", told=f"{without_password(ui_address(url))} answers")
    if named:
        told = f"PREFECT_API_URL names {without_password(named)}, which does not answer."
        return Finding(name="server", state="wrong", told=told, advice="Start that server, or unset PREFECT_API_URL.")
    advice = "`isomanager serve` runs one, with schedules; commands start one for themselves."
    return Finding(
        name="server", state="warn", told="No Prefect server runs: nothing happens by itself.", advice=advice
    )
