"""The files below a folder of an SMB share."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import smbclient

from isomanager.errors import StoreUnavailable
from isomanager.storage import smb_changing
from isomanager.storage.contract import Space, StoreTraits
from isomanager.storage.paths import safe_path
from isomanager.storage.smb_changing import FreshFiles
from isomanager.storage.smb_file import SmbFile
from isomanager.storage.smb_looking import look_at, look_at_many, names_elsewhere, names_in, read_at_once
from isomanager.storage.smb_messages import IS_DIRECTORY, IS_REPARSE_POINT, Told
from isomanager.storage.smb_session import SmbSession
from isomanager.storage.smb_share import Elsewhere, SmbShare
from isomanager.storage.tree import Kind, Seen, make_missing_folders, put_step_by_step

_ANY_SHARING = "rwd"
_NO_LINKS = {errno.EOPNOTSUPP, errno.EINVAL, errno.EACCES}
_REPLACING_PATIENCE = 10.0
_NO_SUCH_REQUEST = frozenset({0xC00000BB, 0xC0000010, 0xC0000002, 0xC000000D, 0xC0000022})
"""What a server says that has no second names: NOT_SUPPORTED, INVALID_DEVICE_REQUEST, NOT_IMPLEMENTED, INVALID_PARAMETER,
ACCESS_DENIED ([MS-ERREF] 2.3.1)."""


class SmbTree:
    """Honours FileTree in `folder` ("" or a plain path) of a share."""

    def __init__(self, session: SmbSession, share: str, folder: str, url: str) -> None:
        self._session, self._folder = session, safe_path(folder) if folder else ""
        self._share = SmbShare(session, share)
        self.url = url
        self.traits = StoreTraits(granule=1 << 20, read_size=16 << 20, at_once=8)
        self._links = True

    def _below(self, path: str) -> str:
        return "\\".join(one.replace("/", "\\") for one in (self._folder, path) if one)

    def _at(self, path: str) -> str:
        return self._share.unc(self._below(path))

    def make(self) -> None:
        """Make the folder and its parents; the share itself must be there."""
        if self.look("") is None:
            self._session.require_share(self._share.name)
            parts = self._folder.split("/")
            for depth in range(len(parts)):
                with suppress(FileExistsError):
                    self._session.call(smbclient.mkdir, self._share.unc("\\".join(parts[: depth + 1])))

    def require(self) -> None:
        """StoreUnavailable unless the folder is there."""
        seen = self.look("")
        if seen is None or seen.kind is not Kind.FOLDER:
            self._session.require_share(self._share.name)
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
            return _seen_at_once(name, look_at(self._share, self._below(path)))
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
        """The sizes of those of the files that are there, asked for all at once."""
        asked = {self._below(path): path for path in paths}
        try:
            told: Mapping[str, Told | None] = look_at_many(self._share, [*asked])
        except Elsewhere:
            told = dict.fromkeys(asked)
        found: dict[str, int] = {}
        for below, one in told.items():
            seen = _seen_at_once("", one) if one is not None else self._look_elsewhere(asked[below])
            if seen is not None and seen.kind is Kind.FILE:
                found[asked[below]] = seen.size
        return found

    def scan(self, path: str) -> Iterator[Seen]:
        """Every name in a folder, thousands with each answer."""
        try:
            found = names_in(self._share, self._below(path))
        except Elsewhere:
            found = self._session.call(names_elsewhere, self._at(path))
        return iter([_seen_at_once(one.name, one.told) for one in found])

    def read(self, path: str, start: int, length: int) -> tuple[Seen, bytes]:
        """Bytes, and the file they are from; few of them in one round trip."""
        with suppress(Elsewhere):
            if 0 < length <= self._share.request():
                told, data = read_at_once(self._share, self._below(path), start, length)
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
        try:
            smb_changing.add_folder(self._share, self._below(path))
        except Elsewhere:
            self._session.call(smbclient.mkdir, self._at(path))

    def add_folders(self, paths: Collection[str]) -> dict[str, bool]:
        """Create folders whose parents are there, all at once."""
        asked = {self._below(path): path for path in paths}
        try:
            made = smb_changing.add_folders(self._share, [*asked])
        except Elsewhere:
            return {}
        return {asked[below]: fresh for below, fresh in made.items()}

    def put_together(self, files: Mapping[str, tuple[str, bytes]]) -> set[str]:
        """Write, flush and name several files, a few round trips for all of them; those that have their names."""
        if not self._links:
            return set()
        asked = {self._below(aside): (self._below(final), data) for aside, (final, data) in files.items()}
        try:
            named = FreshFiles(self._share, asked).put()
        except Elsewhere:
            return set()
        if named and set(named.values()) <= _NO_SUCH_REQUEST:
            self._links = False
        return {final for aside, (final, _) in files.items() if named.get(self._below(aside)) == 0}

    def put_new(self, aside: str, final: str, data: bytes) -> None:
        """Write, flush and name; one operation after the other where the server has no second names, or something is in the way."""
        if final not in self.put_together({aside: (final, data)}):
            put_step_by_step(self, aside, final, data, self._name_new)

    def flush_names(self, folder: str) -> None:
        """Nothing is left to flush: there is no such request."""

    def remove(self, path: str) -> None:
        """Remove a file; smbclient removes also what is read-only, or over a link."""
        with suppress(FileNotFoundError, NotADirectoryError):
            try:
                smb_changing.remove(self._share, self._below(path))
            except (Elsewhere, PermissionError):
                self._session.call(smbclient.remove, self._at(path))

    def drop(self, path: str) -> None:
        """Remove a file."""
        self.remove(path)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        try:
            smb_changing.remove(self._share, self._below(path), folder=True)
        except Elsewhere:
            self._session.call(smbclient.rmdir, self._at(path))

    def place_new(self, source: str, final: str) -> None:
        """Rename, create-only: by a second name and removing the first, which no server does in two steps; where there are no
        hard links by a rename that the server is told not to replace anything with."""
        try:
            both = self._name_new(source, final)
        except FileExistsError:
            if not self.same(source, final):
                raise
            both = True
        if both:
            self.remove(source)

    def _name_new(self, source: str, final: str) -> bool:
        """Give it the name; whether it has the old one as well."""
        try:
            self._link(source, final)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._session.call(smbclient.rename, self._at(source), self._at(final))
            return False
        return True

    def _link(self, source: str, final: str) -> None:
        try:
            smb_changing.link(self._share, self._below(source), self._below(final))
        except Elsewhere:
            self._session.call(smbclient.link, self._at(source), self._at(final))

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
    if attributes & IS_REPARSE_POINT:
        return Kind.OTHER
    return Kind.FOLDER if attributes & IS_DIRECTORY else Kind.FILE


def _seen_at_once(name: str, told: Told) -> Seen:
    return Seen(name, _kind(told.attributes), told.size, told.modified_ns, f"{told.number:x}")


def _seen(name: str, told: Any) -> Seen:
    """Times to the microsecond: listings give no more, and an etag must be the same in both."""
    kind = Kind.FOLDER if stat.S_ISDIR(told.st_mode) else Kind.FILE if stat.S_ISREG(told.st_mode) else Kind.OTHER
    return Seen(name, kind, told.st_size, told.st_mtime_ns // 1000 * 1000, f"{told.st_ino:x}")
