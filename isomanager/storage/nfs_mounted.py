"""An NFS export that the system has mounted (`mode=mounted`): used only while the mount table shows that export there, so that
the empty folder beneath a mount point is neither taken for an empty repository nor filled."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

from isomanager.errors import StoreUnavailable
from isomanager.storage.addresses import Address
from isomanager.storage.local_tree import LocalTree
from isomanager.storage.mount_table import Mount, current_mounts
from isomanager.storage.nfs_client import STALE

_KINDS = {"nfs", "nfs4"}
_PATIENCE = 20.0
"""Seconds for a look at the mount: a hard mount whose server is gone waits for ever."""

Mounts = Callable[[], Sequence[Mount]]


def folder_of_export(address: Address, mounts: Iterable[Mount]) -> Path | None:
    """Where the export's folder is on this machine, by its deepest mount that is not covered by another one; None when it is
    not mounted."""
    wanted, table = PurePosixPath("/", address.path), list(mounts)
    found: dict[int, Path] = {}
    for number, mount in enumerate(table):
        if mount.kind not in _KINDS or any(later.point == mount.point for later in table[number + 1 :]):
            continue
        host, _, export = mount.source.rpartition(":")
        seen = _inside(PurePosixPath(export or "/"), mount.root)
        if wanted.is_relative_to(seen) and _same_host(host, address.host):
            found[len(seen.parts)] = Path(mount.point) / wanted.relative_to(seen)
    return found[max(found)] if found else None


def _inside(export: PurePosixPath, root: PurePosixPath) -> PurePosixPath:
    """What of the server is seen at a mount: NFS shows a mounted subfolder as its root."""
    return export / root.relative_to("/")


def _same_host(one: str, other: str) -> bool:
    first, second = one.strip("[]").lower(), other.strip("[]").lower()
    return first == second or bool(_addresses(first) & _addresses(second))


def _addresses(host: str) -> set[str]:
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    except OSError:
        return set()


class MountedTree(LocalTree):
    """Honours FileTree in the folder where `address` is mounted, and only while it is. `patience`: seconds for a look at it."""

    def __init__(self, address: Address, mounts: Mounts = current_mounts, *, patience: float = _PATIENCE) -> None:
        found = folder_of_export(address, mounts())
        if found is None:
            raise not_mounted(address)
        self._address, self._mounts, self._patience = address, mounts, patience
        super().__init__(found)

    def make(self) -> None:
        """Make the folder below the mount point; never the mount point itself."""
        self._require_mounted()
        super().make()

    def require(self) -> None:
        """StoreUnavailable unless the export is mounted there, answers, and has the folder."""
        self._require_mounted()
        wrong = _looked_at(self.root, self._patience)
        if isinstance(wrong, OSError) and wrong.errno == STALE:
            raise StoreUnavailable(
                f"{self.root} is a stale NFS mount: the server no longer knows the folder that was mounted.",
                hint=f"Mount it again: umount -l, then mount {self._address.host}:/{self._address.path}.",
                url=self.url,
            ) from wrong
        if isinstance(wrong, TimeoutError):
            raise StoreUnavailable(
                f"{self.root} does not answer: its NFS server {self._address.host} is not there.",
                hint="Bring the server back; a hard mount goes on by itself then.",
                url=self.url,
            ) from wrong
        super().require()

    def _require_mounted(self) -> None:
        if folder_of_export(self._address, self._mounts()) != self.root:
            raise not_mounted(self._address)


def not_mounted(address: Address) -> StoreUnavailable:
    """The error of an export that the mount table does not show."""
    export = f"{address.host}:/{address.path}"
    return StoreUnavailable(
        f"{export} is not mounted on this machine: its mount table shows no NFS mount of it.",
        hint=f"Mount it (mount -t nfs {export} FOLDER), or use ?mode=direct, which needs no mount.",
        url=str(address),
    )


def _looked_at(folder: Path, patience: float) -> Exception | None:
    """What looking at the folder raised; TimeoutError when it took too long. The thread that waits then is left behind: no
    program can end the waiting for a hard mount."""
    told: list[Exception | None] = []

    def look() -> None:
        try:
            os.stat(folder)  # noqa: PTH116 - Path.stat does the same, and hides nothing here
            told.append(None)
        except OSError as wrong:
            told.append(wrong)

    looking = threading.Thread(target=look, name="nfs-mount", daemon=True)
    looking.start()
    looking.join(patience)
    return told[0] if told else TimeoutError(f"{folder} does not answer")
