"""Making what came durable beside the transfer: the disk flushes one stretch while the network brings the next."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread

from isomanager.storage.contract import Partial
from isomanager.transfer.limits import Limits


class Flusher:
    """Checkpoints a partial every so many bytes or seconds, one checkpoint at a time.

    When the disk is slower than the network, the next checkpoint waits for the last one: no more than two stretches are ever
    unflushed. `clock` gives seconds that only grow.
    """

    def __init__(self, partial: Partial, limits: Limits, clock: Callable[[], float]) -> None:
        self._partial, self._limits, self._clock = partial, limits, clock
        self._unflushed, self._since = 0, clock()
        self._running: Future[None] | None = None

    def wrote(self, length: int) -> None:
        """Count bytes written, and begin a checkpoint when one is due. Raises what the last one raised."""
        self._unflushed += length
        waited = self._clock() - self._since
        if self._unflushed >= self._limits.checkpoint_bytes or waited >= self._limits.checkpoint_seconds:
            self.settle()
            self._unflushed, self._since = 0, self._clock()
            self._running = Future()
            Thread(target=_checkpoint, args=(self._partial, self._running), name="flushing", daemon=True).start()

    def settle(self) -> None:
        """Wait until no checkpoint is under way. Raises what it raised, once."""
        running, self._running = self._running, None
        if running is not None:
            running.result()


def _checkpoint(partial: Partial, running: Future[None]) -> None:
    try:
        partial.checkpoint()
    except BaseException as wrong:  # noqa: BLE001 - raised again in the thread that waits for it
        running.set_exception(wrong)
    else:
        running.set_result(None)
