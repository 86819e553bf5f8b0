"""The files below one folder, wherever they are: what a store needs of a local disk, an SMB share or an NFS export.

Paths are relative to the folder, with forward slashes; "" is the folder itself. Methods raise OSError with the usual errno, or
StoreUnavailable and StoreError where errno has no word for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol, runtime_checkable

from isomanager.storage.contract import Entry, Space, StoreTraits


class Kind(Enum):
    """What a name stands for. Links and devices are OTHER: they hold names, and are no images."""

    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"


@dataclass(frozen=True)
class Seen:
    """A name as it looks now. `identity` is the same for two names of one file; `modified_ns` since 1970."""

    name: str
    kind: Kind
    size: int
    modified_ns: int
    identity: str

    @property
    def etag(self) -> str:
        """Changes when the bytes may have: identity, size and modification time."""
        return f"{self.identity}-{self.size:x}-{self.modified_ns:x}"

    @property
    def sorting(self) -> str:
        """By what names of a folder are ordered, so that a whole listing is in the order of its paths."""
        return f"{self.name}/" if self.kind is Kind.FOLDER else self.name

    def entry(self, path: str) -> Entry:
        """The entry of this file at `path`."""
        return Entry(path, self.size, datetime.fromtimestamp(self.modified_ns / 1e9, UTC), self.etag)


class TreeFile(Protocol):
    """An open file, read and written at offsets by several threads at once."""

    def write_at(self, offset: int, buffer: bytes | bytearray | memoryview) -> int:
        """Write all of `buffer` at `offset`; return how many bytes that was."""
        ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end of the file."""
        ...

    def sync(self) -> None:
        """Put what is written on the medium."""
        ...

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes if it is longer."""
        ...

    def close(self) -> None:
        """Let go of it. A repeat does nothing."""
        ...


class FileTree(Protocol):
    """The files below one folder."""

    @property
    def url(self) -> str:
        """Where it is, without secrets."""
        ...

    @property
    def traits(self) -> StoreTraits:
        """What it can do."""
        ...

    def make(self) -> None:
        """Make the folder itself, if it is not there."""
        ...

    def require(self) -> None:
        """StoreUnavailable unless the folder itself is there."""
        ...

    def check(self, path: str) -> None:
        """StoreError(code="outside-repository") when `path` is no plain path, or leads out of the folder."""
        ...

    def look(self, path: str) -> Seen | None:
        """What is at `path`, None when nothing is."""
        ...

    def scan(self, path: str) -> Iterable[Seen]:
        """Every name in a folder, in any order; FileNotFoundError when there is no such folder."""
        ...

    def read(self, path: str, start: int, length: int) -> tuple[Seen, bytes]:
        """Up to `length` bytes from `start`, and the file they are from."""
        ...

    def open(self, path: str, *, create: bool = False) -> TreeFile:
        """An existing file, or a new one: FileExistsError when `create` finds it there."""
        ...

    def write_new(self, path: str, data: bytes) -> None:
        """Create a file with `data`, flushed; FileExistsError when it is there."""
        ...

    def make_folders(self, path: str) -> None:
        """Create a folder and its parents. What is there stays as it is."""
        ...

    def add_folder(self, path: str) -> None:
        """Create a folder whose parent is there; FileExistsError when its name is taken. Durable after `flush_names`."""
        ...

    def put_new(self, aside: str, final: str, data: bytes) -> None:
        """Write `data` as `aside`, flush it, then give it the name `final`; FileExistsError when that is there. Durable after
        `flush_names`; `aside` is gone whatever happens but a crash."""
        ...

    def flush_names(self, folder: str) -> None:
        """Put the names in a folder on the medium."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file, durably; a missing one is no error."""
        ...

    def drop(self, path: str) -> None:
        """Remove a file that does no harm if a crash brings it back; a missing one is no error."""
        ...

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder; OSError when it is not empty."""
        ...

    def place_new(self, source: str, final: str) -> None:
        """Rename, durably; FileExistsError when `final` is there and is not `source` itself. A repeat ends a crash between."""
        ...

    def replace(self, source: str, final: str) -> None:
        """Rename, durably, over what is there."""
        ...

    def same(self, one: str, other: str) -> bool:
        """Whether both names lead to one file."""
        ...

    def space(self) -> Space:
        """How much room there is."""
        ...


@runtime_checkable
class LooksQuickly(Protocol):
    """A tree with a way of its own of looking at many files."""

    def sizes(self, paths: Collection[str]) -> dict[str, int]:
        """The sizes of those of the files that are there."""
        ...


@runtime_checkable
class WritesTogether(Protocol):
    """A tree where several files that are written before the first is flushed cost hardly more to flush than one."""

    def write_together(self, files: Mapping[str, bytes]) -> None:
        """Create files, flushed. OSError when one cannot be; then some may be there."""
        ...

    def name_new(self, aside: str, final: str) -> None:
        """Give the file `aside` the name `final`; FileExistsError when that is there. Durable after `flush_names`; `aside` may be
        left as a second name."""
        ...


@runtime_checkable
class PutsTogether(Protocol):
    """A tree on a server that takes many requests at once: what is done for many files costs hardly more time than for one."""

    def add_folders(self, paths: Collection[str]) -> Mapping[str, bool]:
        """Create folders whose parents are there; whether each is new. One that could not be made is left out. Durable after
        `flush_names`."""
        ...

    def put_together(self, files: Mapping[str, tuple[str, bytes]]) -> Collection[str]:
        """Write the bytes under each first name, flush them, then give them their final name, which is given beside them; the final
        names of those that came so far. Whatever was in the way of the others, nothing of them is left but after a crash. Durable
        after `flush_names`."""
        ...


def parent_of(path: str) -> str:
    """The folder that `path` is in."""
    return path.rpartition("/")[0]


def make_missing_folders(tree: FileTree, path: str) -> None:
    """Create a folder and its parents below the tree's own, the outermost first."""
    missing = []
    while path and tree.look(path) is None:
        missing.append(path)
        path = parent_of(path)
    for one in reversed(missing):
        with suppress(FileExistsError):  # another writer was quicker
            tree.add_folder(one)


def put_step_by_step(
    tree: FileTree, aside: str, final: str, data: bytes, name_new: Callable[[str, str], object]
) -> None:
    """Write, flush, and name by `name_new(aside, final)`, which may leave `aside` as a second name: it goes in any case."""
    try:
        tree.write_new(aside, data)
        name_new(aside, final)
    finally:
        tree.remove(aside)
