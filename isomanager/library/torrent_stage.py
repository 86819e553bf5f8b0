"""The staging folder of torrents: a folder for each, and what each still needs of the disk, for every process to see."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import time

from isomanager.storage.contract import PartialRef, Space, Validators
from isomanager.transfer.torrent.swarm import IMAGE

_SIZE = "size"
_BLOCK = 512
"""Bytes in what `st_blocks` counts (stat(2))."""
_LITTER_SECONDS = 7 * 86_400
"""How long an unfinished torrent waits in the staging folder to be gone on with."""


class TorrentStage:
    """The folder `root`, which is made where there is none. What nobody went on with for a week is removed from it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """Its name in messages."""
        return str(self.root)

    def space(self) -> Space:
        """Bytes of the disk that the folder is on."""
        usage = shutil.disk_usage(self.root)
        return Space(usage.total, usage.free)

    def partials(self) -> tuple[PartialRef, ...]:
        """What is under way or unfinished, and how much of each the disk holds already."""
        found = (_unfinished(one) for one in self.root.iterdir() if one.is_dir())
        return tuple(one for one in found if one is not None)

    def folder(self, name: str, size: int) -> Path:
        """The folder `name`, made for a file of `size` bytes; to be called once there is room for those."""
        for one in self.root.iterdir():
            if one.name != name and time() - _changed(one) > _LITTER_SECONDS:
                shutil.rmtree(one, ignore_errors=True)
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        (folder / _SIZE).write_text(str(size))
        return folder


def _unfinished(folder: Path) -> PartialRef | None:
    """None for what another process removes just now, or never said its size."""
    with suppress(OSError, ValueError):
        size = int((folder / _SIZE).read_text())
        image = folder / IMAGE
        held = _allocated(image) if image.exists() else 0
        changed = datetime.fromtimestamp(_changed(folder), UTC)
        return PartialRef(folder.name, folder.name, size, Validators(), held, changed)
    return None


def _allocated(file: Path) -> int:
    """Bytes that the disk holds of a file with holes; where the system does not say, those up to its end."""
    stat = file.stat()
    blocks: int | None = getattr(stat, "st_blocks", None)
    return stat.st_size if blocks is None else blocks * _BLOCK


def _changed(folder: Path) -> float:
    """When something in the folder changed last, in seconds since 1970; now, where it is just being removed."""
    with suppress(OSError):
        return max(one.stat().st_mtime for one in (folder, *folder.iterdir()))
    return time()
