"""Giving a finished file its final name: one atomic step that never replaces what is there.

A hard link is create-only everywhere it exists (link(2): EEXIST). Filesystems without them have an exclusive rename on Linux
(renameat2(2) with RENAME_NOREPLACE) and macOS (renamex_np(2) with RENAME_EXCL), and on Windows every rename is exclusive.
Where none of these works, a lock that dies with its process keeps isomanager's own writers apart.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

from isomanager.storage.durable import sync_folder

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCL = 4
_NO_HARD_LINKS = {
    getattr(errno, name)
    for name in ("EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "EINVAL")
    if hasattr(errno, name)
}
_NO_EXCLUSIVE_RENAME = {getattr(errno, name) for name in ("EINVAL", "ENOSYS", "ENOTSUP") if hasattr(errno, name)}


def same_file(one: Path, other: Path) -> bool:
    """Whether both names exist and are the same file."""
    try:
        return one.samefile(other)
    except (FileNotFoundError, NotADirectoryError):
        return False


def place_new(source: Path, final: Path, lock: Path) -> None:
    """Rename `source` to `final`, durably; FileExistsError when `final` is there and is not `source` itself.

    Both names may exist after a crash; a repeat ends it. `lock` is used only where nothing better works.
    """
    if same_file(source, final) or _linked(source, final):
        sync_folder(final.parent)  # the new name is durable before the old one goes
        source.unlink()
    else:
        if not rename_exclusively(source, final):
            rename_under_lock(source, final, lock)
        if source.parent != final.parent:
            sync_folder(final.parent)
    sync_folder(source.parent)


def name_new(source: Path, final: Path, lock: Path) -> None:
    """Give the fresh file `source` the name `final`; FileExistsError when that is there. Whoever calls flushes the folder, and
    removes `source`, which may be left as a second name."""
    if not _linked(source, final) and not rename_exclusively(source, final):
        rename_under_lock(source, final, lock)


def _linked(source: Path, final: Path) -> bool:
    if os.name == "nt":
        return False  # os.rename is create-only there, in one step
    try:
        os.link(source, final)
    except OSError as error:
        if error.errno in _NO_HARD_LINKS:
            return False
        raise
    return True


def rename_exclusively(source: Path, final: Path) -> bool:
    """Rename in one create-only system call; False where the system or filesystem has none."""
    if os.name == "nt":
        source.rename(final)
        return True
    number = _exclusive_rename_errno(os.fsencode(source), os.fsencode(final))
    if number in _NO_EXCLUSIVE_RENAME:
        return False
    if number:
        raise OSError(number, os.strerror(number), str(source), None, str(final))
    return True


def _exclusive_rename_errno(source: bytes, final: bytes) -> int:
    """0 when it is done, else the error's number; ENOSYS where the C library has no such call."""
    if sys.platform == "linux":
        library = ctypes.CDLL(None, use_errno=True)
        if not hasattr(library, "renameat2"):  # an old C library
            return errno.ENOSYS
        done = library.renameat2(_AT_FDCWD, source, _AT_FDCWD, final, _RENAME_NOREPLACE) == 0
        return 0 if done else ctypes.get_errno()
    elif sys.platform == "darwin":
        library = ctypes.CDLL(None, use_errno=True)
        done = library.renamex_np(source, final, _RENAME_EXCL) == 0
        return 0 if done else ctypes.get_errno()
    else:
        return errno.ENOSYS


def rename_under_lock(source: Path, final: Path, lock: Path) -> None:
    """Look, then rename, while holding a lock that ends with its process: create-only among isomanager's own writers."""
    from filelock import FileLock  # needed on few filesystems only

    with FileLock(lock):
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final))
        source.rename(final)
