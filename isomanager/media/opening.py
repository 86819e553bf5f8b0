"""Images on this machine and in stores, opened for reading by ranges."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from isomanager.errors import MediaError
from isomanager.media.metadata import Metadata
from isomanager.media.reading import read_metadata
from isomanager.storage.contract import Store

IMAGE_ENDINGS = (".iso", ".img", ".udf")
"""What files of a folder are looked at; a file that is named itself may be called anything."""


def read_file(path: Path, *, full: bool = False) -> Metadata:
    """The metadata of a file of this machine. MediaError when it cannot be opened or is no image."""
    with _opened(path) as handle:
        size = os.lseek(handle, 0, os.SEEK_END)  # of a disc in a drive, too

        def read(offset: int, length: int) -> bytes:
            try:
                os.lseek(handle, offset, os.SEEK_SET)
                return _whole(handle, length)
            except OSError as error:
                raise _unreadable(path, error) from error

        return read_metadata(str(path), size, read, full=full)


def _whole(handle: int, length: int) -> bytes:
    pieces: list[bytes] = []
    while length > 0 and (piece := os.read(handle, length)):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def read_stored(store: Store, path: str, *, full: bool = False) -> Metadata:
    """The metadata of a file in a store. MediaError when it is missing or no image; whatever the store raises."""
    entry = store.stat(path)
    if entry is None:
        raise MediaError(f"{path} is not there.", code="unreadable", file=path)

    def read(offset: int, length: int) -> bytes:
        return store.read(path, offset, length, if_match=entry.etag)

    return read_metadata(path, entry.size, read, full=full)


def images_below(folder: Path, refused: Callable[[MediaError], None]) -> Iterator[Path]:
    """The images of a folder and the folders in it, in order; what is internal to a repository is passed over, and a folder that
    cannot be read, too, of which `refused` is told."""
    for above, folders, names in os.walk(
        folder, onerror=lambda wrong: refused(_unreadable(Path(wrong.filename), wrong))
    ):
        folders[:] = sorted(one for one in folders if one != ".isomanager")
        yield from (Path(above, name) for name in sorted(names) if name.lower().endswith(IMAGE_ENDINGS))


def _unreadable(path: Path, error: OSError) -> MediaError:
    return MediaError(f"{path} cannot be read: {error.strerror or error}.", code="unreadable", file=str(path))


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        kind = path.stat().st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISBLK(kind)):  # opening a pipe would wait for its other end
            raise MediaError(f"{path} is no file.", code="unreadable", file=str(path))
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        yield handle
    finally:
        os.close(handle)
