"""Links that hold for a day, kept in the data folder for every process of this library.

The files hold signed addresses, which are this machine's secret: they are readable by their owner only, and nothing else in the
library has them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from isomanager.catalogue.microsoft.day_links import Asking, RefusedUntil
from isomanager.errors import TransientError

_log = logging.getLogger(__name__)
_LONGEST_TURN = 600.0
_LARGEST_FILE = 1 << 20
_Kept = TypeVar("_Kept", bound=BaseModel)


class LinksInFolder:
    """A LinkKeeper whose folder several processes share; one at a time asks for the links of an edition and language."""

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._folder, self._now = folder, now

    def now(self) -> datetime:
        """The library's time."""
        return self._now()

    @contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Nobody else asks for the links of `key` meanwhile. TransientError when somebody takes longer than anybody should."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._folder / f"{_safe(key)}.lock", timeout=_LONGEST_TURN)
        try:
            lock.acquire()
        except Timeout:
            raise TransientError(f"Another process has been asking Microsoft for {key} for too long.") from None
        try:
            yield
        finally:
            lock.release()

    def recall(self, key: str) -> Asking:
        """What is remembered of an edition and language."""
        return self._read(f"{_safe(key)}.json", Asking) or Asking()

    def remember(self, key: str, asking: Asking) -> None:
        """Remember it."""
        self._write(f"{_safe(key)}.json", asking)

    def refusal(self) -> RefusedUntil | None:
        """The last refusal of this address."""
        return self._read("refused.json", RefusedUntil)

    def note_refusal(self, refusal: RefusedUntil) -> None:
        """Remember that this address was refused."""
        self._write("refused.json", refusal)
        _log.warning("Microsoft refuses this address; nobody asks it for links before %s", refusal.until.isoformat())

    def _read(self, name: str, kind: type[_Kept]) -> _Kept | None:
        file = self._folder / name
        try:
            return kind.model_validate_json(file.read_bytes()[:_LARGEST_FILE])
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            # what it knew is asked for again, as of an image never heard of
            _log.warning("%s cannot be read, and is made anew", file)
            return None

    def _write(self, name: str, kept: BaseModel) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        new = self._folder / f"{name}.{os.getpid()}.new"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(kept.model_dump_json().encode())
        new.replace(self._folder / name)


def _safe(key: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter == "-") else "_" for letter in key)[:80]
