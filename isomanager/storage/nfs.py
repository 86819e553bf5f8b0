"""A repository on an NFS export, and the way there from its address: mounted by the system, or spoken to directly."""

from __future__ import annotations

from dataclasses import replace

from isomanager.errors import ConfigurationError
from isomanager.storage.addresses import Address, read_address
from isomanager.storage.mount_table import current_mounts
from isomanager.storage.nfs_client import NfsAccess, NfsClient
from isomanager.storage.nfs_mounted import MountedTree, Mounts, folder_of_export
from isomanager.storage.nfs_tree import NfsTree
from isomanager.storage.tree_store import TreeStore

EXAMPLE = "nfs://server/export/folder"
MODES = ("auto", "mounted", "direct")
_NUMBERS = ("uid", "gid", "mountport")
_OPTIONS = frozenset({"mode", *_NUMBERS})


class NfsStore(TreeStore):
    """Honours the Store contract on an export; `mode` says which of the two ways is used."""

    def __init__(self, tree: MountedTree | NfsTree, *, create: bool) -> None:
        self.mode = "direct" if isinstance(tree, NfsTree) else "mounted"
        self._way = tree
        super().__init__(tree, create=create)

    @property
    def folder(self) -> MountedTree | None:
        """The folder where the system has mounted it."""
        return self._way if isinstance(self._way, MountedTree) else None

    def close(self) -> None:
        """Let go of a connection of its own."""
        if isinstance(self._way, NfsTree):
            self._way.close()


def open_nfs(
    url: str, *, create: bool, access: NfsAccess | None = None, mode: str = "", mounts: Mounts = current_mounts
) -> NfsStore:
    """The repository at `url`: `nfs://server[:port]/export/folder`, with `?mode=`, `?uid=`, `?gid=`, `?mountport=` where they are
    needed, as libnfs writes them.

    `auto`, the default, uses the system's mount where there is one and speaks to the server directly where there is none.
    ConfigurationError for what is no such address, StoreUnavailable for `mounted` when it is not.
    """
    address = read_address(url, EXAMPLE, options=_OPTIONS)
    mode = mode or address.option("mode", "auto")
    if mode not in MODES:
        raise ConfigurationError(f"'{mode}' is no way to an NFS export.", hint=f"There are {', '.join(MODES)}.")
    if mode == "mounted" or (mode == "auto" and folder_of_export(address, mounts()) is not None):
        return NfsStore(MountedTree(address, mounts), create=create)
    client = NfsClient(address.host, _access(address, access or NfsAccess()))
    return NfsStore(NfsTree(client, address.path, str(address)), create=create)


def _access(address: Address, access: NfsAccess) -> NfsAccess:
    told = {name: _number(address, name) for name in _NUMBERS}
    return replace(
        access,
        uid=access.uid if told["uid"] is None else told["uid"],
        gid=access.gid if told["gid"] is None else told["gid"],
        port=address.port or access.port,
        mount_port=told["mountport"] or access.mount_port,
    )


def _number(address: Address, name: str) -> int | None:
    value = address.option(name)
    if not value:
        return None
    if not value.isdecimal() or int(value) > 0xFFFFFFFE:
        raise ConfigurationError(f"'{value}' is no number for {name}.", hint=f"Write it like {EXAMPLE}?{name}=1000.")
    return int(value)
