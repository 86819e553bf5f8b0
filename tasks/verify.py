"""Verify: hold what came against what was expected."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.opening import current_library
from isomanager.library.registering import verify_received
from isomanager.library.reserving import Reservation
from isomanager.model import Receipt, Received


@task(name="verify", task_run_name="verify {image}", cache_policy=NO_CACHE, persist_result=False)
def verify(image: str, reservation: Reservation, received: Received) -> Receipt:  # noqa: ARG001 - names the run
    """The receipt; Refused when a proof fails, and then the bytes are gone and the refusal is remembered."""
    return verify_received(current_library(), reservation, received)
