"""Runs as a Prefect server sees them, over plain HTTP: for commands that are to answer quickly, and without one too."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from deployments.asking import ask, is_healthy
from deployments.server import served_address
from isomanager.errors import UsageError
from isomanager.settings import Settings

ACTIVE = ("RUNNING", "PENDING", "PAUSED", "CANCELLING", "SCHEDULED")
_MOST = 200


@dataclass(frozen=True)
class ServerRun:
    """A run that is under way or waits. `since` is when it began, or is to begin."""

    id: str
    name: str
    state: str
    since: datetime | None
    why: str


def reachable_api(settings: Settings) -> str | None:
    """The API that PREFECT_API_URL names or `isomanager serve` runs, if it answers now; nothing is started or waited for."""
    for url in (os.environ.get("PREFECT_API_URL"), served_address(settings)):
        if url and is_healthy(url):
            return url
    return None


def require_api(settings: Settings) -> str:
    """As `reachable_api`; UsageError when there is none."""
    url = reachable_api(settings)
    if url is None:
        raise UsageError(
            "No Prefect server answers, so there is no run that could be cancelled.",
            hint="Runs that a command started end with Ctrl+C there. Set PREFECT_API_URL if the server is elsewhere.",
        )
    return url


def active_runs(api_url: str) -> tuple[ServerRun, ...]:
    """Runs of isomanager's deployments that are under way, then those that wait, the soonest first. ConnectionFailed."""
    body = {
        "flow_runs": {"state": {"type": {"any_": list(ACTIVE)}}, "tags": {"all_": ["iso"]}},
        "sort": "EXPECTED_START_TIME_ASC",
        "limit": _MOST,
    }
    runs = [_run(one) for one in ask(api_url, "/flow_runs/filter", body)]
    return tuple(sorted(runs, key=lambda one: one.state == "scheduled"))


def _run(told: dict[str, Any]) -> ServerRun:
    state = told.get("state") or {}
    since = told.get("start_time") or told.get("expected_start_time")
    return ServerRun(
        id=told["id"],
        name=told["name"],
        state=str(state.get("name", "")).lower(),
        since=datetime.fromisoformat(since) if since else None,
        why=state.get("message") or "",
    )


def cancel_run(api_url: str, name: str) -> ServerRun:
    """Ask the server to end the active run whose id begins with `name`, or whose whole name it is. UsageError when none or several
    are meant."""
    meant = [one for one in active_runs(api_url) if one.id.startswith(name) or one.name == name]
    if len(meant) != 1:
        told = "No active run is" if not meant else f"{len(meant)} active runs are"
        raise UsageError(f"{told} called '{name}'.", hint="`isomanager runs list` shows their ids.")
    (run,) = meant
    state = "CANCELLED" if run.state == "scheduled" else "CANCELLING"
    wish = {"state": {"type": state, "message": "Cancelled by `isomanager runs cancel`."}}
    ask(api_url, f"/flow_runs/{quote(run.id)}/set_state", wish)
    return run
