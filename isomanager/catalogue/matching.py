"""Whether a title is one that a selector may mean, by the product's own rules; no upstream is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isomanager.catalogue.product import Product
from isomanager.catalogue.wanted import Wanted, wanted
from isomanager.errors import ResolveError
from isomanager.model import Selector, Title
from isomanager.version import Version


def canonical(product: Product, selector: Selector) -> Selector:
    """The selector with the product's id, the flavor's key, our architectures and languages, everything spelled out.

    Raises ResolveError: unknown-flavor, unknown-channel, not-found for an architecture the product does not come in.
    """
    ways = wanted(product, selector)
    return selector.model_copy(
        update={
            "product": product.id,
            "flavor": ways[0].flavor_id,
            "architectures": tuple(dict.fromkeys(one.architecture for one in ways)),
            "languages": tuple(dict.fromkeys(one.language for one in ways)) if selector.languages else (),
        }
    )


def selects(product: Product, selector: Selector, title: Title) -> bool:
    """Whether `title` is of the flavor, architecture, language, edition, channel and versions that `selector` asks for."""
    return matcher(product, selector).fits(title)


def matcher(product: Product, selector: Selector) -> Matcher:
    """Which titles `selector` means, for asking about many of them.

    A selector the product no longer understands means none, and so lets nothing go.
    """
    try:
        return Matcher(product, wanted(product, selector))
    except ResolveError:
        return Matcher(product, ())


@dataclass(frozen=True)
class Matcher:
    """The titles of a product that are wanted in one of these ways."""

    product: Product
    ways: tuple[Wanted, ...]

    def fits(self, title: Title) -> bool:
        """Whether it is one of them."""
        return title.product == self.product.id and any(
            _reaches(one, title.flavor, title.architecture, title.language, title.edition)
            and one.accepts(title.version)
            and _in_channel(self.product, one.channel, title.version, one.allows_pre_release)
            for one in self.ways
        )

    def reaches(self, product: str, flavor: str, architecture: str, language: str, edition: str) -> bool:
        """Whether titles of these are among them, for some versions."""
        return product == self.product.id and any(
            _reaches(one, flavor, architecture, language, edition) for one in self.ways
        )


def _reaches(way: Wanted, flavor: str, architecture: str, language: str, edition: str) -> bool:
    return (
        way.flavor_id == flavor
        and way.architecture in (architecture, "any")
        and way.language in ("", language)
        and way.edition in ("", edition)
    )


def _in_channel(product: Product, channel: str, version: Version, allows_pre_release: bool) -> bool:
    from isomanager.catalogue.patterns import match_whole  # most products need no RE2 for this

    if channel == "lts" and match_whole(product.version.lts, version.text) is None:
        return False
    return allows_pre_release or not _announces(product, version)


def _announces(product: Product, version: Version) -> bool:
    """Whether a version is one of what is to come."""
    from isomanager.catalogue.patterns import match_whole

    pre = product.version.pre
    return version.is_pre_release or bool(pre and match_whole(pre, version.text) is not None)


def channel_of(product: Product, version: Version) -> Literal["preview", "lts", "stable"]:
    """The channel that a version is of by what it says, whatever it was asked for as."""
    from isomanager.catalogue.patterns import match_whole

    if _announces(product, version):
        return "preview"
    lts = product.version.lts
    return "lts" if lts and match_whole(lts, version.text) is not None else "stable"
