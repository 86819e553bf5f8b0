"""Sites: naming a set of repositories."""

from __future__ import annotations

from isomanager.errors import UsageError
from isomanager.library.opening import Library
from isomanager.library.repositories import is_name
from isomanager.model import Site


def add_site(library: Library, name: str, repositories: tuple[str, ...], description: str = "") -> Site:
    """The site, kept. UsageError for a name that is none; InventoryError as `Inventory.add_site` says."""
    if not is_name(name):
        raise UsageError(f"'{name}' is no name for a site.", hint="Use lower-case letters, digits and dashes.")
    kept = tuple(dict.fromkeys(repositories))
    return library.inventory.add_site(
        Site(name=name, repositories=kept, description=description, created_at=library.now())
    )
