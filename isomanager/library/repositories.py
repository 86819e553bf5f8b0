"""Repositories: made known only after they have shown that they can be used."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from isomanager.errors import StoreError, UsageError
from isomanager.library.opening import Library
from isomanager.model import RepositoryRecord
from isomanager.settings import absolute_address
from isomanager.storage.addresses import refuse_password
from isomanager.storage.checking import StoreCheck, check_place, check_store
from isomanager.storage.contract import Store
from isomanager.storage.layout import check_layout
from isomanager.storage.opening import open_store

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def add_repository(
    library: Library, name: str, url: str, layout: str = "default", description: str = ""
) -> RepositoryRecord:
    """Make a repository known under `name`. Raises UsageError for a name that is none, ConfigurationError for an address that
    is none, StoreError or StoreUnavailable when it cannot be used."""
    if not is_name(name):
        raise UsageError(f"'{name}' is no name for a repository.", hint="Use lower-case letters, digits and dashes.")
    check_layout(layout)
    url = absolute_address(url)
    refuse_password(url)
    require_usable(open_store(url, create=True), library.now)
    return library.inventory.add_repository(
        RepositoryRecord(name=name, url=url, layout=layout, description=description, created_at=library.now())
    )


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
    return check_place(url, lambda: open_store(url), library.now)
