"""What a name means: `WindowsServer2025`, `Windows11Enterprise`, `CentOS`, `RHEL8` and `Ubuntu-LTS` are selectors too.

The one place where names are looked up, for selectors that a person writes and for inventories that another program kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from isomanager.catalogue.loader import Catalogue
from isomanager.catalogue.product import Product
from isomanager.catalogue.wanted import usual_spelling
from isomanager.errors import ResolveError, UsageError
from isomanager.model import Selector, channel_named
from isomanager.version import LATEST, Version, VersionRule

_WORD = re.compile(r"\d+(?:\.\d+)+|\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LONGEST_NAME = 80
_SHORTEST_BEGINNING = 3


def meant(catalogue: Catalogue, selector: Selector) -> tuple[Product, Selector]:
    """The product that a selector's name means, and the selector with whatever else the name says.

    A product's id, name or alias is taken as it is. Else a name that a product describes by its `meanings`, or one that begins
    with a product's name and goes on with its version, flavor or channel. Raises ResolveError(unknown-product) with the nearest
    names, UsageError when name and selector contradict each other (`Windows11Enterprise@10`).
    """
    try:
        product = catalogue.product(selector.product)
    except ResolveError:
        said = _described(catalogue, selector.product) or _begun(catalogue, selector.product)
        if said is None:
            raise
        return said.product, _joined(selector, said)
    return product, selector


def named(catalogue: Catalogue, name: str, version: str = "") -> tuple[Product, Selector]:
    """As `meant`, for a name and a version that stand apart, as in an inventory: `WindowsServer2025` with `10.0.26100.1`."""
    plain = "" if version.strip().lower() == LATEST else version.strip()
    return meant(catalogue, Selector.parse(f"{name.replace('/', ' ').replace('@', ' ')}{'@' + plain if plain else ''}"))


@dataclass(frozen=True)
class _Said:
    """What a name says: the product, the name that means it, and flavor, version and channel ("" where it says none)."""

    product: Product
    called: str
    flavor: str
    version: str
    channel: str = ""


def _described(catalogue: Catalogue, name: str) -> _Said | None:
    from isomanager.catalogue.patterns import first_match  # most names are a product's own and need no RE2

    plain = _plain(name)
    for product in catalogue.products:
        groups = first_match(product.meanings, plain) if product.meanings else None
        flavor = _flavor(product, groups.get("flavor", "")) if groups is not None else None
        if groups is not None and flavor is not None:
            return _Said(product, product.id, flavor, groups.get("version", ""))
    return None


def _begun(catalogue: Catalogue, name: str) -> _Said | None:
    """The product whose name the longest beginning is, if all the words behind it mean something for that product."""
    words = _WORD.findall(name[:_LONGEST_NAME])
    for count in range(len(words) - 1, 0, -1):
        beginning = "".join(words[:count])
        product = catalogue.find(beginning) if len(beginning) >= _SHORTEST_BEGINNING else None
        said = _words_say(product, beginning, words[count:]) if product else None
        if said is not None:
            return said
    return None


def _words_say(product: Product, called: str, words: list[str]) -> _Said | None:
    flavors, versions, channels = list[str](), list[str](), list[str]()
    for word in words:
        channel = channel_named(word)
        if word[0].isdigit():
            versions.append(word)
        elif channel:
            channels.append(channel)
        elif word.lower() != LATEST:
            flavors.append(word)
    flavor = _flavor(product, "".join(flavors))
    if flavor is None or len(versions) > 1 or len(channels) > 1:
        return None
    return _Said(product, called, flavor, "".join(versions), "".join(channels))


def _flavor(product: Product, name: str) -> str | None:
    """The flavor's id, "" for no flavor at all, None for one that the product does not have."""
    if not name:
        return ""
    plain = _plain(name)
    known = product.flavors.items()
    return next((key for key, flavor in known if plain in (_plain(key), *map(_plain, flavor.aliases))), None)


def _joined(selector: Selector, said: _Said) -> Selector:
    if said.flavor and selector.flavor and _flavor(said.product, selector.flavor) != said.flavor:
        raise _contradiction(selector, f"flavor {said.flavor}", selector.flavor)
    if said.channel and selector.channel not in ("stable", said.channel):
        raise _contradiction(selector, f"channel {said.channel}", selector.channel)
    rule = _rule(said.product, selector, said.version)
    told = {"product": said.called, "flavor": selector.flavor or said.flavor, "rule": rule}
    return selector.model_copy(update={**told, "channel": said.channel or selector.channel})


def _rule(product: Product, selector: Selector, version: str) -> VersionRule:
    """The selector's own rule where it has one, which must lie in the version that the name says."""
    exact = selector.rule.exact
    if not version:
        return selector.rule
    if not exact:
        return VersionRule.parse(usual_spelling(product, version))
    ours = Version(usual_spelling(product, version))
    if Version(usual_spelling(product, exact)).starts_with(ours):
        return selector.rule
    # what stands apart may be a release of the version that the name says: Windows10 with 22H2
    together = usual_spelling(product, f"{version} {exact}")
    if together != f"{version} {exact}" and Version(together).starts_with(ours):
        return VersionRule.parse(together)
    raise _contradiction(selector, f"version {ours}", exact)


def _contradiction(selector: Selector, said: str, asked: str) -> UsageError:
    return UsageError(
        f"The name '{selector.product}' says {said}, and {asked} is asked for beside it.", hint="Leave one out."
    )


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
