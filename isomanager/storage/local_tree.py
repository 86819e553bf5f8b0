"""The files below a folder of this machine: local disk, or any share the system has mounted."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from isomanager.errors import StoreUnavailable
from isomanager.storage.contract import INTERNAL, Space, StoreTraits
from isomanager.storage.durable import (
    PositionedFile,
    clone_file,
    make_folders,
    sync_folder,
    write_new,
    write_new_together,
)
from isomanager.storage.marking import MARK, MARKED
from isomanager.storage.paths import inside
from isomanager.storage.placing import name_new, place_new, same_file
from isomanager.storage.tree import Kind, Seen

_OPEN_AT_ONCE = 64
"""Files: there is a limit to how many a process may have open."""


class LocalTree:
    """Honours FileTree in the folder `root`."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would replace a symbolic link the user chose
        self._lock = self.root / INTERNAL / "placing.lock"
        self._expected = ""
        posix = os.name == "posix"
        self.traits = StoreTraits(symbolic_links=posix)

    @property
    def url(self) -> str:
        """The folder's path."""
        return str(self.root)

    def make(self) -> None:
        """Make the folder and its parents."""
        make_folders(self.root)

    def require(self) -> None:
        """StoreUnavailable unless the folder is there, and the repository in it that is expected."""
        if self._expected and self.is_marked():
            return
        if not self.root.is_dir():
            raise StoreUnavailable(
                f"The repository folder {self.root} is not there.",
                hint=f"Mount the disk or share it is on, or create the repository again{self._as_new()}.",
                url=self.url,
            )
        if self._expected:
            raise StoreUnavailable(
                f"The folder {self.root} is there, but the mark of the repository {self._expected} ({MARK}) is not: "
                "its disk or share is not mounted.",
                code="not-mounted",
                hint=f"Mount it. If this is an empty disk in place of the old one, create it again{self._as_new()}.",
                url=self.url,
            )

    def _as_new(self) -> str:
        command = f"isomanager repository create {self.url} --name {self._expected} --new-disk"
        return f": {command}" if self._expected else ""

    def expect(self, repository: str) -> None:
        """Use the folder from now on only while it has the mark of a repository, which is the one of that name."""
        self._expected = repository

    def is_marked(self) -> bool:
        """Whether the mark of a repository is there."""
        return self._at(MARK).is_file()

    def mark(self) -> None:
        """Put the mark of a repository there. A repeat does nothing."""
        self.make_folders(INTERNAL)
        with suppress(FileExistsError):
            self.write_new(MARK, MARKED)
            self.flush_names(INTERNAL)

    def check(self, path: str) -> None:
        """StoreError for what is no plain path, or leads out of the folder through a symbolic link."""
        inside(self.root, path)

    def _at(self, path: str) -> Path:
        return self.root.joinpath(*path.split("/")) if path else self.root

    def look(self, path: str) -> Seen | None:
        """What is at `path`, links followed."""
        try:
            return seen_as(path.rpartition("/")[2], self._at(path).stat())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def sizes(self, paths: Collection[str]) -> dict[str, int]:
        """The sizes of those that are there."""
        found: dict[str, int] = {}
        for path in paths:
            try:
                told = os.stat(f"{self.root}{os.sep}{path}")  # noqa: PTH116 - no Path: there may be very many
            except (FileNotFoundError, NotADirectoryError):
                continue
            if stat.S_ISREG(told.st_mode):
                found[path] = told.st_size
        return found

    def scan(self, path: str) -> Iterator[Seen]:
        """Every name in a folder; a symbolic link is neither file nor folder."""
        with os.scandir(f"{self.root}{os.sep}{path}") as scanned:  # no Path: a library may have thousands of folders
            for one in scanned:
                try:
                    yield seen_as(one.name, _looked_at(one), link=one.is_symlink())
                except FileNotFoundError:
                    continue  # removed since the folder was read

    def read(self, path: str, start: int, length: int) -> tuple[Seen, bytes]:
        """Bytes, and the file they are from: seen through the open file, so that no other can come between."""
        with self._at(path).open("rb") as file:
            seen = seen_as(path.rpartition("/")[2], os.fstat(file.fileno()))
            file.seek(start)
            return seen, file.read(length)

    def open(self, path: str, *, create: bool = False) -> PositionedFile:
        """An existing file, or a new one."""
        return PositionedFile(self._at(path), create=create)

    def write_new(self, path: str, data: bytes) -> None:
        """Create a file with `data`, flushed."""
        write_new(self._at(path), data)

    def make_folders(self, path: str) -> None:
        """Create a folder and its parents, durably."""
        make_folders(self._at(path))

    def add_folder(self, path: str) -> None:
        """Create one folder."""
        self._at(path).mkdir()

    def put_new(self, aside: str, final: str, data: bytes) -> None:
        """Write, flush, and name; the names are flushed later, for several files together."""
        fresh = self._at(aside)
        try:
            write_new(fresh, data)
            name_new(fresh, self._at(final), self._lock)
        finally:
            fresh.unlink(missing_ok=True)

    def write_together(self, files: Mapping[str, bytes]) -> None:
        """Create files, flushed."""
        places = [(self._at(path), data) for path, data in files.items()]
        for first in range(0, len(places), _OPEN_AT_ONCE):
            write_new_together(dict(places[first : first + _OPEN_AT_ONCE]))

    def name_new(self, aside: str, final: str) -> None:
        """Give a file another name, create-only."""
        name_new(self._at(aside), self._at(final), self._lock)

    def flush_names(self, folder: str) -> None:
        """Put the names in a folder on the medium."""
        sync_folder(self._at(folder))

    def link(self, source: Path, path: str) -> None:
        """Make `path` a second name of the file `source`; OSError where the filesystem cannot, or it is on another one."""
        os.link(source, self._at(path))

    def clone(self, source: Path, path: str) -> None:
        """Make `path` a new file that shares the blocks of `source` until one of them changes; OSError where nothing can."""
        clone_file(source, self._at(path))

    def remove(self, path: str) -> None:
        """Remove a file, durably."""
        if self._unlink(path):
            sync_folder(self._at(path).parent)

    def drop(self, path: str) -> None:
        """Remove a file; the system tells the medium when it likes to."""
        self._unlink(path)

    def _unlink(self, path: str) -> bool:
        try:
            self._at(path).unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        self._at(path).rmdir()

    def place_new(self, source: str, final: str) -> None:
        """Rename, create-only and durable."""
        place_new(self._at(source), self._at(final), self._lock)

    def replace(self, source: str, final: str) -> None:
        """Rename over what is there, durably."""
        self._at(source).replace(self._at(final))
        sync_folder(self._at(final).parent)

    def same(self, one: str, other: str) -> bool:
        """Whether both names lead to one file."""
        return same_file(self._at(one), self._at(other))

    def space(self) -> Space:
        """Bytes of the filesystem the folder is on."""
        usage = shutil.disk_usage(self.root)
        return Space(usage.total, usage.free)


def _looked_at(one: os.DirEntry[str]) -> os.stat_result:
    """The file itself, not where a link leads; cheaper than by its path, but Windows then leaves out which file it is."""
    return one.stat(follow_symlinks=False) if os.name == "posix" else Path(one.path).lstat()


def seen_as(name: str, told: os.stat_result, *, link: bool = False) -> Seen:
    """What the system says of a name; a symbolic link is neither file nor folder."""
    mode = told.st_mode
    kind = Kind.OTHER
    if not link and stat.S_ISDIR(mode):
        kind = Kind.FOLDER
    elif not link and stat.S_ISREG(mode):
        kind = Kind.FILE
    return Seen(name, kind, told.st_size, told.st_mtime_ns, f"{told.st_ino:x}")
