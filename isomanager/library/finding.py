"""Find: which held copy a selector means, and where it is."""

from __future__ import annotations

from isomanager.library.opening import Library
from isomanager.model import Copy, CopyState, Selector
from isomanager.storage.contract import Store


def newest_held(library: Library, selector: Selector, repository: str | None = None) -> Copy | None:
    """The newest held copy that fits the selector, anywhere or in one repository; the best proved of several."""
    from isomanager.catalogue.matching import selects

    wanted = library.canonical(selector)
    product = library.catalogue.product(wanted.product)
    fitting = [
        copy
        for copy in library.inventory.copies(repository, states={CopyState.HELD}, product=product.id)
        if selects(product, wanted, copy.title)
    ]
    return max(fitting, key=lambda copy: (copy.title.version, copy.assurance.rank), default=None)


def location(library: Library, copy: Copy) -> str:
    """Where the copy is: a path on this machine, or the repository's address and the path in it."""
    store: Store = library.store(copy.repository)
    return f"{store.url.rstrip('/')}/{copy.path}"
