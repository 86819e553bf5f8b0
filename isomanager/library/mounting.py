"""Repositories in folders: a disk that is not mounted is told from an empty repository by a mark that lies in each.

Beneath its mount point is another folder, mostly an empty one. What would be written there would fill the disk of the system, and
whatever the repository holds would be missing.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from isomanager.errors import IsoManagerError, StoreUnavailable
from isomanager.model import CopyState
from isomanager.storage.contract import Store
from isomanager.storage.marking import Folder, InFolder
from isomanager.storage.os_failures import store_errors

if TYPE_CHECKING:
    from isomanager.inventory.inventory import Inventory

_THERE = frozenset({CopyState.HELD, CopyState.SUSPECT, CopyState.RETIRING, CopyState.RESTORING})
"""States of copies that have a file, or had one."""
_AT_ONCE = 100
"""Files looked for; the first that is there ends the looking."""


def watched(inventory: Inventory, repository: str, store: Store) -> Store:
    """The `store`, which refuses everything from now on (StoreUnavailable, `not-mounted`) while the repository is not in it.

    One that has no mark, for it is older than marks are, or was brought back from a backup without them, gets one when a file that
    the inventory knows is there. One that holds nothing, and has no mark, is not watched: there is nothing that could be missing.
    """
    folder = _folder_of(store)
    if folder is not None and (_is_marked(folder) or _is_recognised(inventory, repository, store)):
        folder.expect(repository)
    return store


def take_folder(store: Store) -> None:
    """Mark the folder that `store` is in as a repository: a new one, or an empty disk in place of another.

    StoreError when it cannot be written to.
    """
    folder = _folder_of(store)
    if folder is not None:
        with store_errors(f"Marking {store.url} as a repository"):
            folder.mark()


def holds_images(inventory: Inventory, repository: str) -> bool:
    """Whether the inventory knows of files there."""
    return next(inventory.places(repository, _THERE), None) is not None


def _folder_of(store: Store) -> Folder | None:
    return store.folder if isinstance(store, InFolder) else None


def _is_marked(folder: Folder) -> bool:
    try:
        folder.require()
        return folder.is_marked()
    except (OSError, StoreUnavailable):  # whoever uses the store is told
        return False


def _is_recognised(inventory: Inventory, repository: str, store: Store) -> bool:
    """Whether the repository is known to hold something, and so must be watched; marked if it is seen to be there."""
    known = inventory.places(repository, _THERE)
    some = list(islice(known, _AT_ONCE))
    if not some:
        return False
    try:
        while some and not store.sizes(some):
            some = list(islice(known, _AT_ONCE))
        if some:
            take_folder(store)
    except StoreUnavailable:  # whoever uses the store is told
        return True
    except IsoManagerError:  # it is there and cannot be written to: a mark waits until it can
        return False
    return True
