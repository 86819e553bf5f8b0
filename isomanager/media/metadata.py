"""What is known of an image after reading it. Plain values; `as_json` is what `--full` and `show` print."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from isomanager.media.booting import BootEntry, Partition
from isomanager.media.guesses import Said
from isomanager.media.iso9660 import Volume
from isomanager.media.wim import WindowsImage


@dataclass(frozen=True)
class Counts:
    """How many files and folders there are, and the bytes of the files."""

    files: int
    folders: int
    size: int


@dataclass(frozen=True)
class Metadata:
    """An image's description of itself; sizes in bytes.

    `needed` is where the last of what the image speaks of ends: the volume, appended system partitions, boot images. A larger
    file is padded or has more appended, a smaller one was cut off. `faults` are parts that could not be read and why.
    """

    size: int
    primary: Volume | None
    joliet: int = 0
    rock_ridge: bool = False
    udf: str = ""
    udf_label: str = ""
    boot: tuple[BootEntry, ...] = ()
    partitions: tuple[Partition, ...] = ()
    needed: int = 0
    markers: tuple[tuple[str, str], ...] = ()
    windows: tuple[WindowsImage, ...] = ()
    counts: Counts | None = None
    faults: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether the file holds all that the image speaks of."""
        return self.size >= self.needed

    def said(self, name: str) -> Said:
        """What rules of identification are matched against; `name` is the file's name."""
        texts = {f"marker:{marker}": line for marker, line in self.markers}
        if self.primary is not None:
            header = ("volume", "volume_set", "system", "publisher", "preparer", "application")
            texts |= {field: getattr(self.primary, field) for field in header}
        if self.udf_label and not texts.get("volume"):
            texts["volume"] = self.udf_label
        return Said(name, texts)

    def as_json(self) -> dict[str, Any]:
        """Everything, as values JSON has."""
        told = asdict(self)
        told["primary"] = None if self.primary is None else _volume_json(told["primary"])
        told["markers"] = dict(self.markers)
        told["complete"] = self.is_complete
        told["missing"] = max(0, self.needed - self.size)
        return told


def _volume_json(volume: dict[str, Any]) -> dict[str, Any]:
    dates = {name: volume[name].isoformat() if volume[name] else None for name in ("created", "modified")}
    return {name: value for name, value in (volume | dates).items() if name not in ("kind", "joliet", "root")}
