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


def only_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether the task failed with an error that may pass: never a wrong checksum, never a cancellation."""
    try:
        state.result()
    except IsoManagerError as wrong:
        return wrong.transient and not current_library().stop.is_set()
    except Exception:  # noqa: BLE001 - an unknown error is a mistake of ours: another try would hide it
        return False
    return False


def patient(one: AnyTask) -> AnyTask:
    """The task with the retries that the settings ask for."""
    settings = current_library().settings
    return one.with_options(  # type: ignore[return-value]
        retries=settings.retry_count,
        retry_delay_seconds=exponential_backoff(backoff_factor=settings.retry_delay),
        retry_jitter_factor=_JITTER,
        retry_condition_fn=only_transient,
    )
