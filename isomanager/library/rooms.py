"""Room: what each repository may still take, by its disk and by its quota, and which are nearly full."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from isomanager.errors import IsoManagerError
from isomanager.library.opening import Library
from isomanager.model import CopyState
from isomanager.planning.room import Reclaimable, Room

_TAKING = frozenset(CopyState) - {CopyState.GONE, CopyState.RESERVED}
"""The states in which a copy's bytes are in the repository."""


@dataclass(frozen=True)
class Fullness:
    """How much of a repository's room is used: `used` of `total` bytes, by its quota or its disk."""

    repository: str
    used: int
    total: int
    limit: str

    @property
    def share(self) -> float:
        """0 for empty, 1 for full."""
        return self.used / self.total if self.total else 1.0


def room_of(library: Library, repository: str) -> Room:
    """What may still come into the repository. One that does not answer has no limit that is known: its error is told elsewhere."""
    inventory = library.inventory
    free, limit = _free(library, repository), "on its disk"
    quota = library.settings.quotas.get(repository)
    if quota is not None:
        left = max(0, quota - inventory.bytes_in(repository, _TAKING))
        if free is None or left < free:
            free, limit = left, f"of its quota of {quota}"
    return Room(free, limit, partial(_reclaimable, library, repository))


def _reclaimable(library: Library, repository: str) -> Reclaimable:
    inventory = library.inventory
    return Reclaimable(inventory.bytes_in(repository, {CopyState.TRASHED}), inventory.replaced_bytes(repository))


def _free(library: Library, repository: str) -> int | None:
    """Free bytes, and those that unfinished downloads have taken already: they are part of what is still to come."""
    try:
        store = library.store(repository)
        free = store.space().free
        return None if free is None else free + sum(ref.front for ref in store.partials())
    except IsoManagerError:
        return None


def nearly_full(library: Library) -> tuple[Fullness, ...]:
    """The repositories that are fuller than the setting `space_warning`."""
    found = (one for record in library.inventory.repositories() for one in fullness(library, record.name))
    return tuple(one for one in found if one.share >= library.settings.space_warning)


def fullness(library: Library, repository: str) -> Iterable[Fullness]:
    """How full the repository is, by its quota and by its disk, as far as it has those."""
    quota = library.settings.quotas.get(repository)
    if quota is not None:
        used = library.inventory.bytes_in(repository, _TAKING)
        yield Fullness(repository, used, quota, "its quota")
    try:
        space = library.store(repository).space()
    except IsoManagerError:
        return  # whoever needs the store gets the error itself
    if space.total and space.free is not None:
        yield Fullness(repository, space.total - space.free, space.total, "its disk")
