"""NFS version 3 and its MOUNT protocol (RFC 1813): the calls that a repository needs, each one round trip."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from isomanager.errors import StoreError, StoreUnavailable
from isomanager.storage.nfs_rpc import RpcConnection, Unpacker, auth_sys, long, number, opaque, text

_NFS, _MOUNT, _PORTMAP = (100003, 3), (100005, 3), (100000, 2)
_GETATTR, _SETATTR, _LOOKUP, _READ, _WRITE, _CREATE, _MKDIR = 1, 2, 3, 6, 7, 8, 9
_REMOVE, _RMDIR, _RENAME, _LINK, _READDIRPLUS, _FSSTAT, _FSINFO, _COMMIT = 12, 13, 14, 15, 17, 18, 19, 21
_TCP, _PORTMAP_PORT, NFS_PORT = 6, 111, 2049
_UNSTABLE, _GUARDED = 0, 1
REGULAR, DIRECTORY = 1, 2
_PAGE = 64 << 10

_ERRNO = {
    1: errno.EPERM, 2: errno.ENOENT, 5: errno.EIO, 6: errno.ENXIO, 13: errno.EACCES, 17: errno.EEXIST, 18: errno.EXDEV,
    19: errno.ENODEV, 20: errno.ENOTDIR, 21: errno.EISDIR, 22: errno.EINVAL, 27: errno.EFBIG, 28: errno.ENOSPC,
    30: errno.EROFS, 31: errno.EMLINK, 63: errno.ENAMETOOLONG, 66: errno.ENOTEMPTY,
    69: getattr(errno, "EDQUOT", errno.ENOSPC), 70: getattr(errno, "ESTALE", errno.EIO),
    10001: getattr(errno, "ESTALE", errno.EIO), 10004: errno.EOPNOTSUPP, 10006: errno.EIO,
}  # fmt: skip
"""nfsstat3 (RFC 1813, section 2.6) as errno."""
_JUKEBOX = 10008
"""The server works on it and asks to be asked again later."""
_UMASK = 0o022
"""A process cannot ask for its own without changing it for a moment."""
STALE = getattr(errno, "ESTALE", errno.EIO)


@dataclass(frozen=True)
class Attributes:
    """What the server says of a file (fattr3). Size in bytes, time in nanoseconds since 1970."""

    kind: int
    size: int
    fileid: int
    modified_ns: int


@dataclass(frozen=True)
class NfsAccess:
    """How an export is reached, and as whom: `uid` and `gid` None are those of this process. Times in seconds."""

    uid: int | None = None
    gid: int | None = None
    port: int = 0
    mount_port: int = 0
    connect_timeout: float = 10.0
    answer_timeout: float = 60.0


def _checked(reply: Unpacker) -> Unpacker:
    status = reply.number()
    if status == _JUKEBOX:
        raise StoreUnavailable("The NFS server asks for patience.", hint="The next try continues.")
    if status:
        found = _ERRNO.get(status, errno.EIO)
        raise OSError(found, os.strerror(found))
    return reply


def _attributes(reply: Unpacker) -> Attributes:
    kind = reply.number()
    reply.fixed(16)
    size = reply.long()
    reply.fixed(24)
    fileid = reply.long()
    reply.fixed(8)
    seconds, nanoseconds = reply.number(), reply.number()
    reply.fixed(8)
    return Attributes(kind, size, fileid, seconds * 10**9 + nanoseconds)


def _optional_attributes(reply: Unpacker) -> Attributes | None:
    return _attributes(reply) if reply.number() else None


def _skip_changes(reply: Unpacker) -> None:
    """wcc_data: attributes before and after."""
    if reply.number():
        reply.fixed(24)
    _optional_attributes(reply)


def _new_attributes(mode: int) -> bytes:
    """sattr3 that sets the mode alone."""
    return number(1) + number(mode) + number(0) * 5


class NfsClient:
    """One export, mounted by this process alone. OSError with the server's errno; StoreUnavailable when it does not answer."""

    def __init__(self, host: str, access: NfsAccess) -> None:
        uid = access.uid if access.uid is not None else getattr(os, "geteuid", lambda: 65534)()
        gid = access.gid if access.gid is not None else getattr(os, "getegid", lambda: 65534)()
        self._host, self._access = host, access
        self._credentials = auth_sys(uid, gid)
        self._nfs = self._connection(access.port or NFS_PORT)

    def _connection(self, port: int) -> RpcConnection:
        access = self._access
        return RpcConnection(
            self._host,
            port,
            self._credentials,
            connect_timeout=access.connect_timeout,
            patience=access.answer_timeout,
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._nfs.close()

    # mounting

    def mount(self, path: str) -> tuple[bytes, str]:
        """The handle of the longest beginning of `path` (from its root, with a slash) that the server lets us mount, and what is
        left of the path below it. StoreError when it lets us mount none of it."""
        connection = self._connection(self._mount_port())
        try:
            return self._mounted(connection, path)
        finally:
            connection.close()

    def _mounted(self, connection: RpcConnection, path: str) -> tuple[bytes, str]:
        export, below, refused = path, "", 0
        while True:
            reply = connection.call(*_MOUNT, 1, text(export or "/"))
            status = reply.number()
            if not status:
                return reply.opaque(), below
            refused = status if status in (1, 13) else refused
            if not export.strip("/"):
                break
            export, _, last = export.rpartition("/")
            below = f"{last}/{below}" if below else last
        if refused:
            raise StoreError(
                f"The NFS server {self._host} does not let this machine mount {path}.",
                code="no-permission",
                hint="Its export list must name this machine; for a user who is not root it must say `insecure`.",
            )
        raise StoreError(
            f"The NFS server {self._host} exports nothing at {path}.",
            code="missing",
            hint="`showmount -e` lists what it exports.",
        )

    def _mount_port(self) -> int:
        if self._access.mount_port or self._access.port:
            return self._access.mount_port or self._access.port
        portmap = self._connection(_PORTMAP_PORT)
        try:
            port = portmap.call(*_PORTMAP, 3, b"".join(map(number, (*_MOUNT, _TCP, 0)))).number()
        finally:
            portmap.close()
        if not port:
            raise StoreError(
                f"{self._host} does not serve NFS version 3 mounts.",
                code="configuration",
                hint="Give its port with ?mountport=, or mount the export and use mode=mounted.",
            )
        return port

    def _call(self, procedure: int, arguments: bytes) -> Unpacker:
        return _checked(self._nfs.call(*_NFS, procedure, arguments))

    # looking

    def attributes(self, handle: bytes) -> Attributes:
        """What is behind a handle."""
        return _attributes(self._call(_GETATTR, opaque(handle)))

    def lookup(self, folder: bytes, name: str) -> tuple[bytes, Attributes]:
        """A name in a folder."""
        reply = self._call(_LOOKUP, opaque(folder) + text(name))
        handle = reply.opaque()
        return handle, _optional_attributes(reply) or self.attributes(handle)

    def names(self, folder: bytes) -> Iterator[tuple[str, Attributes | None, bytes]]:
        """Every name in a folder but `.` and `..`, with attributes and handle (b"") where the server gives them."""
        cookie, verifier = 0, bytes(8)
        while True:
            arguments = opaque(folder) + long(cookie) + verifier + number(_PAGE) + number(_PAGE * 8)
            reply = self._call(_READDIRPLUS, arguments)
            _optional_attributes(reply)
            verifier = reply.fixed(8)
            while reply.number():
                reply.long()
                name, cookie = reply.text(), reply.long()
                seen = _optional_attributes(reply)
                handle = reply.opaque() if reply.number() else b""
                if name not in (".", ".."):
                    yield name, seen, handle
            if reply.number():
                return

    def sizes(self, root: bytes) -> tuple[int, int]:
        """How many bytes one read and one write may carry."""
        reply = self._call(_FSINFO, opaque(root))
        _optional_attributes(reply)
        read_most = reply.number()
        reply.fixed(8)
        return read_most, reply.number()

    def space(self, root: bytes) -> tuple[int, int]:
        """Bytes of the file system, and those free for us."""
        reply = self._call(_FSSTAT, opaque(root))
        _optional_attributes(reply)
        total, _ = reply.long(), reply.long()
        return total, reply.long()

    # bytes

    def begin_read(self, handle: bytes, offset: int, length: int) -> Callable[[], memoryview]:
        """Ask for bytes; what is given back waits for them, none at the end of the file."""
        waiting = self._nfs.send(*_NFS, _READ, opaque(handle) + long(offset) + number(length))

        def answer() -> memoryview:
            reply = _checked(self._nfs.answer(waiting))
            _optional_attributes(reply)
            reply.fixed(8)
            return reply.view()

        return answer

    def begin_write(self, handle: bytes, offset: int, data: bytes | memoryview) -> Callable[[], tuple[int, bytes]]:
        """Send bytes; what is given back waits for how many were taken, and the verifier of the server's present life."""
        arguments = opaque(handle) + long(offset) + number(len(data)) + number(_UNSTABLE)
        waiting = self._nfs.send(*_NFS, _WRITE, arguments, data)

        def answer() -> tuple[int, bytes]:
            reply = _checked(self._nfs.answer(waiting))
            _skip_changes(reply)
            count = reply.number()
            reply.number()
            return count, reply.fixed(8)

        return answer

    def begin_commit(self, handle: bytes) -> Callable[[], bytes]:
        """Ask for everything written to be put on the medium; what is given back waits for it, and for the verifier."""
        waiting = self._nfs.send(*_NFS, _COMMIT, opaque(handle) + long(0) + number(0))

        def answer() -> bytes:
            reply = _checked(self._nfs.answer(waiting))
            _skip_changes(reply)
            return reply.fixed(8)

        return answer

    def truncate(self, handle: bytes, size: int) -> None:
        """Set the file's length."""
        attributes = number(0) * 3 + number(1) + long(size) + number(0) * 2
        self._call(_SETATTR, opaque(handle) + attributes + number(0))

    # names

    def create(self, folder: bytes, name: str) -> bytes:
        """A new, empty file; FileExistsError when the name is there."""
        reply = self._call(_CREATE, opaque(folder) + text(name) + number(_GUARDED) + _new_attributes(0o666 & ~_UMASK))
        return reply.opaque() if reply.number() else self.lookup(folder, name)[0]

    def make_folder(self, folder: bytes, name: str) -> None:
        """A new folder."""
        self._call(_MKDIR, opaque(folder) + text(name) + _new_attributes(0o777 & ~_UMASK))

    def remove(self, folder: bytes, name: str) -> None:
        """Remove a file's name."""
        self._call(_REMOVE, opaque(folder) + text(name))

    def remove_folder(self, folder: bytes, name: str) -> None:
        """Remove an empty folder."""
        self._call(_RMDIR, opaque(folder) + text(name))

    def rename(self, folder: bytes, name: str, to_folder: bytes, to_name: str) -> None:
        """Rename, over what is there."""
        self._call(_RENAME, opaque(folder) + text(name) + opaque(to_folder) + text(to_name))

    def link(self, handle: bytes, folder: bytes, name: str) -> None:
        """A second name for a file; FileExistsError when the name is there."""
        self._call(_LINK, opaque(handle) + opaque(folder) + text(name))
