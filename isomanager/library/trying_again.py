"""Trying again without Prefect: what may pass by waiting, later each time, and never before the server said."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import TypeVar

from isomanager.errors import TransientError
from isomanager.library.opening import Library

Result = TypeVar("Result")

MOST_PATIENCE = 600.0
"""Seconds that a server may make a download wait; what needs longer is given up."""
_JITTER = 0.5
_log = logging.getLogger(__name__)


def tried_again(library: Library, work: Callable[[], Result]) -> Result:
    """What `work` gives, tried as often as the settings say while it raises transient errors. A stop ends the waiting."""
    settings = library.settings
    for turn in range(settings.retry_count):
        try:
            return work()
        except TransientError as wrong:
            delay = waiting_time(wrong, settings.retry_delay * 2**turn)
            if delay > MOST_PATIENCE:
                raise
            _log.warning("%s It is tried again in %.0f s.", wrong.message, delay)
            if library.stop.wait(delay):
                raise
    return work()


def waiting_time(wrong: TransientError, delay: float) -> float:
    """Seconds to wait: what the server asked for, then the delay of this try, with jitter."""
    asked = float(wrong.data.get("retry_after") or 0)
    return asked + delay * (1 + _JITTER * random.random())  # noqa: S311 - spreads load, guards nothing
