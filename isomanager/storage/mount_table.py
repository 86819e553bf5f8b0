"""What is mounted on this machine: the lines of /proc/self/mountinfo (format: proc_pid_mountinfo(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

TABLE = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """One mount: where it is, the folder of the file system that is seen there, its type, and where that comes from."""

    point: PurePosixPath
    root: PurePosixPath
    kind: str
    source: str


def read_mounts(mountinfo: str) -> list[Mount]:
    """The mounts in the text of /proc/self/mountinfo, in its order: later ones lie over earlier ones."""
    found: list[Mount] = []
    for line in mountinfo.splitlines():
        before, separator, after = line.partition(" - ")
        fields, about = before.split(" "), after.split(" ")
        if separator and len(fields) > 4:
            root, point = PurePosixPath(_plain(fields[3])), PurePosixPath(_plain(fields[4]))
            found.append(Mount(point, root, about[0], _plain(about[1]) if len(about) > 1 else ""))
    return found


def _plain(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)


def current_mounts() -> list[Mount]:
    """What is mounted now; nothing where the system has no such table."""
    if not TABLE.exists():
        return []
    return read_mounts(TABLE.read_text(encoding="utf-8", errors="surrogateescape"))
