"""What every flow needs: the library open, the whole of it told to stop when the run is cancelled, work in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

from prefect import runtime
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from isomanager.errors import IsoManagerError, PermanentError
from isomanager.library.opening import Library, library_in_use
from isomanager.model import Outcome
from isomanager.settings import load_settings


def image_threads() -> TaskRunner[PrefectFuture[Any]]:
    """As many threads as images at once."""
    return cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=load_settings().images_at_once))


def resolving_threads(products: int) -> TaskRunner[PrefectFuture[Any]]:
    """A thread for each product to ask about, within the limit of the settings."""
    most = min(products, load_settings().resolves_at_once)
    return cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=most))


def named(verb: str) -> Callable[[], str]:
    """What a run of the flow is called: the verb and what it is about. Of an address only host and path: it may hold a secret."""

    def name() -> str:
        asked = runtime.flow_run.parameters
        url = urlsplit(asked.get("url") or "")
        about = [
            asked.get("selector") or asked.get("product") or "",
            f"{url.hostname or ''}{url.path}",
            *(asked.get("what") or ()),
        ]
        return " ".join([verb, *filter(None, about)])

    return name


@contextmanager
def running() -> Iterator[Library]:
    """The library for one run. Whatever ends the run early, a cancellation above all, ends its transfers too."""
    with library_in_use() as library:
        library.run_id = str(runtime.flow_run.id or "")
        try:
            yield library
        except BaseException:
            library.stop.set()
            raise


def awaited(future: PrefectFuture[Outcome], failed: Callable[[IsoManagerError], Outcome]) -> Outcome:
    """The outcome of one image's task; `failed` makes one of an error, so that one image never costs the others theirs."""
    try:
        return future.result()
    except IsoManagerError as wrong:
        return failed(wrong)
    except Exception as mistake:  # noqa: BLE001 - ours or Prefect's; its trace is in the log of the task's run
        told = f"Unexpected: {type(mistake).__name__}: {mistake}."
        return failed(PermanentError(told, code="unexpected", hint="Please report it, with the log of this run."))
