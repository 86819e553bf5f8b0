"""What workers share: a slot of a global concurrency limit for each download. Courtesy; leases and gates are the truth."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from prefect.concurrency.sync import concurrency

from isomanager.library.opening import current_library

_log = logging.getLogger(__name__)
LEASE_SECONDS = 300.0
"""A worker that dies gives its slot back after so long."""


@contextmanager
def download_slot() -> Iterator[None]:
    """Hold one slot of the limit that the setting `bandwidth_slots` names while the block lasts; nothing without that setting.

    A server that does not know the limit, or does not answer, holds up no download.
    """
    name = current_library().settings.bandwidth_slots
    with ExitStack() as held:
        if name:
            try:
                held.enter_context(concurrency(name, occupy=1, lease_duration=LEASE_SECONDS, strict=False))
            except Exception as wrong:  # noqa: BLE001 - whatever the server says, the image matters more
                _log.warning("No slot of the limit %s could be taken (%s); the download goes on without.", name, wrong)
        yield
