"""How a transfer tells how far it is, and how it is told to end. Light: who only reads needs no network for these."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told how many bytes are there, and of how many (None when upstream does not say)."""

    def __call__(self, done: int, total: int | None, /) -> None: ...


class Stop(Protocol):
    """Asked again and again, from several threads, whether to end; a threading.Event is one."""

    def is_set(self) -> bool: ...


def silent(_done: int, _total: int | None) -> None:
    """Progress nobody watches."""
