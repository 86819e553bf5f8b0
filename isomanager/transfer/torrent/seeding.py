"""Giving to others what was fetched: only what is proved, only as much as the settings ask for, and never after the run."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from isomanager.settings import Settings
from isomanager.transfer.progress import Stop

if TYPE_CHECKING:
    import libtorrent

_POLL_SECONDS = 0.2
_MOST_MINUTES = 24 * 60.0
"""Where only a ratio is asked for: a swarm that nobody else is in must not keep a run for ever."""


@dataclass
class _Kept:
    """Something fetched: given to others from `since` on (in seconds of the monotonic clock), None: not yet."""

    handle: libtorrent.torrent_handle
    size: int
    folder: Path
    since: float | None = None


class Seeds:
    """What a swarm fetched, paused until it is proved. `remove` takes a torrent out of the session."""

    def __init__(self, settings: Settings, remove: Callable[[libtorrent.torrent_handle], None]) -> None:
        self._ratio = settings.torrent_seed_ratio
        self._minutes = settings.torrent_seed_minutes or (_MOST_MINUTES if self._ratio else 0.0)
        self._remove = remove
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    @property
    def are_wanted(self) -> bool:
        """Whether the settings ask for giving at all."""
        return self._minutes > 0

    def keep(self, key: str, handle: libtorrent.torrent_handle, size: int, folder: Path) -> None:
        """Keep `handle`, giving nothing yet; its files in `folder` are needed until it is dropped. `size` in bytes."""
        handle.pause()
        with self._lock:
            self._kept[key] = _Kept(handle, size, folder)

    def holds(self, key: str) -> bool:
        """Whether what was fetched under `key` is kept, and needs its files."""
        with self._lock:
            return key in self._kept

    def release(self, key: str) -> None:
        """The image that was fetched under `key` is proved: it is given to others from now on, if it is kept for that."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                kept.since = monotonic()
                kept.handle.resume()

    def drop(self, key: str) -> None:
        """Let go of what was fetched under `key`, and of its files."""
        with self._lock:
            kept = self._kept.pop(key, None)
        if kept is not None:
            self._remove(kept.handle)
            shutil.rmtree(kept.folder, ignore_errors=True)  # what cannot be removed yet is swept later

    def give(self, stop: Stop) -> None:
        """Give what was released until it is enough, or `stop` says so; what was never released goes at once."""
        while True:
            with self._lock:
                enough = [key for key, kept in self._kept.items() if stop.is_set() or self._is_enough(kept)]
            for key in enough:
                self.drop(key)
            if not self._kept:
                return
            sleep(_POLL_SECONDS)

    def _is_enough(self, kept: _Kept) -> bool:
        if kept.since is None:
            return True
        timely = monotonic() - kept.since >= 60 * self._minutes
        return timely or (bool(self._ratio) and kept.handle.status().all_time_upload >= self._ratio * kept.size)

    def close(self) -> None:
        """Drop everything."""
        for key in list(self._kept):
            self.drop(key)
