"""A repository in a tree of files: a folder of this machine, an SMB share, an NFS export."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence

from isomanager.errors import IsoManagerError, StoreError
from isomanager.storage.contract import INTERNAL, Entry, PartialRef, RefusedFolder, Space, StoreTraits, Validators
from isomanager.storage.os_failures import as_store_error, store_errors
from isomanager.storage.paths import IMAGE_EXTENSIONS, final_path, fold, is_internal
from isomanager.storage.resuming import PartialNote
from isomanager.storage.spelling import looked_for, spellings, taken
from isomanager.storage.tree import FileTree, Kind, Seen, parent_of
from isomanager.storage.tree_batch import SMALL, TreeBatch, look_at_all, sweep
from isomanager.storage.tree_partial import TreePartial
from isomanager.storage.tree_partials import PartialFolder

_NEVER_LISTED = (f"{INTERNAL}/partials", SMALL)
_PLACING_TRIES = 5


class TreeStore:
    """Honours the Store contract in `tree`.

    `create` makes the tree's folder. Without it a folder that is not there is StoreUnavailable for every call: an unmounted disk
    must neither look like an empty repository nor be filled beneath its mount point.
    """

    def __init__(self, tree: FileTree, *, create: bool = True) -> None:
        self._tree = tree
        self._partials = PartialFolder(tree)
        if create:
            with store_errors(f"Creating the repository {tree.url}"):
                tree.make()

    @property
    def url(self) -> str:
        """Where it is, without secrets."""
        return self._tree.url

    @property
    def traits(self) -> StoreTraits:
        """What the tree can do."""
        return self._tree.traits

    def _checked(self, path: str) -> str:
        self._tree.require()
        self._tree.check(path)
        return path

    # unfinished files

    def begin(
        self, final: str, size: int | None, validators: Validators, *, key: str, resume: PartialRef | None = None
    ) -> TreePartial:
        """A partial for `final`. Bytes that may be continued are kept, also when they are now to get another final name."""
        with store_errors(f"Beginning '{final}'"):
            self._checked(final_path(final))
            continued = self._partials.continue_with(final, size, validators, key, resume) if resume else None
            if continued is None:
                self._partials.remove(key)  # before the question for room: what is replaced gives its own back
                self._refuse_if_too_large(final, size or 0)
                self._partials.start(PartialNote(final, size, validators), key)
            else:
                self._refuse_if_too_large(final, (size or 0) - continued.front)
            return self._partials.open(key, self._place)

    def _refuse_if_too_large(self, final: str, needed: int) -> None:
        free = self.space().free
        if free is not None and needed > free:
            raise StoreError(
                f"'{final}' needs {needed} bytes more, and {self.url} has {free} left.",
                code="no-space",
                hint="Free some space, or choose another repository.",
                path=final,
                needed=needed,
                free=free,
            )

    def reopen(self, ref: PartialRef) -> TreePartial:
        """The closed partial `ref`, as it is; one that has its final name by now can be published again.

        Bytes whose note is lost are opened with front 0: they can be discarded, not continued.
        """
        with store_errors(f"Reopening '{ref.final}'"):
            self._tree.require()
            return self._partials.open(ref.key, self._place, orphan=ref)

    def partials(self) -> Iterator[PartialRef]:
        """Every unfinished file, by key. One whose note cannot be read has no final name and front 0."""
        with store_errors(f"Listing what is unfinished in {self.url}"):
            self._tree.require()
            yield from self._partials.refs()

    def partial(self, key: str) -> PartialRef | None:
        """The unfinished file of that key; no other is looked at."""
        self._tree.require()
        with store_errors(f"Looking for what is unfinished in {self.url}"):
            return self._partials.ref(key)

    # final names

    def _place(self, source: str, path: str) -> None:
        """Give `source` the name `path`, create-only, also where only case tells it from a name that is there."""
        self._checked(path)
        for tries_left in reversed(range(_PLACING_TRIES)):
            try:
                self._tree.make_folders(parent_of(path))
                self._refuse_if_taken(source, path)
                self._tree.place_new(source, path)
                return
            except (FileExistsError, FileNotFoundError):
                # another process took the name, or removed the folder while it was empty: look again
                if not tries_left or self._tree.look(source) is None:
                    raise

    def _refuse_if_taken(self, source: str, path: str) -> None:
        holder = next((one for one in self._spellings(path) if not self._tree.same(one, source)), None)
        if holder is not None:
            raise taken(path, holder)

    def stat(self, path: str) -> Entry | None:
        """The file, or None when there is none. A folder is no file."""
        with store_errors(f"Looking at '{path}'"):
            seen = self._look(self._checked(path))
            if seen is None:
                self._tree.require()  # None must not mean that the disk went away meanwhile
            return seen.entry(path) if seen else None

    def _look(self, path: str) -> Seen | None:
        seen = self._tree.look(path)
        return seen if seen is not None and seen.kind is Kind.FILE else None

    def list(self, prefix: str = "", *, refused: RefusedFolder | None = None) -> Iterator[Entry]:
        """Every file in the folder `prefix` and below, by path, but for symbolic links. The repository's internals appear only
        when `prefix` itself lies among them, and unfinished files not even then."""
        prefix = prefix.rstrip("/")
        with store_errors(f"Listing {self.url}"):
            if prefix:
                self._checked(prefix)
            else:
                self._tree.require()
            file = self._look(prefix) if prefix else None
            if file is not None:
                yield file.entry(prefix)
            elif not prefix or not prefix.startswith(_NEVER_LISTED):
                yield from self._walk(prefix, refused)

    def _walk(self, folder: str, refused: RefusedFolder | None) -> Iterator[Entry]:
        try:
            found = sorted(self._tree.scan(folder), key=lambda one: one.sorting)
        except (FileNotFoundError, NotADirectoryError):
            self._tree.require()
            return
        except PermissionError as wrong:
            if refused is None or not folder:
                raise as_store_error(wrong, f"Looking into '{folder}' of {self.url}") from wrong
            return refused(folder)
        for one in found:
            whole = f"{folder}/{one.name}" if folder else one.name
            if one.kind is Kind.FILE:
                yield one.entry(whole)
            elif one.kind is Kind.FOLDER and whole != INTERNAL and whole not in _NEVER_LISTED:
                yield from self._walk(whole, refused)

    def sizes(self, paths: Collection[str]) -> Mapping[str, int]:
        """The sizes of those that are there: each is looked at, several at once."""
        with store_errors(f"Looking at files of {self.url}"):
            self._tree.require()
            found = look_at_all(self._tree, paths)
            if len(found) < len(paths):
                self._tree.require()  # missing must not mean that the disk went away meanwhile
            return found

    def read(self, path: str, start: int, length: int, *, if_match: str = "") -> bytes:
        """Up to `length` bytes from `start`."""
        with store_errors(f"Reading '{path}'"):
            self._tree.check(path)
            try:
                seen, data = self._tree.read(path, start, length)
            except FileNotFoundError:
                self._tree.require()  # missing must not mean that the disk went away
                raise
            _check_unchanged(path, seen.etag, if_match)
            return data

    def space(self) -> Space:
        """Bytes of the filesystem the repository is on."""
        with store_errors(f"Asking {self.url} for its free space"):
            self._tree.require()
            return self._tree.space()

    def delete(self, path: str, *, expect: Entry | None = None) -> None:
        """Remove a file if it is what `expect` says, and the folders that this leaves empty."""
        with store_errors(f"Removing '{path}'"):
            seen = self.stat(path)
            if seen is None:
                return
            _check_unchanged(path, seen.etag, expect.etag if expect else "")
            self._tree.remove(path)
            self._remove_empty(parent_of(path))

    def _remove_empty(self, folder: str) -> None:
        while folder not in ("", INTERNAL):
            try:
                self._tree.remove_folder(folder)
            except OSError:  # not empty, or somebody uses it again: then it stays, and so do its parents
                return
            folder = parent_of(folder)

    def move(self, source: str, destination: str) -> Entry:
        """Rename, create-only; if only the destination is there, an earlier call did it."""
        with store_errors(f"Moving '{source}' to '{destination}'"):
            self._checked(destination)
            if self.stat(source) is not None and source != destination:
                if fold(source) != fold(destination):
                    self._place(source, destination)
                elif self._tree.same(source, destination):
                    self._respell(source, destination)
                else:
                    self._tree.make_folders(parent_of(destination))
                    self._tree.place_new(source, destination)
                self._remove_empty(parent_of(source))
        moved = self.stat(destination)
        if moved is None:
            raise StoreError(f"'{source}' is not there to be moved to '{destination}'.", code="missing", path=source)
        return moved

    def _respell(self, source: str, destination: str) -> None:
        """One file where case is ignored: only the spelling changes, of its folders too, with whatever else is in them."""
        done = ""
        for old, new in zip(source.split("/"), destination.split("/"), strict=True):
            if old != new:
                self._tree.replace(f"{done}{old}", f"{done}{new}")
            done = f"{done}{new}/"

    # small files

    def spellings(self, path: str) -> Sequence[str]:
        """What has that name, in whatever case, or stands in its way."""
        with store_errors(f"Looking for '{path}'"):
            return self._spellings(self._checked(path))

    def _spellings(self, path: str) -> Sequence[str]:
        """Names among the internals are our own: no two of them differ by case alone, and there may be very many."""
        if is_internal(path):
            return [path] if self._tree.look(path) else []
        return spellings(looked_for(self._tree.scan), path)

    def put_all(self, files: Mapping[str, bytes]) -> Mapping[str, IsoManagerError]:
        """Write small files together, create-only; what failed and why, by path."""
        with store_errors(f"Writing into {self.url}"):
            self._tree.require()
            return TreeBatch(self._tree).put(files)

    def put_small(self, path: str, data: bytes) -> Entry:
        """Write a small file atomically, create-only; a repeat with the same bytes succeeds."""
        for wrong in self.put_all({path: data}).values():
            raise wrong
        return self._must_stat(path)

    def replace_small(self, path: str, data: bytes, *, if_match: str = "") -> Entry:
        """Write a small index file atomically, replacing what is there. One writer at a time: the caller holds the lease."""
        with store_errors(f"Writing '{path}'"):
            if self._checked(path).lower().endswith(IMAGE_EXTENSIONS):
                raise StoreError(f"'{path}' is an image, and images are never replaced.", code="name-taken", path=path)
            seen = self.stat(path)
            _check_unchanged(path, seen.etag if seen else "", if_match)
            self._tree.make_folders(parent_of(path))
            fresh = self._write_aside(data)
            try:
                self._tree.replace(fresh, path)
            finally:
                self._tree.remove(fresh)
            return self._must_stat(path)

    def _must_stat(self, path: str) -> Entry:
        entry = self.stat(path)
        if entry is None:
            raise StoreError(f"'{path}' disappeared while it was being written.", code="missing", path=path)
        return entry

    def _write_aside(self, data: bytes) -> str:
        """A fresh, flushed file among the internals. What dead processes left there an hour ago goes."""
        self._tree.make_folders(SMALL)
        name = secrets.token_hex(12)
        self._tree.write_new(f"{SMALL}/{name}", data)
        sweep(self._tree)
        return f"{SMALL}/{name}"


def _check_unchanged(path: str, etag: str, if_match: str) -> None:
    if if_match and etag != if_match:
        raise StoreError(
            f"'{path}' is no longer the file it was.",
            code="changed",
            hint="Something else changed it; verify the repository.",
            path=path,
        )
