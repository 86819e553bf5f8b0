"""Room before the first byte: for this file, and for what the other downloads under way still have to bring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Protocol

from isomanager.errors import StoreError
from isomanager.storage.contract import PartialRef, Space

_UNDER_WAY = timedelta(minutes=15)
"""An unfinished file that has not grown for so long is nobody's download just now."""


class Taking(Protocol):
    """What bytes go into: a store, or a staging folder."""

    @property
    def url(self) -> str:
        """Its name in messages."""
        ...

    def space(self) -> Space:
        """Bytes of the disk it is on."""
        ...

    def partials(self) -> Iterable[PartialRef]:
        """What is unfinished there."""
        ...


@dataclass(frozen=True)
class _Need:
    """What one download brings, and where."""

    place: Taking
    key: str
    size: int


class SpaceBook:
    """What the downloads of this process still need, by disk. Those of other processes are seen in the store."""

    def __init__(self) -> None:
        self._needed: dict[str, list[_Need]] = {}
        self._lock = Lock()

    @contextmanager
    def reserved(self, store: Taking, key: str, path: str, size: int | None, now: datetime) -> Iterator[None]:
        """Room for the `size` bytes of the partial `key` while the block lasts. StoreError(code="no-space") where there is none.

        A size that nobody knows reserves nothing. Places on one disk of this machine share its room.
        """
        need = _Need(store, key, size or 0)
        with self._lock:
            ours = self._needed.setdefault(_disk(store), [])
            promised = sum(_promised(place, ours, store, key, now) for place in _places(ours, store))
            front = next((ref.front for ref in store.partials() if ref.key == key), 0)
            require_space(store, path, None if size is None else max(0, size - front), promised)
            ours.append(need)
        try:
            yield
        finally:
            with self._lock:
                ours.remove(need)


def _disk(place: Taking) -> str:
    """What tells disks of this machine apart; a place elsewhere is its own."""
    root = getattr(place, "root", None)
    return f"disk {root.stat().st_dev}" if isinstance(root, Path) and root.exists() else place.url


def _places(needed: Iterable[_Need], store: Taking) -> list[Taking]:
    return list({one.url: one for one in (*(need.place for need in needed), store)}.values())


def _promised(place: Taking, needed: Iterable[_Need], store: Taking, key: str, now: datetime) -> int:
    """Bytes that everything but the partial `key` of `store` still needs in `place`."""
    refs = list(place.partials())
    fronts = {ref.key: ref.front for ref in refs}
    ours = {one.key: one.size for one in needed if one.place.url == place.url}
    if place.url == store.url:
        ours[key] = 0
    promised = sum(max(0, whole - fronts.get(one, 0)) for one, whole in ours.items())
    return still_needed(refs, set(ours), now) + promised


def still_needed(refs: Iterable[PartialRef], besides: set[str], now: datetime) -> int:
    """Bytes that the unfinished files that grow just now still need, but for those named in `besides`."""
    growing = (
        ref
        for ref in refs
        if ref.key not in besides and ref.changed_at is not None and now - ref.changed_at < _UNDER_WAY
    )
    return sum(max(0, (ref.size or 0) - ref.front) for ref in growing)


def require_space(store: Taking, path: str, needed: int | None, promised: int) -> None:
    """Refuse what does not fit beside what is `promised` to others."""
    free = store.space().free
    if needed is None or free is None or needed + promised <= free:
        return
    beside = f", {promised} of them promised to other downloads" if promised else ""
    raise StoreError(
        f"{path} needs {needed} bytes and {store.url} has {free} free{beside}.",
        code="no-space",
        hint="Free some space, or retire what is no longer wanted with `isomanager prune`.",
        needed=needed,
        free=free,
        promised=promised,
    )
