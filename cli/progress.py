"""Live progress in the terminal: a bar for each image under way, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

Show = Callable[[str, int, int | None], None]
"""Told an image's name, the bytes that are there, and how many there will be."""


@contextmanager
def terminal_progress(*, shown: bool) -> Iterator[Show]:
    """Bars while the block lasts; none where standard error is not a terminal."""
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        console=Console(stderr=True),
        disable=not (shown and sys.stderr.isatty()),
    )
    known: dict[str, TaskID] = {}
    lock = Lock()

    def show(image: str, done: int, total: int | None) -> None:
        with lock:
            if image not in known:
                known[image] = bars.add_task(image, total=total)
            bars.update(known[image], completed=done, total=total)

    with bars:
        yield show
