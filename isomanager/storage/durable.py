"""Files that survive a power cut: flushing of files and folders, atomic small writes, and positioned I/O for several threads.

Each POSIX-only call has a portable way beside it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import cast

_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NOINHERIT", 0)
_CANNOT_SYNC = {errno.EINVAL, getattr(errno, "ENOTSUP", errno.EINVAL), errno.EBADF}

_AT_ONCE = 64 << 10
"""Bytes handed to one write: Linux answers longer ones with larger pages in its cache. In a virtual machine those come from memory
that was given back to the host, and copying a gigabyte into them took 1.2 s of the processor (writes of 1 MiB; of 256 KiB 0.4 to
1.5 s, as it happened) instead of 0.4 s."""

_FICLONE = 0x40049409
"""The request's number, from linux/fs.h."""
_STRETCH = 16 << 20
"""Bytes after which the system is told to begin to write: the disk works while more come, and a flush finds little left."""
_WRITE_RANGE = 2
"""SYNC_FILE_RANGE_WRITE, from linux/fs.h: begin to write, do not wait."""


def sync_file(descriptor: int) -> None:
    """Put a file's bytes and length on the medium."""
    if sys.platform == "linux":
        os.fdatasync(descriptor)
    elif sys.platform == "darwin":
        import fcntl  # not there on Windows

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError:  # network filesystems do not know it; fsync is the best they have
            os.fsync(descriptor)
    else:
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Put the names in `folder` on the medium, where the system knows how."""
    if sys.platform != "win32":  # folders cannot be opened there; NTFS journals names
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in _CANNOT_SYNC:
                raise
        finally:
            os.close(descriptor)


def make_folders(folder: Path) -> None:
    """Create `folder` and its parents, durably. What is there stays as it is."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        if folder.parent == folder:
            break
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        sync_folder(one.parent)


def clone_file(source: Path, path: Path) -> None:
    """Create `path` with the blocks of `source`, shared until one of the two changes (FICLONE, ioctl_ficlonerange(2)); flushed.

    OSError where the system or the filesystem has no such thing: Linux with btrfs, XFS, bcachefs, ZFS, OCFS2 has.
    """
    if sys.platform == "linux":
        import fcntl  # not there on Windows

        with source.open("rb") as original, path.open("xb") as fresh:
            try:
                fcntl.ioctl(fresh.fileno(), _FICLONE, original.fileno())
                os.fsync(fresh.fileno())
            except OSError:
                path.unlink()
                raise
    else:
        raise OSError(errno.EOPNOTSUPP, "files cannot share blocks here")


def start_flushing(descriptor: int) -> None:
    """Let the system begin to write a file's bytes to the medium, where it can be told so (sync_file_range(2)); `sync_file` has
    less to wait for then. No more than a hint."""
    if sys.platform == "linux":
        begin = _sync_file_range()
        if begin is not None:
            begin(descriptor, 0, 0, _WRITE_RANGE)


@cache
def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    library = ctypes.CDLL(None)
    if not hasattr(library, "sync_file_range"):
        return None
    library.sync_file_range.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    return cast("Callable[[int, int, int, int], int]", library.sync_file_range)


def write_new(path: Path, data: bytes) -> None:
    """Create `path` with `data`, flushed; FileExistsError when it is there. The name itself is not flushed yet."""
    write_new_together({path: data})


def write_new_together(files: Mapping[Path, bytes]) -> None:
    """As `write_new`, for several files: all are written before the first is flushed, so that a filesystem with a journal writes it
    once for all of them rather than once for each."""
    with ExitStack() as closing:
        opened: list[int] = []
        for path, data in files.items():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666)
            closing.callback(os.close, descriptor)
            opened.append(descriptor)
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            if len(files) > 1:
                start_flushing(descriptor)
        for descriptor in opened:
            sync_file(descriptor)


def replace_durably(path: Path, data: bytes) -> None:
    """Write `path` so that a reader, or a crash, sees the old content or the new, whole. One writer at a time."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    write_new(fresh, data)
    fresh.replace(path)
    sync_folder(path.parent)


class PositionedFile:
    """A file read and written at offsets by several threads at once.

    `close` waits for calls under way, so that a descriptor is never reused under a writer's feet; a call after it raises
    OSError(EBADF).
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        flags = os.O_RDWR | _FLAGS | (os.O_CREAT | os.O_EXCL if create else 0)
        self._descriptor: int | None = os.open(path, flags, 0o666)
        self._state = threading.Condition()
        self._busy = 0
        self._seeking = threading.Lock()
        self._waiting = 0

    @contextmanager
    def _in_use(self) -> Iterator[int]:
        with self._state:
            if self._descriptor is None:
                raise OSError(errno.EBADF, "the file is closed")
            self._busy += 1
            descriptor = self._descriptor
        try:
            yield descriptor
        finally:
            with self._state:
                self._busy -= 1
                self._state.notify_all()

    def write_at(self, offset: int, buffer: bytes | bytearray | memoryview) -> int:
        """Write all of `buffer` at `offset`; return how many bytes that was."""
        view = memoryview(buffer).cast("B")
        length = len(view)
        with self._in_use() as descriptor:
            while view:
                written = self._write_some(descriptor, offset, view)
                offset, view = offset + written, view[written:]
            self._waiting += length  # by several threads: no more than a measure of when it is time again
            if self._waiting >= _STRETCH:
                self._waiting = 0
                start_flushing(descriptor)
        return length

    def _write_some(self, descriptor: int, offset: int, view: memoryview) -> int:
        if sys.platform != "win32":
            return os.pwrite(descriptor, view[:_AT_ONCE], offset)
        else:
            with self._seeking:
                os.lseek(descriptor, offset, os.SEEK_SET)
                return os.write(descriptor, view)

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end of the file."""
        pieces: list[bytes] = []
        with self._in_use() as descriptor:
            while length > 0 and (piece := self._read_some(descriptor, offset, length)):
                pieces.append(piece)
                offset, length = offset + len(piece), length - len(piece)
        return b"".join(pieces)

    def _read_some(self, descriptor: int, offset: int, length: int) -> bytes:
        if sys.platform != "win32":
            return os.pread(descriptor, length, offset)
        else:
            with self._seeking:
                os.lseek(descriptor, offset, os.SEEK_SET)
                return os.read(descriptor, length)

    def sync(self) -> None:
        """Put what is written on the medium."""
        with self._in_use() as descriptor:
            sync_file(descriptor)

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes if it is longer."""
        with self._in_use() as descriptor:
            if os.fstat(descriptor).st_size > size:
                os.ftruncate(descriptor, size)

    def close(self) -> None:
        """Let go of the descriptor once nobody uses it. A repeat does nothing."""
        with self._state:
            descriptor, self._descriptor = self._descriptor, None
            self._state.wait_for(lambda: self._busy == 0)
        if descriptor is not None:
            os.close(descriptor)
