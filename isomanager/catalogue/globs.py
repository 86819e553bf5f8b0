"""Conditions over the catalogue, as one text: `linux:*/*`, `*/server@lts`, `ubuntu*/desktop@24.04`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from isomanager.catalogue.loader import Catalogue
from isomanager.catalogue.matching import canonical
from isomanager.catalogue.product import Product
from isomanager.catalogue.wanted import plain_name
from isomanager.errors import ResolveError, UsageError
from isomanager.model import Family, Selector

_LONGEST = 200
_MARKS = "*?["


@dataclass(frozen=True)
class Glob:
    """`[FAMILY:]PRODUCT[/FLAVOR][@VERSION]` with `*`, `?` and `[...]` in product and flavor. An empty flavor is the default one
    where selectors are made, and any where subscriptions are chosen; the same with an empty version rule."""

    family: Family | None
    product: str
    flavor: str
    rule: str

    @classmethod
    def parse(cls, text: str) -> Glob:
        """Raises UsageError for a text that is none."""
        front, colon, rest = text.strip().rpartition(":")
        if len(text) > _LONGEST or (colon and front.lower() not in list(Family)):
            raise UsageError(
                f"'{text[:_LONGEST]}' is no condition.",
                hint="Write [FAMILY:]PRODUCT[/FLAVOR][@VERSION] with * and ?: linux:*/server@lts, ubuntu*, appliance:*/*.",
            )
        name, _, rule = rest.partition("@")
        product, _, flavor = name.partition("/")
        return cls(Family(front.lower()) if colon else None, product.strip() or "*", flavor.strip(), rule.strip())

    def means(self, product: Product) -> bool:
        """Whether the product, by id, name or alias, is one of those meant."""
        if self.family is not None and product.family is not self.family:
            return False
        pattern = _plain(self.product)
        return any(fnmatchcase(plain_name(name), pattern) for name in (product.id, *product.names))

    def flavors_of(self, product: Product) -> tuple[str, ...]:
        """The product's flavors that are meant, by key or alias."""
        if not self.flavor:
            return (product.first_flavor,)
        pattern = _plain(self.flavor)
        return tuple(
            key
            for key, flavor in product.flavors.items()
            if any(fnmatchcase(plain_name(name), pattern) for name in (key, *flavor.aliases))
        )

    def fits(self, product: Product, selector: Selector) -> bool:
        """Whether a subscription's canonical selector is among those meant."""
        if not self.means(product) or (self.flavor and selector.flavor not in self.flavors_of(product)):
            return False
        if not self.rule:
            return True
        asked = Selector.parse(f"{product.id}@{self.rule}")
        return (asked.rule, asked.channel) == (selector.rule, selector.channel)


def is_glob(text: str) -> bool:
    """Whether a text is a condition over products and not the name of one."""
    return any(mark in text for mark in _MARKS) or (text.partition(":")[0].lower() in list(Family) and ":" in text)


@dataclass(frozen=True)
class Expanded:
    """The selectors that a condition means, and why products it names are left out."""

    selectors: tuple[Selector, ...]
    left_out: tuple[str, ...]


def expand(
    catalogue: Catalogue,
    text: str,
    *,
    architectures: Sequence[str] = (),
    languages: Sequence[str] = (),
    editions: Sequence[str] = (),
) -> Expanded:
    """Every product and flavor of the catalogue that the condition means, as canonical selectors.

    What does not come for these architectures, or has no such channel, is left out with its reason. UsageError when nothing is
    left.
    """
    glob = Glob.parse(text)
    found: list[Selector] = []
    left_out: list[str] = []
    for product in catalogue.products:
        if product.identify_only or not glob.means(product):
            continue
        for flavor in glob.flavors_of(product):
            asked = Selector.parse(
                f"{product.id}/{flavor}{'@' + glob.rule if glob.rule else ''}",
                architectures=tuple(architectures),
                languages=tuple(languages),
                editions=tuple(editions),
            )
            try:
                found.append(canonical(product, asked))
            except ResolveError as wrong:
                left_out.append(wrong.message)
    if not found:
        raise UsageError(
            f"Nothing in the catalogue fits '{text}'.",
            hint=left_out[0] if left_out else "`isomanager catalogue list` shows what there is.",
        )
    return Expanded(tuple(found), tuple(left_out))


def _plain(pattern: str) -> str:
    """The pattern without what names are written differently in; ranges in brackets keep their dash."""
    return (
        "".join(letter for letter in pattern.casefold() if letter not in " _")
        if "[" in pattern
        else plain_name(pattern)
    )
