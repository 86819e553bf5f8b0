"""What a failed test shows besides its assertion: the logs of the processes that it used, the page that it looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_MOST_SHOWN = 6000
_shown: list[tuple[str, Callable[[], str]]] = []


@contextmanager
def shown_if_failed(title: str, tell: Callable[[], str]) -> Iterator[None]:
    """While the block lasts, the report of every test that fails ends with what `tell` then says."""
    shown = (title, tell)
    _shown.append(shown)
    try:
        yield
    finally:
        _shown.remove(shown)


def end_of(log: Path) -> str:
    """The last of what a process wrote."""
    return log.read_text("utf-8", "replace")[-_MOST_SHOWN:] if log.exists() else "it wrote nothing"


def sections() -> list[tuple[str, str]]:
    """What is to be shown now."""
    return [(title, tell()) for title, tell in _shown]
