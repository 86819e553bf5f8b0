"""Indexes: every repository describes itself, regenerated once a run under a lease."""

from __future__ import annotations

from functools import partial

from isomanager.errors import IsoManagerError
from isomanager.inventory.searching import CopySearch
from isomanager.library.aliasing import point_aliases
from isomanager.library.leasing import leased
from isomanager.library.opening import Library
from isomanager.library.reporting import repository_page
from isomanager.library.site_keys import site_key_file
from isomanager.model import CopyState, Publication
from isomanager.storage.index import write_indexes
from isomanager.trust.site_key import read_site_key


def refresh_indexes(library: Library) -> tuple[str, ...]:
    """Rewrite what changed of inventory.json, SHA256SUMS and its signature, index.html, and what the setting `publications` asks
    for, in every repository; `repository: path` of each.

    A repository that another process is just indexing, or that cannot be reached, is left to the next run and said.
    """
    if not library.settings.auto_update_inventory:
        return ()
    return tuple(told for one in library.inventory.repositories() for told in refresh_index(library, one.name))


def refresh_index(library: Library, repository: str) -> tuple[str, ...]:
    """The same for one repository, whatever the settings say."""
    record = library.inventory.repository(repository)
    try:
        with leased(library, f"indexes:{repository}"):
            pointed = point_aliases(library, repository)
            held = CopySearch(repositories=(repository,), states=(CopyState.HELD,))
            written = write_indexes(
                library.store(repository),
                library.inventory.search(held),
                record,
                partial(repository_page, library, record),
                now=library.now(),
                names=library.product_names,
                key=read_site_key(site_key_file(library)),
                formats=_formats(library, repository),
            )
    except IsoManagerError as wrong:
        return (f"{repository}: the indexes were not rewritten: {wrong}",)
    return tuple(f"{repository}: {path}" for path in (*pointed, *written))


def _formats(library: Library, repository: str) -> tuple[Publication, ...]:
    asked = library.settings.publications
    return tuple(dict.fromkeys([*asked.get("*", ()), *asked.get(repository, ())]))
