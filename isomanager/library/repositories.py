"""Repositories: made known only after they have shown that they can be used."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from isomanager.errors import StoreError, UsageError
from isomanager.library.mounting import holds_images, take_folder
from isomanager.library.opening import Library
from isomanager.model import RepositoryRecord
from isomanager.settings import absolute_address
from isomanager.storage.addresses import refuse_password
from isomanager.storage.checking import StoreCheck, check_place, check_store
from isomanager.storage.contract import Store
from isomanager.storage.layout_checking import check_layout
from isomanager.storage.opening import is_within, open_store

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def add_repository(
    library: Library, name: str, url: str, layout: str = "", description: str = "", *, new_disk: bool = False
) -> RepositoryRecord:
    """Make a repository known under `name`; one that is known already stays as it is, but for a new description. `new_disk`: its
    folder is taken though nothing of what is known is there, for its disk was replaced by an empty one.

    Raises UsageError for a name that is none, for a place that another repository has or lies in, and for another layout than a
    known one has; ConfigurationError for an address that is none, StoreError or StoreUnavailable when it cannot be used.
    """
    if not is_name(name):
        raise UsageError(f"'{name}' is no name for a repository.", hint="Use lower-case letters, digits and dashes.")
    check_layout(layout or "default")
    url = absolute_address(url)
    refuse_password(url)
    _require_own_place(library, name, url)
    is_new = new_disk or not _is_held(library, name, url)
    store = open_store(url, create=True) if is_new else library.store(name)
    require_usable(store, library.now)
    if is_new:
        take_folder(store)
    wanted = RepositoryRecord(
        name=name, url=url, layout=layout or "default", description=description, created_at=library.now()
    )
    known = library.inventory.add_repository(wanted)
    if layout and known.layout != layout:
        told = f"The repository {name} is already there, with the layout {known.layout}."
        raise UsageError(told, hint=f"Its images have to move: isomanager repository layout {name} LAYOUT")
    if description and known.description != description:
        return library.inventory.update_repository(known.model_copy(update={"description": description}))
    return known


def _is_held(library: Library, name: str, url: str) -> bool:
    """Whether it is known, with images in it."""
    known = any((one.name, one.url) == (name, url) for one in library.inventory.repositories())
    return known and holds_images(library.inventory, name)


def _require_own_place(library: Library, name: str, url: str) -> None:
    """Two repositories in one place would take each other's files for their own, and let go of them."""
    for other in library.inventory.repositories():
        if other.name != name and is_within(url, other.url):
            told = f"{url} is in the place of the repository {other.name}, {other.url}."
            raise UsageError(told, hint="Give each repository a place of its own.", repository=other.name)
        if other.name != name and is_within(other.url, url):
            told = f"The repository {other.name} is in {url}, at {other.url}."
            raise UsageError(told, hint="Give each repository a place of its own.", repository=other.name)


def require_usable(store: Store, now: Callable[[], datetime]) -> StoreCheck:
    """What came of trying the store; StoreError with the first thing that is wrong."""
    checked = check_store(store, now)
    failed = next((step for step in checked.steps if not step.ok), None)
    if failed is not None:
        raise StoreError(f"{checked.url} cannot be a repository: {failed.told}", code=failed.code, url=checked.url)
    return checked


def is_name(text: str) -> bool:
    """Whether something may be called so: lower-case letters, digits and dashes."""
    return _NAME.fullmatch(text) is not None


def check_repository(library: Library, name: str) -> StoreCheck:
    """Try everything that the repository `name` needs. InventoryError when there is none of that name."""
    url = library.inventory.repository(name).url
    return check_place(url, lambda: library.store(name), library.now)
