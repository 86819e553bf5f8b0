"""A repository in a folder: local disk, or any share the system has mounted."""

from __future__ import annotations

import errno
from functools import partial
from pathlib import Path

from isomanager.storage.contract import Validators
from isomanager.storage.local_tree import LocalTree
from isomanager.storage.os_failures import store_errors
from isomanager.storage.paths import final_path
from isomanager.storage.resuming import PartialNote
from isomanager.storage.sources import StoredFile
from isomanager.storage.tree_partial import TreePartial
from isomanager.storage.tree_store import TreeStore

_CANNOT = frozenset(
    {errno.EXDEV, errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EPERM, errno.EMLINK, errno.ENOSYS, errno.ETXTBSY}
)
"""What a filesystem answers that has no links, no shared blocks, or not between these two places."""


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

    @property
    def root(self) -> Path:
        """The folder."""
        return self._folder.root
