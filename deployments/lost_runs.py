"""Runs that the server believes to be running although their process is gone: a power cut, or `kill -9` of everything.

Left alone, such a run would stay "Running" for ever, and the next one of its deployment would wait for it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Crashed

from deployments.work import POOL

STARTING = timedelta(minutes=5)
"""A worker that has claimed a run starts its process well within this time."""

_PAGE = 200


def settle_lost_runs(now: datetime) -> Iterator[str]:
    """Mark each run of our pool whose process is gone as crashed; a sentence for each.

    Only for a server whose workers all run on this machine, and before the worker starts: a run is known by its process id.
    """
    with get_client(sync_client=True) as client:
        for run in _unfinished(client):
            if not is_lost(run, now):
                continue
            client.set_flow_run_state(run.id, Crashed(message="Its process ended with isomanager serve."), force=True)
            yield f"The run '{run.name}' had ended with an earlier isomanager serve; it is marked as crashed."


def _unfinished(client: SyncPrefectClient) -> list[FlowRun]:
    states = FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.CANCELLING])
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=states)),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL])),
        limit=_PAGE,
    )


def is_lost(run: FlowRun, now: datetime) -> bool:
    """Whether nothing works on the run: its process is gone, or it was claimed long ago and never got one."""
    if run.infrastructure_pid is not None:
        return not is_alive(process_of(run.infrastructure_pid))
    return run.state is None or now - run.state.timestamp > STARTING


def process_of(infrastructure_pid: str) -> int:
    """The process id in Prefect's identifier, which is `PID` or `HOST:PID`. 0 when it is neither."""
    last = infrastructure_pid.rpartition(":")[2]
    return int(last) if last.isdigit() else 0


def is_alive(process: int) -> bool:
    """Whether there is a process of that id on this machine."""
    if process <= 0:
        return False
    if sys.platform == "win32":
        listed = subprocess.run(
            ["tasklist", "/FI", f"PID eq {process}", "/NH"], capture_output=True, text=True, check=False
        )
        return str(process) in listed.stdout.split()
    else:
        with contextlib.suppress(PermissionError):  # it is there, and somebody else's
            try:
                os.kill(process, 0)
            except ProcessLookupError:
                return False
        return True
