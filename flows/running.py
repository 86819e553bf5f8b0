"""What every flow needs: the library open, the whole of it told to stop when the run is cancelled, work in threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from isomanager.library.opening import Library, library_in_use
from isomanager.settings import load_settings


def image_threads() -> TaskRunner[PrefectFuture[Any]]:
    """As many threads as images at once."""
    return cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=load_settings().images_at_once))


@contextmanager
def running() -> Iterator[Library]:
    """The library for one run. Whatever ends the run early, a cancellation above all, ends its transfers too."""
    with library_in_use() as library:
        try:
            yield library
        except BaseException:
            library.stop.set()
            raise
