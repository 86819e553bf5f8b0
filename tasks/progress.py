"""Live progress: to whoever listens in this process (the terminal), and as a progress artifact in the Prefect UI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

ARTIFACT_EVERY = 2.0
"""Seconds between two updates of the artifact: each is a request to the server."""


@dataclass(frozen=True)
class Moment:
    """How far one image is, in bytes; `rate` in bytes a second."""

    image: str
    done: int
    total: int | None
    rate: float


Listener = Callable[[Moment], None]

_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell `listener` of every moment while the block lasts."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


class ReportedProgress:
    """A transfer's progress callback that reports under the image's name."""

    def __init__(self, image: str) -> None:
        self._image = image
        self._started = self._told = monotonic()
        self._from: int | None = None
        self._artifact: UUID | None = None

    def __call__(self, done: int, total: int | None, /) -> None:
        """Told by the transfer after each piece."""
        if self._from is None:
            self._from = done
        now = monotonic()
        rate = (done - self._from) / max(now - self._started, 0.001)
        for listener in _listeners:
            listener(Moment(self._image, done, total, rate))
        if now - self._told >= ARTIFACT_EVERY or done == total:
            self._told = now
            self._show(done, total, rate)

    def _show(self, done: int, total: int | None, rate: float) -> None:
        share = 100.0 * done / total if total else 0.0
        told = f"{self._image}: {done / 2**20:.0f} of {total / 2**20:.0f} MiB" if total else f"{done / 2**20:.0f} MiB"
        told = f"{told}, {rate / 2**20:.1f} MiB/s"
        if self._artifact is None:
            self._artifact = create_progress_artifact(progress=share, description=told)  # type: ignore[assignment]
        else:
            update_progress_artifact(self._artifact, progress=share, description=told)
