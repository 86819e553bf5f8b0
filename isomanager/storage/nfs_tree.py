"""The files below a folder of an NFS export, spoken to directly (`mode=direct`): nothing is mounted on this machine."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from isomanager.errors import StoreUnavailable
from isomanager.storage.contract import INTERNAL, Space, StoreTraits
from isomanager.storage.nfs_client import DIRECTORY, REGULAR, STALE, Attributes, NfsClient
from isomanager.storage.nfs_file import NfsFile
from isomanager.storage.paths import safe_path
from isomanager.storage.tree import Kind, Seen, make_missing_folders, put_step_by_step

_T = TypeVar("_T")
REQUEST = 1 << 20
_LOCK = f"{INTERNAL}/placing.lock"
_LOCK_AGE = 30.0
_LOCK_PATIENCE = 60.0
_NAMING: dict[str, threading.Lock] = {}
"""By address. The lock file keeps other processes away; rclone's server lets two calls of one moment make it."""
_NO_LINKS = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EPERM, errno.EINVAL, errno.EIO}
_KINDS = {REGULAR: Kind.FILE, DIRECTORY: Kind.FOLDER}


class NfsTree:
    """Honours FileTree in the folder `path` ("" or a plain path, from the server's root)."""

    def __init__(self, client: NfsClient, path: str, url: str) -> None:
        self._client, self._path = client, safe_path(path) if path else ""
        self.url = url
        self.traits = StoreTraits(granule=REQUEST, read_size=16 << 20)
        self._folders: dict[str, bytes] = {}
        self._request = 0
        self._mounting = threading.RLock()

    # handles

    def _root(self, *, make: bool = False) -> bytes:
        with self._mounting:
            if "" not in self._folders:
                handle, below = self._client.mount(f"/{self._path}")
                for name in filter(None, below.split("/")):
                    handle = self._entered(handle, name, make=make)
                self._request = min(REQUEST, *self._client.sizes(handle))
                self._folders[""] = handle
            return self._folders[""]

    def _entered(self, folder: bytes, name: str, *, make: bool) -> bytes:
        if make:
            with suppress(FileExistsError):
                self._client.make_folder(folder, name)
        return self._client.lookup(folder, name)[0]

    def _folder(self, path: str) -> bytes:
        if path not in self._folders:
            if not path:
                return self._root()
            above, _, name = path.rpartition("/")
            handle, seen = self._client.lookup(self._folder(above), name)
            if seen.kind != DIRECTORY:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
            self._folders[path] = handle
        return self._folders[path]

    def _place(self, path: str) -> tuple[bytes, str]:
        above, _, name = path.rpartition("/")
        return self._folder(above), name

    def _forget(self, path: str = "") -> None:
        kept = {one: handle for one, handle in self._folders.items() if path and not f"{one}/".startswith(f"{path}/")}
        self._folders = kept

    def _fresh(self, work: Callable[[], _T]) -> _T:
        """Do `work`; when it fails by handles that are remembered, once more without them.

        A stale handle may be the export's own. A folder that was removed and made again, which its old handle does not show as
        long as the server has it open, is the reason why nothing is believed to be missing before it was looked for anew.
        """
        try:
            return work()
        except OSError as error:
            if error.errno == STALE:
                self._forget()
            elif error.errno == errno.ENOENT and len(self._folders) > 1:
                self._folders = {"": self._root()}
            else:
                raise
            return work()

    # the folder itself

    def make(self) -> None:
        """Make the folder and its parents below what the server exports."""
        self._root(make=True)

    def require(self) -> None:
        """StoreUnavailable unless the folder is there."""
        try:
            self._fresh(lambda: self._client.attributes(self._root()))
        except (FileNotFoundError, NotADirectoryError) as missing:
            raise StoreUnavailable(
                f"The folder {self.url} is not there.",
                hint="Create the repository again, or look at what became of it on the server.",
                url=self.url,
            ) from missing

    def check(self, path: str) -> None:
        """StoreError for what is no plain path. No symbolic link is ever followed."""
        safe_path(path)

    # looking and reading

    def look(self, path: str) -> Seen | None:
        """What is at `path`."""
        try:
            return _seen(path.rpartition("/")[2], self._fresh(lambda: self._found(path))[1])
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _found(self, path: str) -> tuple[bytes, Attributes]:
        if not path:
            return self._root(), self._client.attributes(self._root())
        return self._client.lookup(*self._place(path))

    def scan(self, path: str) -> Iterator[Seen]:
        """Every name in a folder."""
        for name, seen, handle in self._fresh(lambda: list(self._client.names(self._folder(path)))):
            try:
                told = seen or (self._client.attributes(handle) if handle else self._found(f"{path}/{name}")[1])
            except FileNotFoundError:
                continue  # removed since the folder was read
            yield _seen(name, told)

    def read(self, path: str, start: int, length: int) -> tuple[Seen, bytes]:
        """Bytes, and the file they are from."""
        handle, told = self._fresh(lambda: self._found(path))
        if told.kind == DIRECTORY:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        seen = _seen(path.rpartition("/")[2], told)
        return seen, self._file(handle, path).read_at(start, max(0, min(length, seen.size - start)))

    def _file(self, handle: bytes, path: str) -> NfsFile:
        return NfsFile(self._client, handle, f"{self.url}/{path}", self._request)

    # writing

    def open(self, path: str, *, create: bool = False) -> NfsFile:
        """An existing file, or a new one."""
        if create:
            return self._file(self._fresh(lambda: self._client.create(*self._place(path))), path)
        return self._file(self._fresh(lambda: self._found(path))[0], path)

    def write_new(self, path: str, data: bytes) -> None:
        """Create a file with `data`, flushed."""
        file = self.open(path, create=True)
        try:
            file.write_at(0, data)
            file.sync()
        finally:
            file.close()

    def make_folders(self, path: str) -> None:
        """Create a folder and its parents below this tree's own."""
        make_missing_folders(self, path)

    def add_folder(self, path: str) -> None:
        """Create one folder."""
        self._fresh(lambda: self._client.make_folder(*self._place(path)))

    def put_new(self, aside: str, final: str, data: bytes) -> None:
        """Write, flush, and name: a server answers only when names are durable."""
        put_step_by_step(self, aside, final, data, self._name_new)

    def flush_names(self, folder: str) -> None:
        """Nothing is left to flush: the server did (RFC 1813, section 4.8)."""

    def remove(self, path: str) -> None:
        """Remove a file."""
        with suppress(FileNotFoundError, NotADirectoryError):
            self._fresh(lambda: self._client.remove(*self._place(path)))

    def drop(self, path: str) -> None:
        """Remove a file."""
        self.remove(path)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        self._client.remove_folder(*self._place(path))
        self._forget(path)

    def place_new(self, source: str, final: str) -> None:
        """Rename, create-only. RENAME replaces what is there, so a second name is made, which LINK never puts over another, and
        the first one removed; where the server has no hard links, a lock file keeps other isomanagers away meanwhile."""
        if self.same(source, final) or self._name_new(source, final):
            self.remove(source)

    def _name_new(self, source: str, final: str) -> bool:
        """Give it the name; whether it has the old one as well."""
        try:
            self._fresh(lambda: self._client.link(self._found(source)[0], *self._place(final)))
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._rename_under_lock(source, final)
            return False
        return True

    def _rename_under_lock(self, source: str, final: str) -> None:
        with _NAMING.setdefault(self.url, threading.Lock()), self._locked():
            if self.look(final) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), final)
            self._client.rename(*self._place(source), *self._place(final))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        until = time.monotonic() + _LOCK_PATIENCE
        while True:
            try:
                self._client.create(*self._place(_LOCK))
                break
            except FileExistsError:
                self._break_old_lock()
                if time.monotonic() > until:
                    raise StoreUnavailable(f"{self.url} is locked by another writer.", hint="Try again.") from None
                time.sleep(0.02)
        try:
            yield
        finally:
            self.remove(_LOCK)

    def _break_old_lock(self) -> None:
        """Its holder needs three round trips; one that is much older died."""
        seen = self.look(_LOCK)
        if seen is not None and time.time() - seen.modified_ns / 1e9 > _LOCK_AGE:
            self.remove(_LOCK)

    def replace(self, source: str, final: str) -> None:
        """Rename over what is there."""
        self._fresh(lambda: self._client.rename(*self._place(source), *self._place(final)))

    def same(self, one: str, other: str) -> bool:
        """Whether both names lead to one file."""
        first, second = self.look(one), self.look(other)
        return first is not None and second is not None and first.identity == second.identity

    def space(self) -> Space:
        """Bytes of the file system, and those this user may still write."""
        total, free = self._fresh(lambda: self._client.space(self._root()))
        return Space(total, free)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


def _seen(name: str, told: Attributes) -> Seen:
    return Seen(name, _KINDS.get(told.kind, Kind.OTHER), told.size, told.modified_ns, f"{told.fileid:x}")
