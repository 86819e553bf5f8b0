"""Repositories: made known only after they have shown that they can be written to."""

from __future__ import annotations

import re

from isomanager.errors import UsageError
from isomanager.library.opening import Library
from isomanager.model import RepositoryRecord
from isomanager.storage.contract import INTERNAL
from isomanager.storage.opening import open_store

_PROBE = f"{INTERNAL}/probe"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def add_repository(
    library: Library, name: str, url: str, layout: str = "default", description: str = ""
) -> RepositoryRecord:
    """Make a repository known under `name`. Raises UsageError for a name that is none, StoreError when it cannot be used."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no name for a repository.", hint="Use lower-case letters, digits and dashes.")
    store = open_store(url, create=True)
    store.replace_small(_PROBE, b"isomanager was here\n")
    store.delete(_PROBE)
    return library.inventory.add_repository(
        RepositoryRecord(name=name, url=url, layout=layout, description=description, created_at=library.now())
    )
