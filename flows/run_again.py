"""Run again: a run whose process ended is started once more, as a run of its own with the same parameters."""

from __future__ import annotations

from uuid import UUID

from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Completed

MOST = 2
"""A run is started again so often; then somebody should look."""
_TAG = "again:"


@flow(name="run-again", flow_run_name="run again", persist_result=False)
def run_again(run: str) -> State[None]:
    """Start a crashed run once more with the same parameters, in the queue it was in; at most twice.

    Args:
        run: The id of the run that crashed, alone or as events name it (prefect.flow-run.ID).
    """
    with get_client(sync_client=True) as client:
        crashed = client.read_flow_run(UUID(run.rpartition(".")[2]))
        reason = why_not(crashed)
        told = reason or f"Started again as {_start(client, crashed).id}."
    return Completed(message=f"{crashed.name}: {told}")


def why_not(run: FlowRun) -> str:
    """Why the run is not started again; empty when it is."""
    if run.state is None or not run.state.is_crashed():
        return "It is not crashed any more."
    if run.deployment_id is None:
        return "It is no deployment's run: whoever started it starts it again."
    if started_again(run) >= MOST:
        return f"It was started again {MOST} times already; look at the runs' logs and the machine."
    return ""


def started_again(run: FlowRun) -> int:
    """How many runs crashed before this one, which took up their work."""
    return max((int(tag.removeprefix(_TAG)) for tag in run.tags if tag.startswith(_TAG)), default=0)


def _start(client: SyncPrefectClient, crashed: FlowRun) -> FlowRun:
    """A new run: a worker that still counts the crashed one under its id would not survive that one's return (Prefect 3.8)."""
    assert crashed.deployment_id is not None  # noqa: S101 - asked before
    kept = [tag for tag in crashed.tags if not tag.startswith(_TAG)]
    return client.create_flow_run_from_deployment(
        crashed.deployment_id,
        parameters=crashed.parameters,
        tags=[*kept, f"{_TAG}{started_again(crashed) + 1}"],
        idempotency_key=f"again-{crashed.id}",
        work_queue_name=crashed.work_queue_name,
        job_variables=crashed.job_variables,
    )
