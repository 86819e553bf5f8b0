"""Retries: only what may pass by waiting, later each time, never all at once."""

from __future__ import annotations

from typing import Any, TypeVar

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import exponential_backoff

from isomanager.errors import IsoManagerError
from isomanager.library.opening import current_library

AnyTask = TypeVar("AnyTask", bound=Task[..., Any])

_JITTER = 0.5
MOST_PATIENCE = 600.0
"""Seconds that a server may make a task wait; what needs longer is left to the next run."""


def only_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether the task failed with an error that may pass: never a wrong checksum, never a cancellation.

    Prefect asks only when a retry is left. A server that said when to come back is given that time here, before the delay
    that the settings ask for; a stop ends the waiting, and with it the retries.
    """
    try:
        state.result()
    except IsoManagerError as wrong:
        return wrong.transient and not current_library().stop.wait(patience_asked_for(wrong))
    except Exception:  # noqa: BLE001 - an unknown error is a mistake of ours: another try would hide it
        return False
    return False


def patience_asked_for(wrong: IsoManagerError) -> float:
    """How many seconds the server asked to be left alone, at most MOST_PATIENCE; 0 when it did not."""
    return min(float(wrong.data.get("retry_after") or 0), MOST_PATIENCE)


def patient(one: AnyTask) -> AnyTask:
    """The task with the retries that the settings ask for."""
    settings = current_library().settings
    return one.with_options(  # type: ignore[return-value]
        retries=settings.retry_count,
        retry_delay_seconds=exponential_backoff(backoff_factor=settings.retry_delay),
        retry_jitter_factor=_JITTER,
        retry_condition_fn=only_transient,
    )
