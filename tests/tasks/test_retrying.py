"""Tasks try again what may pass, as late as the server asks, and never after a stop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Timer
from time import monotonic

import pytest
from prefect import task
from prefect.client.schemas.objects import TaskRun
from prefect.states import Failed

from isomanager.errors import Cancelled, IsoManagerError, Refused, ServerBusy, Stalled
from isomanager.library.opening import Library, library_in_use
from tasks.retrying import MOST_PATIENCE, only_transient, patience_asked_for


@pytest.fixture
def opened() -> Iterator[Library]:
    with library_in_use() as library:
        yield library


@task
def some_task() -> None:
    """Stands for any."""


def tries_again(wrong: Exception) -> bool:
    run = TaskRun(task_key="some-task", dynamic_key="0", expected_start_time=datetime(2026, 11, 23, tzinfo=UTC))
    return only_transient(some_task, run, Failed(data=wrong, message=str(wrong)))


@pytest.mark.parametrize(
    ("wrong", "again"),
    [
        (Stalled("no bytes"), True),
        (ServerBusy("busy", retry_after=None), True),
        (Refused("wrong digest", code="wrong-digest"), False),
        (Cancelled("stopped"), False),
        (ZeroDivisionError("a mistake of ours"), False),
    ],
    ids=lambda one: type(one).__name__,
)
def test_tries_again_only_what_may_pass(opened: Library, wrong: Exception, again: bool) -> None:
    assert tries_again(wrong) is again


@pytest.mark.parametrize(
    ("wrong", "seconds"),
    [
        (ServerBusy("busy", retry_after=7.0), 7.0),
        (ServerBusy("busy", retry_after=86_400.0), MOST_PATIENCE),
        (ServerBusy("busy", retry_after=None), 0.0),
        (Stalled("no bytes"), 0.0),
    ],
)
def test_a_server_is_left_alone_as_long_as_it_asks_but_not_for_ever(wrong: IsoManagerError, seconds: float) -> None:
    assert patience_asked_for(wrong) == seconds


def test_the_time_that_the_server_asked_for_has_passed_before_the_next_try(opened: Library) -> None:
    started = monotonic()
    assert tries_again(ServerBusy("busy", retry_after=0.3))
    assert monotonic() - started >= 0.3


def test_a_stop_ends_the_waiting_and_the_tries(opened: Library) -> None:
    stopping = Timer(0.1, opened.stop.set)
    stopping.start()
    started = monotonic()
    assert not tries_again(ServerBusy("busy", retry_after=300.0))
    assert monotonic() - started < 100
    stopping.join()
    assert not tries_again(Stalled("no bytes"))
