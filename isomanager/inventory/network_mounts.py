"""Whether a path lies on a network file system, where SQLite's locks and shared memory cannot be relied upon.

SQLite says so itself: write-ahead logging needs memory shared by all processes, so "all processes using a database must be
on the same host computer" (sqlite.org/wal.html).
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from isomanager.storage.mount_table import read_mounts

WINDOWS_NETWORK_DRIVE = "network drive"

NETWORK_TYPES = frozenset(
    {
        WINDOWS_NETWORK_DRIVE,
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "smb2", "afpfs", "afs", "ncpfs", "webdav", "ceph", "lustre",
        "fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.davfs", "fuse.davfs2", "fuse.glusterfs", "fuse.ceph-fuse",
        "fuse.gvfsd-fuse", "fuse.goofys", "fuse.mount-s3", "macfuse", "osxfuse", "sshfs",
    }
)  # fmt: skip
"""File system types, as Linux's mountinfo and macOS's mount name them, whose files live on another machine."""

_MACOS_LINE = re.compile(r"^.+? on (?P<point>/.*) \((?P<type>[^,)]+)")
_WINDOWS_REMOTE = 4  # DRIVE_REMOTE of GetDriveTypeW

Mount = tuple[PurePosixPath, str]


def mounts_of_linux(mountinfo: str) -> list[Mount]:
    """Mount points with their types, from the text of /proc/self/mountinfo."""
    return [(one.point, one.kind) for one in read_mounts(mountinfo)]


def mounts_of_macos(listing: str) -> list[Mount]:
    """Mount points with their types, from the output of mount(8) on macOS: `//u@h/share on /Volumes/share (smbfs, ...)`."""
    matches = (_MACOS_LINE.match(line) for line in listing.splitlines())
    return [(PurePosixPath(found["point"]), found["type"].strip()) for found in matches if found]


def type_at(path: str, mounts: Iterable[Mount]) -> str:
    """The type of the file system that `path` (absolute) lies on: the deepest mount, and the last one mounted there."""
    wanted = PurePosixPath(path)
    depth, found = -1, ""
    for point, kind in mounts:
        if wanted.is_relative_to(point) and len(point.parts) >= depth:
            depth, found = len(point.parts), kind
    return found


def network_type(path: Path) -> str:
    """The network file system `path` lies on (nfs4, cifs, ...), or "" when it is local or the system does not tell."""
    kind = _type_of(os.path.realpath(path))
    return kind if kind in NETWORK_TYPES else ""


def _type_of(place: str) -> str:
    if sys.platform == "win32":
        drive = os.path.splitdrive(place)[0] + "\\"
        remote = place.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(drive) == _WINDOWS_REMOTE
        return WINDOWS_NETWORK_DRIVE if remote else ""
    elif sys.platform == "darwin":
        listing = subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=10, check=False).stdout
        return type_at(place, mounts_of_macos(listing))
    else:
        table = Path("/proc/self/mountinfo")
        if not table.exists():
            return ""
        return type_at(place, mounts_of_linux(table.read_text(encoding="utf-8", errors="surrogateescape")))
