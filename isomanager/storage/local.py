"""A repository in a folder: local disk, or any share the system has mounted."""

from __future__ import annotations

import errno
import os
import posixpath
from functools import partial
from pathlib import Path

from isomanager.errors import StoreError
from isomanager.storage.contract import INTERNAL, Validators
from isomanager.storage.durable import make_folders, sync_folder
from isomanager.storage.local_tree import LocalTree, seen_as
from isomanager.storage.os_failures import store_errors
from isomanager.storage.paths import final_path
from isomanager.storage.placing import same_file
from isomanager.storage.resuming import PartialNote
from isomanager.storage.sources import StoredFile
from isomanager.storage.tree_partial import TreePartial
from isomanager.storage.tree_store import TreeStore

_CANNOT = frozenset(
    {errno.EXDEV, errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EPERM, errno.EMLINK, errno.ENOSYS, errno.ETXTBSY}
)
"""What a filesystem answers that has no links, no shared blocks, or not between these two places."""


class SteadyFile:
    """An open file of this machine, read from its start to its end. It is an error if it changes meanwhile."""

    def __init__(self, file: StoredFile, place: Path) -> None:
        self.size = file.size
        self._path, self._etag, self._name = file.told, file.entry.etag, place.name
        with store_errors(f"Reading '{self._path}'"):
            self._file = place.open("rb", buffering=0)

    def fill(self, buffer: memoryview) -> None:
        """Put the next bytes into the whole of `buffer`. StoreError(code="changed") when the file became another, or shorter."""
        with store_errors(f"Reading '{self._path}'"):
            while buffer and (got := self._file.readinto(buffer)):
                buffer = buffer[got:]
            if buffer or seen_as(self._name, os.fstat(self._file.fileno())).etag != self._etag:
                raise StoreError(f"'{self._path}' changed while it was read.", code="changed", path=self._path)

    def close(self) -> None:
        """Let go of it. A repeat does nothing."""
        self._file.close()


class LocalStore(TreeStore):
    """Honours the Store contract in the folder `root`; `create` makes the folder."""

    def __init__(self, root: Path, *, create: bool = True) -> None:
        self._folder = LocalTree(root)
        super().__init__(self._folder, create=create)

    def begin_from(
        self, source: StoredFile, final: str, validators: Validators, *, key: str, link: bool
    ) -> TreePartial | None:
        """A partial that has all bytes of a file of this machine already, none of them copied: as a second name of that file with
        `link`, else as a file that shares its blocks. None where the filesystem cannot, or it is no such file.

        Who wants to believe the bytes still has to read them.
        """
        if not isinstance(source.store, LocalStore):
            return None
        place = source.store.root.joinpath(*source.path.split("/"))
        with store_errors(f"Beginning '{final}'"):
            self._checked(final_path(final))
            self._partials.remove(key)
            note = PartialNote(final, source.size, validators, front=source.size)
            make = self._folder.link if link else self._folder.clone
            try:
                self._partials.start_whole(note, key, partial(make, place))
            except OSError as wrong:
                self._partials.remove(key)
                if wrong.errno in _CANNOT:
                    return None
                raise
            return self._partials.open(key, self._place)

    def steady(self, file: StoredFile) -> SteadyFile:
        """A file of this store, opened to be read once."""
        self._folder.check(file.path)
        return SteadyFile(file, self.root.joinpath(*file.path.split("/")))

    @property
    def root(self) -> Path:
        """The folder's path."""
        return self._folder.root

    @property
    def folder(self) -> LocalTree:
        """The folder, which may be on a disk that is not mounted."""
        return self._folder

    def is_same_file(self, path: str, other: str) -> bool:
        """Whether both paths are names of one file."""
        with store_errors(f"Looking at '{path}'"):
            return same_file(self.root / path, self.root / other)

    def share(self, path: str, original: str, *, link: bool) -> bool:
        """Put in the place of the file `path`, in one step, one that shares the blocks of `original`, or a second name of it with
        `link`. False where the filesystem cannot. Whoever asks knows that both have the same bytes, and holds a lease."""
        with store_errors(f"Sharing '{original}'"):
            for one in (path, original):
                self._folder.check(one)
            fresh, place = self.root / INTERNAL / "share.new", self.root / path
            make_folders(fresh.parent)
            fresh.unlink(missing_ok=True)  # of a process that died
            make = self._folder.link if link else self._folder.clone
            try:
                make(self.root / original, f"{INTERNAL}/share.new")
            except OSError as wrong:
                if wrong.errno in _CANNOT:
                    return False
                raise
            fresh.replace(place)
            sync_folder(place.parent)
            # two names of one file are renamed into each other without effect, and both stay
            fresh.unlink(missing_ok=True)
            return True

    def point(self, alias: str, target: str) -> None:
        """Let `alias` lead to `target`: a relative link, made among the internals, then renamed over what was there."""
        with store_errors(f"Pointing '{alias}' to '{target}'"):
            self._folder.check(alias)
            self._folder.check(target)
            place = self.root / alias
            if place.exists() and not place.is_symlink():
                raise StoreError(f"'{alias}' is a file, and no alias takes its name.", code="name-taken", path=alias)
            make_folders(place.parent)
            fresh = self.root / INTERNAL / "alias.new"
            make_folders(fresh.parent)
            fresh.unlink(missing_ok=True)  # of a process that died; whoever points holds the lease
            try:
                fresh.symlink_to(posixpath.relpath(target, posixpath.dirname(alias) or "."))
            except (OSError, NotImplementedError) as wrong:
                told = f"{self.url} has no links: {wrong}."
                raise StoreError(told, code="no-links", hint="aliases.json names them.") from wrong
            fresh.replace(place)
            sync_folder(place.parent)

    def points_to(self, alias: str) -> str | None:
        """The path that the link leads to, relative to the repository; None when there is no such link."""
        with store_errors(f"Looking at '{alias}'"):
            place = self.root / alias
            if not place.is_symlink():
                return None
            return posixpath.normpath(posixpath.join(posixpath.dirname(alias), place.readlink().as_posix()))

    def unpoint(self, alias: str) -> None:
        """Remove the link, and nothing but a link."""
        with store_errors(f"Removing '{alias}'"):
            place = self.root / alias
            if place.is_symlink():
                place.unlink()
                sync_folder(place.parent)
                self._remove_empty(posixpath.dirname(alias))
