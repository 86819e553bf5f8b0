"""What a held image says of itself, read from where it is kept."""

from __future__ import annotations

from isomanager.errors import IsoManagerError
from isomanager.library.opening import Library
from isomanager.media.metadata import Metadata
from isomanager.media.opening import read_stored
from isomanager.model import Copy, CopyState


def describe(library: Library, copy: Copy) -> Metadata | IsoManagerError | None:
    """The metadata of a held copy, quickly read; why it could not be; None for a copy that is not under its path."""
    if copy.state not in (CopyState.HELD, CopyState.SUSPECT):
        return None
    try:
        return read_stored(library.store(copy.repository), copy.path)
    except IsoManagerError as error:
        return error
