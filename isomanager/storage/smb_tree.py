"""The files below a folder of an SMB share."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import smbclient

from isomanager.errors import StoreUnavailable
from isomanager.storage.contract import Space, StoreTraits
from isomanager.storage.paths import safe_path
from isomanager.storage.smb_compound import FreshFile, name_of, names_in
from isomanager.storage.smb_errors import smb_errors
from isomanager.storage.smb_file import REQUEST, SmbFile
from isomanager.storage.smb_looking import Elsewhere, Told, look_at, read_at_once, size_and_attributes
from isomanager.storage.smb_session import SmbSession
from isomanager.storage.tree import Kind, Seen, make_missing_folders, put_step_by_step
from isomanager.storage.tree_batch import together

_DIRECTORY, _REPARSE_POINT = 0x10, 0x400  # [MS-FSCC] 2.6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ANY_SHARING = "rwd"
_NO_LINKS = {errno.EOPNOTSUPP, errno.EINVAL, errno.EACCES}
_REPLACING_PATIENCE = 10.0
_TOLD = ("last_write_time", "file_attributes", "end_of_file", "file_id")


class SmbTree:
    """Honours FileTree in `folder` ("" or a plain path) of a share."""

    def __init__(self, session: SmbSession, share: str, folder: str, url: str) -> None:
        self._session, self._share, self._folder = session, share, safe_path(folder) if folder else ""
        self.url = url
        self.traits = StoreTraits(granule=1 << 20, read_size=16 << 20, at_once=8)
        self._links = True

    def _at(self, path: str) -> str:
        return self._unc("/".join(one for one in (self._folder, path) if one))

    def _unc(self, below: str) -> str:
        parts = below.split("/") if below else []
        return "\\".join([f"\\\\{self._session.server}\\{self._share}", *parts])

    def make(self) -> None:
        """Make the folder and its parents; the share itself must be there."""
        if self.look("") is None:
            self._session.require_share(self._share)
            parts = self._folder.split("/")
            for depth in range(len(parts)):
                with suppress(FileExistsError):
                    self._session.call(smbclient.mkdir, self._unc("/".join(parts[: depth + 1])))

    def require(self) -> None:
        """StoreUnavailable unless the folder is there."""
        seen = self.look("")
        if seen is None or seen.kind is not Kind.FOLDER:
            self._session.require_share(self._share)
            raise StoreUnavailable(
                f"The folder {self.url} is not there.",
                hint="Create the repository again, or look at what became of it on the server.",
                url=self.url,
            )

    def check(self, path: str) -> None:
        """StoreError for what is no plain path."""
        safe_path(path)

    def look(self, path: str) -> Seen | None:
        """What is at `path`."""
        name = path.rpartition("/")[2]
        try:
            return _seen_at_once(name, self._session.call(look_at, self._at(path)))
        except Elsewhere:
            return self._look_elsewhere(path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _look_elsewhere(self, path: str) -> Seen | None:
        try:
            told = self._session.call(smbclient.stat, self._at(path), follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _seen(path.rpartition("/")[2], told)

    def sizes(self, paths: Collection[str]) -> dict[str, int]:
        """The sizes of those of the files that are there, a round trip each, several at once."""
        found: dict[str, int] = {}

        def look(path: str) -> None:
            try:
                size, attributes = self._session.call(size_and_attributes, self._at(path))
            except (Elsewhere, FileNotFoundError, NotADirectoryError) as wrong:
                seen = self._look_elsewhere(path) if isinstance(wrong, Elsewhere) else None
                size, kind = (seen.size, seen.kind) if seen is not None else (0, Kind.OTHER)
            else:
                kind = _kind(attributes)
            if kind is Kind.FILE:
                found[path] = size

        together(self.traits.at_once, look, paths)
        return found

    def scan(self, path: str) -> Iterator[Seen]:
        """Every name in a folder, hundreds with each answer."""
        with smb_errors(self._session.told):
            found = list(names_in(self._at(path), **self._session.arguments()))
        for told in found:
            info = {name: told[name].get_value() for name in _TOLD}
            modified = (info["last_write_time"] - _EPOCH) // timedelta(microseconds=1) * 1000
            yield Seen(
                name_of(told), _kind(info["file_attributes"]), info["end_of_file"], modified, f"{info['file_id']:x}"
            )

    def read(self, path: str, start: int, length: int) -> tuple[Seen, bytes]:
        """Bytes, and the file they are from; few of them in one round trip."""
        if 0 < length <= REQUEST:
            with suppress(Elsewhere):
                told, data = self._session.call(read_at_once, self._at(path), start, length)
                return _seen_at_once(path.rpartition("/")[2], told), data
        with self._opened(path, "rb") as file:
            seen = self.look(path)  # the open handle keeps the name from being given to other bytes meanwhile
            if seen is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            return seen, file.read_at(start, max(0, min(length, seen.size - start)))

    @contextmanager
    def _opened(self, path: str, mode: str) -> Iterator[SmbFile]:
        file = self._open(path, mode)
        try:
            yield file
        finally:
            file.close()

    def _open(self, path: str, mode: str) -> SmbFile:
        raw: Any = self._session.call(
            smbclient.open_file, self._at(path), mode=mode, buffering=0, share_access=_ANY_SHARING
        )
        return SmbFile(self._session, raw, f"{self.url}/{path}")

    def open(self, path: str, *, create: bool = False) -> SmbFile:
        """An existing file, or a new one."""
        return self._open(path, "x+b" if create else "r+b")

    def write_new(self, path: str, data: bytes) -> None:
        """Create a file with `data`, flushed."""
        with self._opened(path, "xb") as file:
            file.write_at(0, data)
            file.sync()

    def make_folders(self, path: str) -> None:
        """Create a folder and its parents below this tree's own."""
        make_missing_folders(self, path)

    def add_folder(self, path: str) -> None:
        """Create one folder."""
        self._session.call(smbclient.mkdir, self._at(path))

    def put_new(self, aside: str, final: str, data: bytes) -> None:
        """Write, flush and name: two round trips for what fits into one request; for more, or where the server has no second
        names, one operation after the other."""
        if len(data) > REQUEST or not self._links:
            put_step_by_step(self, aside, final, data, self._name_new)
            return
        below_share = "\\".join(self._at(final).split("\\")[4:])
        fresh = self._session.call(FreshFile, self._at(aside), data)
        try:
            with smb_errors(self._session.told):
                fresh.name(below_share)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._links = False
            put_step_by_step(self, aside, final, data, self._name_new)

    def flush_names(self, folder: str) -> None:
        """Nothing is left to flush: there is no such request."""

    def remove(self, path: str) -> None:
        """Remove a file."""
        try:
            self._session.call(smbclient.remove, self._at(path))
        except (FileNotFoundError, NotADirectoryError):
            return

    def drop(self, path: str) -> None:
        """Remove a file."""
        self.remove(path)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        self._session.call(smbclient.rmdir, self._at(path))

    def place_new(self, source: str, final: str) -> None:
        """Rename, create-only: by a second name and removing the first, which no server does in two steps; where there are no
        hard links by a rename that the server is told not to replace anything with."""
        if self.same(source, final) or self._name_new(source, final):
            self.remove(source)

    def _name_new(self, source: str, final: str) -> bool:
        """Give it the name; whether it has the old one as well."""
        try:
            self._session.call(smbclient.link, self._at(source), self._at(final))
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._session.call(smbclient.rename, self._at(source), self._at(final))
            return False
        return True

    def replace(self, source: str, final: str) -> None:
        """Rename over what is there. A server refuses that while anyone has the old file open: it is asked again for a while."""
        until = time.monotonic() + _REPLACING_PATIENCE
        while True:
            try:
                self._session.call(smbclient.replace, self._at(source), self._at(final))
                return
            except PermissionError:
                if time.monotonic() > until or self.look(final) is None:
                    raise
                time.sleep(0.2)

    def same(self, one: str, other: str) -> bool:
        """Whether both names lead to one file."""
        first, second = self.look(one), self.look(other)
        return first is not None and second is not None and first.identity == second.identity

    def space(self) -> Space:
        """Bytes that this user may still write, and bytes of the whole volume."""
        told = self._session.call(smbclient.stat_volume, self._at(""))
        return Space(told.total_size, told.caller_available_size)


def _kind(attributes: int) -> Kind:
    if attributes & _REPARSE_POINT:
        return Kind.OTHER
    return Kind.FOLDER if attributes & _DIRECTORY else Kind.FILE


def _seen_at_once(name: str, told: Told) -> Seen:
    return Seen(name, _kind(told.attributes), told.size, told.modified_ns, f"{told.number:x}")


def _seen(name: str, told: Any) -> Seen:
    """Times to the microsecond: listings give no more, and an etag must be the same in both."""
    kind = Kind.FOLDER if stat.S_ISDIR(told.st_mode) else Kind.FILE if stat.S_ISREG(told.st_mode) else Kind.OTHER
    return Seen(name, kind, told.st_size, told.st_mtime_ns // 1000 * 1000, f"{told.st_ino:x}")
