"""Set aside: a file that failed its proof waits among the repository's internals, where nobody is served it under its name."""

from __future__ import annotations

import posixpath

from isomanager.errors import IsoManagerError
from isomanager.model import Copy, CopyState
from isomanager.storage.contract import INTERNAL, Store

DAMAGED = f"{INTERNAL}/damaged"


def aside(copy: Copy) -> str:
    """Where the copy's damaged file waits for its repair."""
    return f"{DAMAGED}/{copy.id}/{posixpath.basename(copy.path)}"


def place_of(store: Store, copy: Copy) -> str:
    """Where the copy's bytes are: under its name, or set aside."""
    away = copy.state is CopyState.SUSPECT and store.stat(copy.path) is None and store.stat(aside(copy)) is not None
    return aside(copy) if away else copy.path


def set_aside(store: Store, copy: Copy) -> str:
    """Take a damaged file from its name; what to add to the complaint about it. One that is missing or away already stays so."""
    try:
        if store.stat(copy.path) is None:
            return ""
        store.delete(aside(copy))  # an older damaged file of the same copy
        store.move(copy.path, aside(copy))
    except IsoManagerError as wrong:
        return f"; it could not be set aside: {wrong}"
    return "; it is set aside, and no longer served under its name"


def clear(store: Store, copy: Copy, place: str) -> None:
    """The bytes at `place` are good after all: they get their name back, and nothing damaged is kept beside them."""
    if place != copy.path:
        store.move(place, copy.path)
    else:
        store.delete(aside(copy))
