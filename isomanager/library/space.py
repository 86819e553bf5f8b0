"""Room before the first byte: for this file, and for what the other downloads under way still have to bring."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock

from isomanager.errors import StoreError
from isomanager.storage.contract import PartialRef, Store

_UNDER_WAY = timedelta(minutes=15)
"""An unfinished file that has not grown for so long is nobody's download just now."""


class SpaceBook:
    """What the downloads of this process still need, by repository. Those of other processes are seen in the store."""

    def __init__(self) -> None:
        self._needed: dict[str, dict[str, int]] = {}
        self._lock = Lock()

    @contextmanager
    def reserved(self, store: Store, key: str, path: str, size: int | None, now: datetime) -> Iterator[None]:
        """Room for the `size` bytes of the partial `key` while the block lasts. StoreError(code="no-space") where there is none.

        A size that nobody knows reserves nothing.
        """
        with self._lock:
            ours = self._needed.setdefault(store.url, {})
            refs = list(store.partials())
            fronts = {ref.key: ref.front for ref in refs}
            others = still_needed(refs, {*ours, key}, now)
            promised = sum(max(0, whole - fronts.get(one, 0)) for one, whole in ours.items() if one != key)
            require_space(store, path, None if size is None else max(0, size - fronts.get(key, 0)), others + promised)
            ours[key] = size or 0
        try:
            yield
        finally:
            with self._lock:
                del ours[key]


def still_needed(refs: list[PartialRef], besides: set[str], now: datetime) -> int:
    """Bytes that the unfinished files that grow just now still need, but for those named in `besides`."""
    growing = (
        ref
        for ref in refs
        if ref.key not in besides and ref.changed_at is not None and now - ref.changed_at < _UNDER_WAY
    )
    return sum(max(0, (ref.size or 0) - ref.front) for ref in growing)


def require_space(store: Store, path: str, needed: int | None, promised: int) -> None:
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
