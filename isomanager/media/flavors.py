"""Which of a product's flavors the groups of a pattern mean. Pure."""

from __future__ import annotations

from isomanager.catalogue.product import Flavor, Product


def flavor_of(groups: dict[str, str], product: Product) -> str | None:
    """The product's flavor that the groups name or are matched by; a name that no flavor has is kept, in lower case."""
    named = groups.get("flavor", "")
    if named:
        plain = named.lower().replace("_", "-").replace(" ", "-")
        known = (flavor for flavor, one in product.flavors.items() if plain in (flavor, *one.aliases))
        return next(known, plain)
    return next((flavor for flavor, one in product.flavors.items() if _matches(one, groups)), None)


def _matches(flavor: Flavor, groups: dict[str, str]) -> bool:
    return any(groups.get(name) for name in flavor.match) and all(
        groups.get(name, "").casefold() in [value.casefold() for value in allowed]
        for name, allowed in flavor.match.items()
    )


def is_of_no_flavor(groups: dict[str, str], product: Product) -> bool:
    """Whether the groups tell what the product's flavors are matched by, and none of them fits: another product's file."""
    telling = {name for flavor in product.flavors.values() for name in flavor.match if groups.get(name)}
    return bool(telling) and flavor_of(groups, product) is None
