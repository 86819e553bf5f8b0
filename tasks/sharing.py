"""What workers share: slots of global concurrency limits for each download, and bytes a second. Courtesy; leases and gates are the
truth."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import Context, copy_context
from threading import Event
from time import monotonic
from urllib.parse import urlsplit

import httpx
from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency

from isomanager.library.opening import Library, current_library
from isomanager.transfer.bandwidth import share_bandwidth
from isomanager.transfer.progress import Stop

_log = logging.getLogger(__name__)
LEASE_SECONDS = 300.0
"""A worker that dies gives its slot back after so long."""
_SLOT = 1 << 20
"""Bytes that one slot of a rate stands for."""
_LOOK_EVERY = 0.5
_PATIENCE = 60.0
"""Seconds for which a server that does not answer is not asked again."""


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


class ServerRate:
    """A rate that the Prefect server keeps: `slots` of the limit `name` are taken at a time, and decay again."""

    def __init__(self, name: str, slots: int, context: Context) -> None:
        self._name, self._slots, self._context = name, slots, context
        self._again_at = 0.0

    @property
    def batch(self) -> int:
        """Bytes that are paid for at a time."""
        return self._slots * _SLOT

    def pay(self, stop: Stop) -> None:
        """Wait until the slots are free, or `stop` is set; go on at once where the server does not answer as it should."""
        if monotonic() < self._again_at:
            return
        try:
            # the thread that receives knows nothing of the run that it belongs to, nor of its server
            self._context.copy().run(self._take, stop)
        except Exception as wrong:  # noqa: BLE001 - whatever the server says, the image matters more
            self._again_at = monotonic() + _PATIENCE
            _log.warning("The rate %s is not kept for a while: %s", self._name, wrong)

    def _take(self, stop: Stop) -> None:
        waiting = Event()
        with get_client(sync_client=True) as client:
            while not stop.is_set():
                try:
                    client.increment_concurrency_slots([self._name], self._slots, "rate_limit")
                    return
                except httpx.HTTPStatusError as refused:
                    if refused.response.status_code != httpx.codes.LOCKED:
                        raise
                waiting.wait(_LOOK_EVERY)


def keep_to_shared_rate(library: Library) -> None:
    """From now on what this process brings counts against the rate that the setting `bandwidth_shared` names, if it names one.

    A server that does not answer, does not know the limit, or has one without decay, limits nothing.
    """
    name = library.settings.bandwidth_shared
    if not name:
        return
    try:
        with get_client(sync_client=True) as client:
            limit = client.read_global_concurrency_limit_by_name(name)
    except Exception as wrong:  # noqa: BLE001 - whatever the server says, the image matters more
        _log.warning("The rate %s is not kept: %s", name, wrong)
        return
    if not limit.slot_decay_per_second:
        _log.warning("The limit %s is no rate: it has no slot decay. Nothing is held to it.", name)
        return
    # about a second's worth at a time: few requests, and never more than the limit can give at once
    slots = max(1, min(limit.limit, int(limit.slot_decay_per_second)))
    share_bandwidth(library.client, ServerRate(name, slots, copy_context()))
