"""Live progress in the terminal: a bar for each image under way, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

Show = Callable[[str, int, int | None], None]
"""Told an image's name, the bytes that are there, and how many there will be."""


@contextmanager
def terminal_progress(*, shown: bool) -> Iterator[Show]:
    """Bars while the block lasts; nothing, and nothing imported for it, where standard error is not a terminal."""
    if not (shown and sys.stderr.isatty()):
        yield lambda _image, _done, _total: None
        return
    with _bars() as show:
        yield show


@contextmanager
def _bars() -> Iterator[Show]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import TransferSpeedColumn as Speed

    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        DownloadColumn(binary_units=True),
        Speed(),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
    )
    known: dict[str, TaskID] = {}
    lock = Lock()

    def show(image: str, done: int, total: int | None) -> None:
        with lock:
            if image not in known:
                known[image] = bars.add_task(escape(image), total=total)
            bars.update(known[image], completed=done, total=total)

    with bars:
        yield show
