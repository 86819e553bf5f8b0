"""Register: receipt into the repository, publish, record. Each step can be repeated."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.opening import current_library
from isomanager.library.registering import register as register_received
from isomanager.library.reserving import Reservation
from isomanager.model import Copy, Receipt, Received


@task(name="register", task_run_name="register {image}", cache_policy=NO_CACHE, persist_result=False)
def register(image: str, reservation: Reservation, received: Received, receipt: Receipt) -> Copy:  # noqa: ARG001
    """The copy, held: whole and proved under its final name."""
    return register_received(current_library(), reservation, received, receipt)
