"""What workers share: slots of global concurrency limits for each download. Courtesy; leases and gates are the truth."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from prefect import runtime
from prefect.concurrency.sync import concurrency

from isomanager.library.opening import current_library

_log = logging.getLogger(__name__)
LEASE_SECONDS = 300.0
"""A worker that dies gives its slot back after so long."""


def host_limit(host: str) -> str:
    """The name of the limit for downloads from `host`; `isomanager deploy` makes one for each host of the catalogue."""
    return f"isomanager-host-{host}"


@contextmanager
def download_slot(url: str = "") -> Iterator[None]:
    """Hold a slot of the limit that the setting `bandwidth_slots` names, and one of that of the host in `url`.

    A server that does not know a limit, or does not answer, holds up no download.
    """
    host = urlsplit(url).hostname if url.startswith(("http://", "https://")) else None
    polite = (
        [host_limit(host)] if host and runtime.deployment.id else []
    )  # a command's own server has nobody else to mind
    names = [*filter(None, [current_library().settings.bandwidth_slots]), *polite]
    with ExitStack() as held:
        if names:
            try:
                slots = concurrency(names, occupy=1, lease_duration=LEASE_SECONDS, strict=False)
                held.enter_context(slots)
            except Exception as wrong:  # noqa: BLE001 - whatever the server says, the image matters more
                _log.warning(
                    "No slot of %s could be taken (%s); the download goes on without.", ", ".join(names), wrong
                )
        yield
