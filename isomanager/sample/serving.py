"""The sample upstream in the foreground, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from isomanager.errors import UsageError
from isomanager.sample.upstream import OnReady, SampleUpstream

_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")  # the last is Windows' Ctrl+Break; each system has some of them


def serve_sample(
    folder: Path,
    port: int = 0,
    on_ready: OnReady | None = None,
    *,
    scale: float = 1.0,
    rate: int | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve the sample in `folder` on loopback until SIGINT, SIGTERM or `stop`; the site is built when there is none yet.

    `on_ready` is called once it answers. In the main thread the signals are heeded and their handlers restored afterwards.
    Raises UsageError when the port is taken.
    """
    done = stop if stop is not None else threading.Event()
    try:
        upstream = SampleUpstream(folder, port=port, scale=scale, rate=rate)
    except (OSError, OverflowError) as error:
        hint = "Give another --port, or 0 for a free one, and a folder that can be written to."
        raise UsageError(f"The sample upstream cannot start: {error}.", hint=hint, port=port) from error
    with _told_to_stop(done), upstream:
        if on_ready is not None:
            on_ready(upstream)
        while not done.wait(0.5):  # in steps, because on Windows a wait without a limit hides Ctrl+C
            pass


@contextmanager
def _told_to_stop(done: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def heed(_number: int, _frame: FrameType | None) -> None:
        done.set()

    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    replaced = {number: signal.signal(number, heed) for number in numbers}
    try:
        yield
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)
