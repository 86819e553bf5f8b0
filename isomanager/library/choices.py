"""Choices: what forms offer to choose from, from the catalogue and the inventory as they are now."""

from __future__ import annotations

from collections.abc import Iterable

from isomanager.catalogue.product import Product
from isomanager.catalogue.releases import releases
from isomanager.errors import IsoManagerError
from isomanager.inventory.searching import CopySearch
from isomanager.library.opening import Library
from isomanager.model import ARCHITECTURE_ALIASES, CopyState, Value

_MOST_HELD = 300
"""More images than this are not listed one by one in a form: families and products choose them."""
_CHANNEL_WORDS = {"stable": "latest"}


class Choices(Value):
    """Everything that a form may list, sorted.

    `wanted` are the selectors of subscriptions, `held` the titles of images, `trashed` of those that can be brought back.
    """

    families: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    flavors: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    trashed: tuple[str, ...] = ()


def choices(library: Library) -> Choices:
    """What there is to choose from."""
    products, inventory = library.catalogue.products, library.inventory
    held = {(str(one.title), one.title.language) for one in inventory.search(CopySearch())}
    aliases = (alias for ours, theirs in ARCHITECTURE_ALIASES.items() for alias in (ours, *theirs))
    return Choices(
        families=_sorted(one.family.value for one in products),
        products=_sorted(one.id for one in products),
        flavors=_sorted(flavor for one in products for flavor in one.flavors),
        architectures=_sorted((*aliases, *(name for one in products for name in one.architectures))),
        languages=_sorted(
            (*(name for one in products for name in _languages(one)), *(language for _, language in held))
        ),
        repositories=tuple(one.name for one in inventory.repositories()),
        sites=_sorted(one.name for one in inventory.sites()),
        wanted=_sorted(str(one.selector) for one in inventory.subscriptions()),
        held=_titles(title for title, _ in held),
        trashed=_titles(str(one.title) for one in inventory.search(CopySearch(states=(CopyState.TRASHED,)))),
    )


def _titles(found: Iterable[str]) -> tuple[str, ...]:
    titles = _sorted(found)
    return titles if len(titles) <= _MOST_HELD else ()


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if name}))


def _languages(product: Product) -> Iterable[str]:
    return (name for ours, theirs in product.map.language.items() for name in (ours, *theirs))


def products_of(library: Library, family: str) -> tuple[Product, ...]:
    """The products of a family of which something can be fetched, by id."""
    found = (one for one in library.catalogue.products if one.family.value == family and one.offers)
    return tuple(sorted(found, key=lambda one: one.id))


def languages_of(product: Product) -> tuple[str, ...]:
    """The product's languages, its default first; none for a product that comes in one only."""
    return tuple(dict.fromkeys(filter(None, (product.default_language, *sorted(product.map.language)))))


def versions_of(library: Library, product: Product) -> tuple[str, ...]:
    """What may stand behind the @ of a selector: channels, code names, and the releases that the vendor lists, newest first.

    A vendor that does not answer lists none; `latest` is always there.
    """
    channels = ("latest", *(one for one in product.channels if one not in _CHANNEL_WORDS))
    try:
        listed = sorted(releases(product, library.documents(product)), key=lambda one: one.version, reverse=True)
    except IsoManagerError:
        listed = []
    return tuple(dict.fromkeys((*channels, *(str(one.version) for one in listed), *product.codenames)))
