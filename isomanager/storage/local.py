"""A repository in a folder: local disk, or any share the system has mounted."""

from __future__ import annotations

from pathlib import Path

from isomanager.storage.local_tree import LocalTree
from isomanager.storage.tree_store import TreeStore


class LocalStore(TreeStore):
    """Honours the Store contract in the folder `root`; `create` makes the folder."""

    def __init__(self, root: Path, *, create: bool = True) -> None:
        self._folder = LocalTree(root)
        super().__init__(self._folder, create=create)

    @property
    def root(self) -> Path:
        """The folder."""
        return self._folder.root
