"""Reading an image: descriptors, how it boots, markers; with `full` also its files are counted. By ranges, never the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from isomanager.errors import MediaError
from isomanager.media.booting import BootEntry, Partition, read_boot_catalog, read_partitions
from isomanager.media.iso9660 import SECTOR, Descriptors, Tree, read_descriptors
from isomanager.media.markers import read_markers, windows_line
from isomanager.media.metadata import Counts, Metadata
from isomanager.media.source import FULL, QUICK, Read, Source
from isomanager.media.udf import UdfTree
from isomanager.media.wim import WindowsImage, read_images

T = TypeVar("T")
U = TypeVar("U")

_INSTALLERS = (
    "sources/install.wim",
    "sources/install.esd",
    "sources/install.swm",
    "x64/sources/install.esd",
    "x86/sources/install.esd",
)


def read_metadata(name: str, size: int, read: Read, *, full: bool = False) -> Metadata:
    """What the image of `size` bytes says of itself; `read` gives bytes by offset and length.

    MediaError(code="not-an-image") when it is neither ISO 9660 nor UDF. What is damaged inside an image that has its
    descriptors does not hide the rest: it is told in `faults`.
    """
    return _Reading(Source(name, size, read, FULL if full else QUICK), full).metadata()


class _Reading:
    def __init__(self, source: Source, full: bool) -> None:
        self._source = source
        self._full = full
        self._faults: list[str] = []

    def metadata(self) -> Metadata:
        found = read_descriptors(self._source)
        if not found.volumes and not found.udf:
            raise MediaError(
                f"{self._source.name} is neither an ISO 9660 nor a UDF image.",
                code="not-an-image",
                file=self._source.name,
            )
        boot = self._attempt(lambda: self._boot(found), ())
        partitions = self._attempt(lambda: read_partitions(self._source), ())
        tree = self._attempt(lambda: self._iso_tree(found), None)
        udf = self._attempt(lambda: UdfTree(self._source), None) if found.udf else None
        markers, windows = self._content(tree, udf)
        return Metadata(
            size=self._source.size,
            primary=found.primary,
            joliet=found.joliet.joliet if found.joliet else 0,
            rock_ridge=bool(tree and self._attempt(lambda: tree.has_rock_ridge, False)),
            udf=found.udf,
            udf_label=udf.label if udf else "",
            boot=boot,
            partitions=partitions,
            needed=_needed(found, boot, partitions),
            markers=tuple(markers.items()),
            windows=windows,
            counts=self._attempt(lambda: _counts(tree, udf), None) if self._full else None,
            faults=tuple(dict.fromkeys(self._faults)),
        )

    def _attempt(self, part: Callable[[], T], otherwise: U) -> T | U:
        """One part of the image; where it is damaged the fault is noted and the rest is still read."""
        try:
            return part()
        except MediaError as error:
            self._faults.append(error.message)
            return otherwise

    def _boot(self, found: Descriptors) -> tuple[BootEntry, ...]:
        return () if found.boot_catalog is None else read_boot_catalog(self._source, found.boot_catalog)

    def _iso_tree(self, found: Descriptors) -> Tree | None:
        """The tree with the better names: Rock Ridge, else Joliet, else plain."""
        if found.primary is None:
            return None
        plain = Tree(self._source, found.primary)
        if found.joliet is None or self._attempt(lambda: plain.has_rock_ridge, False):
            return plain
        return Tree(self._source, found.joliet)

    def _content(self, tree: Tree | None, udf: UdfTree | None) -> tuple[dict[str, str], tuple[WindowsImage, ...]]:
        """Markers and Windows' editions; on a bridge disc UDF has the files, and the ISO 9660 side may hold a README only."""

        def content(path: str, most: int) -> bytes | None:
            found = self._attempt(lambda: udf.content(path, most), None) if udf else None
            return found if found is not None or tree is None else self._attempt(lambda: tree.content(path, most), None)

        markers = read_markers(content)
        windows = self._attempt(lambda: self._windows(tree, udf), ())
        line = windows_line(windows)
        return (markers | {"windows": line} if line else markers), windows

    def _windows(self, tree: Tree | None, udf: UdfTree | None) -> tuple[WindowsImage, ...]:
        for path in _INSTALLERS:
            file = udf.find(path) if udf else None
            if udf and file and not file.is_folder:
                return read_images(self._source, partial(udf.read, file))
            record = tree.find(path) if tree else None
            if tree and record and not record.is_folder:
                return read_images(self._source, partial(tree.read, record))
        return ()


def _needed(found: Descriptors, boot: tuple[BootEntry, ...], partitions: tuple[Partition, ...]) -> int:
    """Where the last byte that the image speaks of ends.

    A boot entry's length is not counted: makers write 0, 1 or what a BIOS loads there. Neither are partitions that only
    wrap the volume for a BIOS, which end on a cylinder beyond the file; system partitions do count.
    """
    ends = [0]
    if found.primary is not None:
        ends.append(found.primary.space)
    ends += [entry.offset + SECTOR for entry in boot if entry.bootable]
    ends += [one.offset + one.length for one in partitions if one.is_appended_system]
    return max(ends)


def _counts(tree: Tree | None, udf: UdfTree | None) -> Counts | None:
    if udf is not None:
        return _sum(None if entry.is_folder else udf.length_of(entry) for _, entry in udf.walk())
    if tree is None:
        return None
    return _sum(None if record.is_folder else record.length for _, record in tree.walk())


def _sum(sizes: Iterable[int | None]) -> Counts:
    """Counts of files' sizes and of None for each folder."""
    files = folders = total = 0
    for size in sizes:
        files, folders = files + (size is not None), folders + (size is None)
        total += size or 0
    return Counts(files, folders, total)
