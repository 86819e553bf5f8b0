"""Which runs count as lost: those whose process is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psutil
import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Pending, Running

from deployments.lost_runs import STARTING, is_alive, is_lost, process_of

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def _run(process: str | None, *, since: timedelta = timedelta()) -> FlowRun:
    state = (Running if process else Pending)(timestamp=NOW - since)
    return FlowRun(flow_id=uuid4(), state=state, infrastructure_pid=process)


@pytest.fixture
def gone() -> int:
    """The id of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    ended.wait()
    assert not psutil.pid_exists(ended.pid)
    return ended.pid


def test_a_run_whose_process_is_gone_is_lost(gone: int) -> None:
    assert is_lost(_run(str(gone)), NOW)
    assert is_lost(_run(f"this-host:{gone}"), NOW)


def test_a_run_whose_process_lives_is_not_however_long_it_takes() -> None:
    assert not is_lost(_run(str(os.getpid()), since=timedelta(days=2)), NOW)


def test_a_run_that_was_claimed_just_now_is_given_time_to_start() -> None:
    assert not is_lost(_run(None, since=STARTING / 2), NOW)


def test_a_run_that_was_claimed_and_never_started_is_lost() -> None:
    assert is_lost(_run(None, since=STARTING * 2), NOW)


@pytest.mark.parametrize(("told", "process"), [("17", 17), ("host:17", 17), ("host:what", 0), ("", 0)])
def test_reads_the_process_from_prefect_s_identifier(told: str, process: int) -> None:
    assert process_of(told) == process


def test_no_process_is_never_alive() -> None:
    assert not is_alive(0)
