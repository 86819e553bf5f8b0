"""A disk whose files can share blocks: btrfs in a file of its own, mounted while a block lasts. It takes root."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FIEMAP, _SYNC, _SHARED, _EXTENTS = 0xC020660B, 1, 0x2000, 256
"""From linux/fs.h and linux/fiemap.h."""


class NoDiskError(RuntimeError):
    """There is no such disk here, and why."""


@contextmanager
def sharing_disk(folder: Path, size: int = 512 << 20) -> Iterator[Path]:
    """The folder that a disk of `size` bytes is mounted at; unmounted, and its loop device let go of, whatever happens in the block.

    Only what is written takes room. Raises NoDiskError.
    """
    file, place = folder / "disk.img", folder / "disk"
    place.mkdir()
    with file.open("wb") as empty:
        empty.truncate(size)
    _run("mkfs.btrfs", "--quiet", str(file))
    _run("mount", "-o", "loop", str(file), str(place))
    try:
        yield place
    finally:
        if subprocess.run(["umount", str(place)], capture_output=True, check=False).returncode:
            subprocess.run(["umount", "-l", str(place)], check=True)
        file.unlink()


def _run(program: str, *words: str) -> None:
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    told = f"{program} is not installed (scripts/install_test_programs.sh does it)"
    if found is not None:
        done = subprocess.run([found, *words], capture_output=True, text=True, check=False)
        if not done.returncode:
            return
        told = f"{program}: {done.stderr}"
    raise NoDiskError(told)


def shared_bytes(file: Path) -> int:
    """How many of the file's bytes lie in blocks that another file has as well (FIEMAP, as the kernel's documentation has it)."""
    import fcntl  # not there on Windows

    asked = bytearray(struct.pack("=QQIIII", 0, (1 << 64) - 1, _SYNC, 0, _EXTENTS, 0) + bytes(56 * _EXTENTS))
    with file.open("rb") as opened:
        fcntl.ioctl(opened, _FIEMAP, asked)
    (count,) = struct.unpack_from("=I", asked, 20)
    extents = [struct.unpack_from("=QQQQQI", asked, 32 + 56 * number) for number in range(count)]
    return sum(length for _, _, length, _, _, flags in extents if flags & _SHARED)
