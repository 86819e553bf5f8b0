"""Identification: from what an image says of itself and its name to what it is. Pure.

Each kind of evidence counts once a product, by its strongest rule; kinds that agree strengthen each other. What speaks for
another product takes from the confidence, so that a tie ends as unknown and not as a guess.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import prod

from isomanager.catalogue.product import Product
from isomanager.catalogue.telling import version_text
from isomanager.catalogue.templates import fill
from isomanager.catalogue.wanted import usual_spelling
from isomanager.errors import CatalogueError
from isomanager.media.flavors import flavor_of
from isomanager.media.guesses import ATTRIBUTES, EvidenceKind, Guess, Identification, Said
from isomanager.media.rules import Fit, RuleBook
from isomanager.model import architecture
from isomanager.version import Version

THRESHOLD = 0.5
"""Below this confidence the product is said to be unknown; the guess is then the first of the alternatives."""

_WORTH_TELLING = 0.2
"""Rules below this only add to a product that something else speaks for."""

_KINDS: tuple[EvidenceKind, ...] = ("digest", "marker", "header", "file")
_MOST_ALTERNATIVES = 5
_PARTS = ("{major}.{minor}.{patch}", "{major}.{minor}", "{major}", "{version}")
_PLACE = re.compile(r"\{(\w+)\}")
_VERSION_LIKE = re.compile(r"(?=.*[^\W_])[\w.,:+~ ()-]{1,80}")
"""A disc may say anything in the place of its version: a path, a page of digits."""
_BETWEEN_DIGITS = re.compile(r"(?<=\d)_(?=\d)")


def identify(said: Said, rules: RuleBook) -> Identification:
    """The best guess, how sure it is and why, and the alternatives."""
    by_product: defaultdict[str, list[Fit]] = defaultdict(list)
    for fit in rules.fits(said):
        by_product[fit.product.id].append(fit)
    worth = (guess for guess in map(_guess, by_product.values()) if guess.confidence >= _WORTH_TELLING)
    guesses = sorted(worth, key=lambda one: -one.confidence)
    return _decided(guesses, _other_versions(by_product, guesses))


def _decided(guesses: Sequence[Guess], versions: Sequence[Guess]) -> Identification:
    if not guesses:
        return Identification()
    best, others = guesses[0], guesses[1:]
    rival = others[0].confidence if others else 0.0
    confidence = round(best.confidence * (1 - rival / 2), 3)
    alternatives = tuple([*versions, *others][:_MOST_ALTERNATIVES])
    if confidence < THRESHOLD:
        return Identification(confidence=confidence, alternatives=(best, *alternatives)[:_MOST_ALTERNATIVES])
    told = {name: getattr(best, name) for name in ("family", "product", *ATTRIBUTES)}
    return Identification(**told, confidence=confidence, evidence=best.evidence, alternatives=alternatives)


def _guess(fits: Sequence[Fit]) -> Guess:
    """What all the evidence for one product says together."""
    product = fits[0].product
    ordered = sorted(fits, key=lambda one: (-one.confidence, _KINDS.index(one.kind)))
    strongest = {kind: max((one.confidence for one in fits if one.kind == kind), default=0.0) for kind in _KINDS}
    return Guess(
        family=product.family.value,
        product=product.id,
        flavor=_flavor([flavor for one in ordered if (flavor := flavor_of(one.groups, product))])
        or _only_flavor(product),
        version=_version(ordered),
        architecture=_first(_architecture(one) for one in ordered),
        language=_first(_language(one) for one in ordered),
        edition=_first(one.groups.get("edition") for one in ordered),
        confidence=round(1 - prod(1 - one for one in strongest.values()), 3),
        evidence=tuple(dict.fromkeys(one.evidence for one in ordered)),
    )


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)


def _flavor(said: Sequence[str]) -> str | None:
    """The flavor of the strongest evidence, or one that is more exact: `server-netinst` where a label only says `server`."""
    finer = (one for one in said[1:] if one.startswith(f"{said[0]}-"))
    return next(finer, said[0]) if said else None


def _version(ordered: Sequence[Fit]) -> str | None:
    """What the strongest evidence says, in the words of whatever says the same more exactly."""
    said = [text for text in map(version_of, ordered) if text]
    if not said:
        return None
    chosen = said[0]
    for text in said[1:]:
        if len(Version(text).tokens) > len(Version(chosen).tokens) and Version(text).starts_with(Version(chosen)):
            chosen = text
    return chosen


def version_of(fit: Fit) -> str | None:
    """The version that a rule's groups make up, in the product's usual spelling; None when they make none."""
    groups = {name: _BETWEEN_DIGITS.sub(".", value) for name, value in fit.groups.items()}
    text = next(filter(None, (_filled(template, groups) for template in fit.rule.text or _PARTS)), None)
    if not fit.rule.text and groups.keys() & _places(fit.product.version.text):
        text = version_text(fit.product.version, groups).rstrip("-_. ") or text
    if text is None or not _VERSION_LIKE.fullmatch(text):
        return None
    for old, new in fit.product.version.replace.items():
        text = text.replace(old, new)
    return usual_spelling(fit.product, text)


def _places(template: str) -> set[str]:
    return set(_PLACE.findall(template))


def _filled(template: str, groups: dict[str, str]) -> str | None:
    try:
        return fill(template, {name: value for name, value in groups.items() if value}).strip()
    except CatalogueError:
        return None


def _only_flavor(product: Product) -> str | None:
    return next(iter(product.flavors)) if len(product.flavors) == 1 else None


def _architecture(fit: Fit) -> str | None:
    spelled = fit.groups.get("arch") or fit.groups.get("architecture")
    return _ours(spelled, fit.product.map.architecture) or architecture(spelled) if spelled else None


def _language(fit: Fit) -> str | None:
    spelled = fit.groups.get("language") or fit.groups.get("lang")
    return _ours(spelled, fit.product.map.language) or spelled.lower().replace("_", "-") if spelled else None


def _ours(spelled: str, table: dict[str, tuple[str, ...]]) -> str | None:
    lowered = spelled.casefold()
    return next(
        (ours for ours, theirs in table.items() if lowered in [one.casefold() for one in (ours, *theirs)]), None
    )


def _other_versions(by_product: dict[str, list[Fit]], guesses: Sequence[Guess]) -> tuple[Guess, ...]:
    """The best guess with the versions that other evidence for the same product gives."""
    if not guesses or guesses[0].product is None or guesses[0].version is None:
        return ()
    best, chosen = guesses[0], Version(guesses[0].version)
    fits = by_product[guesses[0].product]
    differing = {
        text: fit for fit in fits if (text := version_of(fit)) and not chosen.starts_with(Version(text))
    }  # fmt: skip
    return tuple(
        replace(best, version=text, confidence=fit.confidence, evidence=(fit.evidence,))
        for text, fit in differing.items()
    )
