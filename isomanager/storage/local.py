"""A repository in a folder: local disk, or any share the system has mounted."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from isomanager.errors import StoreError, StoreUnavailable
from isomanager.storage.contract import (
    INTERNAL,
    Entry,
    PartialRef,
    Space,
    StoreTraits,
    Validators,
)
from isomanager.storage.durable import make_folders, sync_folder, write_new
from isomanager.storage.local_partial import LocalPartial, entry_of, etag_of
from isomanager.storage.os_failures import store_errors
from isomanager.storage.partial_folder import PartialFolder
from isomanager.storage.paths import IMAGE_EXTENSIONS, final_path, fold, inside, safe_path
from isomanager.storage.placing import place_new, same_file
from isomanager.storage.resuming import PartialNote

_NEVER_LISTED = (f"{INTERNAL}/partials", f"{INTERNAL}/small")
_LITTER_AGE_NS = 3600 * 10**9
_PLACING_TRIES = 5


class LocalStore:
    """Honours the Store contract in the folder `root`.

    `create` makes the folder. Without it a folder that is not there is StoreUnavailable for every call: an unmounted disk must
    neither look like an empty repository nor be filled beneath its mount point.
    """

    def __init__(self, root: Path, *, create: bool = True) -> None:
        self._root = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would replace a symbolic link the user chose
        self._partials = PartialFolder(self._root)
        self._small = self._root / INTERNAL / "small"
        self._lock = self._root / INTERNAL / "placing.lock"
        posix = os.name == "posix"
        self.traits = StoreTraits(readable_partial=True, server_copy=False, hard_links=posix, symbolic_links=posix)
        if create:
            with store_errors(f"Creating the repository {self._root}"):
                make_folders(self._root)

    @property
    def url(self) -> str:
        """The folder's path."""
        return str(self._root)

    @property
    def root(self) -> Path:
        """The folder."""
        return self._root

    def _present(self) -> Path:
        if not self._root.is_dir():
            raise StoreUnavailable(
                f"The repository folder {self._root} is not there.",
                hint="Mount the disk or share it is on, or create the repository again.",
                url=self.url,
            )
        return self._root

    def _locate(self, path: str) -> Path:
        return inside(self._present(), path)

    # unfinished files

    def begin(
        self, final: str, size: int | None, validators: Validators, *, key: str, resume: PartialRef | None = None
    ) -> LocalPartial:
        """A partial for `final`. Bytes that may be continued are kept, also when they are now to get another final name."""
        self._locate(final_path(final))
        with store_errors(f"Beginning '{final}'"):
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
                f"'{final}' needs {needed} bytes more, and {self._root} has {free} left.",
                code="no-space",
                hint="Free some space, or choose another repository.",
                path=final,
                needed=needed,
                free=free,
            )

    def reopen(self, ref: PartialRef) -> LocalPartial:
        """The closed partial `ref`, as it is; one that has its final name by now can be published again.

        Bytes whose note is lost are opened with front 0: they can be discarded, not continued.
        """
        self._present()
        with store_errors(f"Reopening '{ref.final}'"):
            return self._partials.open(ref.key, self._place, orphan=ref)

    def partials(self) -> Iterator[PartialRef]:
        """Every unfinished file, by key. One whose note cannot be read has no final name and front 0."""
        self._present()
        with store_errors(f"Listing what is unfinished in {self._root}"):
            yield from self._partials.refs()

    # final names

    def _place(self, source: Path, path: str) -> None:
        """Give `source` the name `path`, create-only, also where only case tells it from a name that is there."""
        final = self._locate(path)
        for tries_left in reversed(range(_PLACING_TRIES)):
            try:
                make_folders(final.parent)
                self._refuse_if_taken(source, path)
                place_new(source, final, self._lock)
                return
            except (FileExistsError, FileNotFoundError):
                # another process took the name, or removed the folder while it was empty: look again
                if not tries_left or not source.exists():
                    raise

    def _refuse_if_taken(self, source: Path, path: str) -> None:
        holder = next((one for one in self._spellings(path) if not same_file(one, source)), None)
        if holder is not None:
            raise StoreError(
                f"The name '{path}' is taken by '{holder.relative_to(self._root).as_posix()}'.",
                code="name-taken",
                hint="Give the image a name that says more: its edition, build, or digest.",
                path=path,
            )

    def _spellings(self, path: str) -> Sequence[Path]:
        """Everything there whose path differs from `path` by no more than case."""
        found = [self._root]
        for part in path.split("/"):
            wanted = fold(part)
            found = [one for folder in found if folder.is_dir() for one in folder.iterdir() if fold(one.name) == wanted]
        return found

    def stat(self, path: str) -> Entry | None:
        """The file, or None when there is none. A folder is no file."""
        located = self._locate(path)
        with store_errors(f"Looking at '{path}'"):
            try:
                seen = located.stat()
            except (FileNotFoundError, NotADirectoryError):
                self._present()  # None must not mean that the disk went away meanwhile
                return None
            return entry_of(path, seen) if located.is_file() else None

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Every file in the folder `prefix` and below, by path. Symbolic links are names of files, not files.

        The repository's internals appear only when `prefix` itself lies among them, and unfinished files not even then.
        """
        prefix = prefix.rstrip("/")
        top = self._locate(prefix) if prefix else self._present()
        with store_errors(f"Listing {self._root}"):
            if prefix and top.is_file():
                yield entry_of(prefix, top.stat())
            elif not prefix or not prefix.startswith(_NEVER_LISTED):
                yield from self._walk(top, prefix)

    def _walk(self, folder: Path, path: str) -> Iterator[Entry]:
        try:
            with os.scandir(folder) as scanned:
                # a folder sorts as its name with a slash, so that the whole listing is in the order of its paths
                found = sorted(
                    (f"{one.name}/" if one.is_dir(follow_symlinks=False) else one.name, one) for one in scanned
                )
        except FileNotFoundError:
            self._present()
            return
        for name, one in found:
            whole = f"{path}/{name}" if path else name
            if name.endswith("/"):
                if whole[:-1] != INTERNAL and whole[:-1] not in _NEVER_LISTED:
                    yield from self._walk(Path(one.path), whole[:-1])
            elif one.is_file(follow_symlinks=False):
                seen = _seen(Path(one.path))
                if seen is not None:
                    yield entry_of(whole, seen)

    def read(self, path: str, start: int, length: int, *, if_match: str = "") -> bytes:
        """Up to `length` bytes from `start`."""
        located = self._locate(path)
        with store_errors(f"Reading '{path}'"), located.open("rb") as file:
            self._check_unchanged(path, etag_of(os.fstat(file.fileno())), if_match)
            file.seek(start)
            return file.read(length)

    @staticmethod
    def _check_unchanged(path: str, etag: str, if_match: str) -> None:
        if if_match and etag != if_match:
            raise StoreError(
                f"'{path}' is no longer the file it was.",
                code="changed",
                hint="Something else changed it; verify the repository.",
                path=path,
            )

    def space(self) -> Space:
        """Bytes of the filesystem the repository is on."""
        with store_errors(f"Asking {self._root} for its free space"):
            usage = shutil.disk_usage(self._present())
            return Space(usage.total, usage.free)

    def delete(self, path: str, *, expect: Entry | None = None) -> None:
        """Remove a file if it is what `expect` says, and the folders that this leaves empty."""
        located = self._locate(path)
        with store_errors(f"Removing '{path}'"):
            seen = self.stat(path)
            if seen is None:
                return
            self._check_unchanged(path, seen.etag, expect.etag if expect else "")
            located.unlink(missing_ok=True)
            sync_folder(located.parent)
            self._remove_empty(located.parent)

    def _remove_empty(self, folder: Path) -> None:
        while folder not in (self._root, self._root / INTERNAL):
            try:
                folder.rmdir()
            except OSError:  # not empty, or somebody uses it again: then it stays, and so do its parents
                return
            folder = folder.parent

    def move(self, source: str, destination: str) -> Entry:
        """Rename, create-only; if only the destination is there, an earlier call did it."""
        old, new = self._locate(source), self._locate(destination)
        with store_errors(f"Moving '{source}' to '{destination}'"):
            if source != destination and self.stat(source) is not None:
                if fold(source) == fold(destination) and not same_file(old, new):
                    make_folders(new.parent)
                    place_new(old, new, self._lock)
                elif fold(source) == fold(destination):
                    old.rename(new)  # one file under a filesystem that ignores case: only its spelling changes
                else:
                    self._place(old, destination)
                self._remove_empty(old.parent)
        moved = self.stat(destination)
        if moved is None:
            raise StoreError(f"'{source}' is not there to be moved to '{destination}'.", code="missing", path=source)
        return moved

    # small files

    def put_small(self, path: str, data: bytes) -> Entry:
        """Write a small file atomically, create-only; a repeat with the same bytes succeeds."""
        located = self._locate(path)
        with store_errors(f"Writing '{path}'"):
            if located.is_file() and located.read_bytes() == data:
                return self._must_stat(path)
            fresh = self._write_aside(data)
            try:
                self._place(fresh, path)
            except StoreError:
                # another process may have won the race with the very same bytes
                if not (located.is_file() and located.read_bytes() == data):
                    raise
            finally:
                fresh.unlink(missing_ok=True)
            return self._must_stat(path)

    def replace_small(self, path: str, data: bytes, *, if_match: str = "") -> Entry:
        """Write a small index file atomically, replacing what is there. One writer at a time: the caller holds the lease."""
        located = self._locate(path)
        if path.lower().endswith(IMAGE_EXTENSIONS):
            raise StoreError(f"'{path}' is an image, and images are never replaced.", code="name-taken", path=path)
        with store_errors(f"Writing '{path}'"):
            seen = self.stat(path)
            self._check_unchanged(path, seen.etag if seen else "", if_match)
            make_folders(located.parent)
            fresh = self._write_aside(data)
            try:
                fresh.replace(located)
            finally:
                fresh.unlink(missing_ok=True)
            sync_folder(located.parent)
            return self._must_stat(path)

    def _must_stat(self, path: str) -> Entry:
        entry = self.stat(path)
        if entry is None:
            raise StoreError(f"'{path}' disappeared while it was being written.", code="missing", path=safe_path(path))
        return entry

    def _write_aside(self, data: bytes) -> Path:
        """A fresh, flushed file among the internals. What dead processes left there an hour ago goes."""
        make_folders(self._small)
        fresh = self._small / secrets.token_hex(12)
        write_new(fresh, data)
        written = fresh.stat().st_mtime_ns
        for other in self._small.iterdir():
            seen = _seen(other)
            if seen is not None and written - seen.st_mtime_ns > _LITTER_AGE_NS:
                other.unlink(missing_ok=True)
        return fresh


def _seen(file: Path) -> os.stat_result | None:
    try:
        return file.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
