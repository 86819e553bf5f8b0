"""A selector after the product has had its say: one flavor, one architecture, one language, one edition."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product as combinations

from isomanager.catalogue.product import Flavor, Product
from isomanager.catalogue.telling import version_text
from isomanager.errors import ResolveError
from isomanager.model import Selector
from isomanager.version import Version, VersionRule


@dataclass(frozen=True)
class Wanted:
    """What exactly is looked for; `flavor_id` is the flavor's id, everything in our spelling."""

    product: Product
    flavor_id: str
    architecture: str
    language: str
    edition: str
    rule: VersionRule
    channel: str

    @property
    def flavor(self) -> Flavor:
        """The flavor's rules."""
        return self.product.flavors[self.flavor_id]

    @property
    def allows_pre_release(self) -> bool:
        """Whether betas and release candidates may be chosen: when the rule names one, or the channel is one of them."""
        return self.rule.wants_pre_release or self.channel in ("preview", "daily")

    def accepts(self, version: Version) -> bool:
        """Whether the version rule accepts `version`, or accepts it without its build where the product has builds."""
        return self.rule.accepts(version) or (self.rule.whole and self.rule.accepts(self._without_build(version)))

    def _without_build(self, version: Version) -> Version:
        from isomanager.catalogue.patterns import match_whole  # most products have no builds and need no RE2 for this

        build = self.product.version.build
        found = match_whole(f"(?P<released>.*?)(?:{build})", version.text) if build else None
        return Version(found["released"], version.epoch) if found and found["released"] else version

    def version(self, text: str) -> Version:
        """A version in the product's terms: its spelling mended, its epoch set."""
        for theirs, ours in self.product.version.replace.items():
            text = text.replace(theirs, ours)
        text = usual_spelling(self.product, text)
        return Version(text, epoch_of(self.product, text))

    def __str__(self) -> str:
        asked = self.channel if self.channel != "stable" and not self.rule.exact else str(self.rule)
        extra = " ".join(piece for piece in (self.architecture, self.language, self.edition) if piece)
        return f"{self.product.id}/{self.flavor_id}@{asked} {extra}"


def epoch_of(product: Product, text: str) -> int:
    """The epoch of a version by the product's patterns; 0 when none fits."""
    from isomanager.catalogue.patterns import match_whole  # most products have no epochs and need no RE2 for this

    epochs = product.version.epoch.items()
    return next((epoch for pattern, epoch in epochs if match_whole(pattern, text) is not None), 0)


def usual_spelling(product: Product, text: str) -> str:
    """A version in the product's usual form: `10.0.26100.1742` is Windows Server `2025.24H2.26100.1742`."""
    if not text or not product.version.also:
        return text
    from isomanager.catalogue.patterns import first_match  # most products need no RE2 for this

    groups = first_match(product.version.also, text)
    return version_text(product.version, groups) if groups else text


def wanted(product: Product, selector: Selector) -> tuple[Wanted, ...]:
    """One Wanted for every architecture, language and edition of `selector`.

    Raises ResolveError: unknown-flavor and unknown-channel (with those the product has), not-found for an architecture the
    flavor does not come in.
    """
    flavor = _flavor(product, selector)
    _check_channel(product, selector.channel)
    rule = _rule(product, selector.rule)
    languages = selector.languages or (product.default_language,)
    ways = combinations(_architectures(product, flavor, selector), languages, selector.editions or ("",))
    return tuple(
        Wanted(product, flavor, one, product.our_language(language), edition, rule, selector.channel)
        for one, language, edition in ways
    )


def _rule(product: Product, rule: VersionRule) -> VersionRule:
    """A code name is the version it stands for, and another way to write a version is the usual one."""
    version = product.codenames.get(rule.exact.casefold()) or usual_spelling(product, rule.exact)
    return VersionRule(version, whole=rule.whole) if version else rule


def _flavor(product: Product, selector: Selector) -> str:
    """The key of the flavor that is meant: kubuntu is ubuntu/kubuntu, tumbleweed/net is opensuse/tumbleweed-net."""
    called, name = _flavor_called(product, selector.product), selector.flavor
    if not name:
        return called or product.first_flavor
    tried = (f"{called}-{name}", f"{plain_name(selector.product)}-{name}") if called else ()
    for text in (*tried, name):
        key = _flavor_named(product, text)
        # a name that already means a flavor cannot mean another one of the product: kubuntu/desktop is no ubuntu/desktop
        if key and (not called or text in tried or key == called):
            return key
    if called and name in (value for values in product.flavors[called].match.values() for value in values):
        return called
    raise _unknown_flavor(product, name)


def _flavor_called(product: Product, name: str) -> str:
    plain = plain_name(name)
    called = (key for key, flavor in product.flavors.items() if plain in map(plain_name, flavor.names))
    return next(called, "")


def _flavor_named(product: Product, name: str) -> str:
    plain = _plain(name)
    named = (key for key, one in product.flavors.items() if plain in (_plain(key), *map(_plain, one.aliases)))
    return next(named, "")


def plain_name(name: str) -> str:
    """A product's name without what people write differently: case, blanks, dashes, underscores."""
    return "".join(letter for letter in name.casefold() if letter not in " -_")


def _unknown_flavor(product: Product, name: str) -> ResolveError:
    return ResolveError(
        f"{product.name} has no flavor '{name}'.",
        code="unknown-flavor",
        hint=f"It has {', '.join(product.flavors)}.",
        product=product.id,
        flavor=name,
        flavors=list(product.flavors),
    )


def _plain(name: str) -> str:
    return name.casefold().replace("_", "-")


def _check_channel(product: Product, channel: str) -> None:
    if channel not in product.channels:
        raise ResolveError(
            f"{product.name} has no channel '{channel}'.",
            code="unknown-channel",
            hint=f"It has {', '.join(product.channels)}.",
            product=product.id,
            channel=channel,
            channels=list(product.channels),
        )


def _architectures(product: Product, flavor: str, selector: Selector) -> tuple[str, ...]:
    offered = product.flavors[flavor].architectures or product.architectures
    if not selector.architectures:
        return ("x86_64",) if "x86_64" in offered else offered[:1]
    asked = tuple(dict.fromkeys(product.our_architecture(one) for one in selector.architectures))
    if offered == ("any",):
        return ("any",)
    foreign = next((one for one in asked if one not in offered), None)
    if foreign is not None:
        raise ResolveError(
            f"{product.name} ({flavor}) does not come for {foreign}.",
            hint=f"It comes for {', '.join(offered)}.",
            product=product.id,
            architecture=foreign,
            architectures=list(offered),
        )
    return asked
