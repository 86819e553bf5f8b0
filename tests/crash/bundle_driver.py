"""A bundle written from the default repository, in a process that can kill itself at a named point of it.

usage: python bundle_driver.py PLACE [POINT]
"""

from __future__ import annotations

import sys
from pathlib import Path

from crash.driver import Point, arm
from isomanager.library.bundling import plan_bundle, write_bundle
from isomanager.library.opening import library_in_use

_ARCHIVE = "isomanager.transfer.bundle_archive:TarArchive"
_FOLDER = "isomanager.transfer.bundle_writing:_Folder"


def _large(_file: object, _offset: int, buffer: bytes) -> bool:
    return len(buffer) > 50_000


def _unfinished(path: Path, _final: Path) -> bool:
    return path.name.endswith(".part") and ".tar" in path.name


POINTS = {
    "receipts in it": Point(f"{_ARCHIVE}.has"),
    "an image torn": Point("isomanager.storage.durable:PositionedFile.write_at", nth=4, when=_large, torn=True),
    "two images in it": Point(f"{_ARCHIVE}.image", nth=2),
    "no end": Point(f"{_ARCHIVE}.finish", before=True),
    "whole, not named": Point("pathlib:Path.replace", before=True, when=_unfinished),
    "two images in the folder": Point(f"{_FOLDER}.image", nth=2),
}


def main(place: str, *points: str) -> int:
    """Write the bundle, dying where told."""
    with library_in_use() as library:
        assert library.inventory, "opened and migrated before the point is armed"
        for name in points:
            arm(POINTS[name])
        write_bundle(library, plan_bundle(library, [], "default", frozenset()), Path(place))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
