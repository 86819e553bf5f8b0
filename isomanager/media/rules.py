"""The catalogue's rules, compiled: which rules fit what an image says.

All patterns on one text run at once (an RE2 set); only those that fit are run again for their groups. So hundreds of products
cost little more than one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import re2

from isomanager.catalogue.identify import IdentifyRule
from isomanager.catalogue.loader import Catalogue
from isomanager.catalogue.patterns import first_match, match_whole
from isomanager.catalogue.product import Product
from isomanager.media.flavors import is_of_no_flavor
from isomanager.media.guesses import EvidenceKind, Said

NAMELESS = 0.4
"""How far a file's name is believed that fits what upstream calls its files but does not name the product: `install75.iso`."""

CONFIDENCE: Mapping[EvidenceKind, float] = {"digest": 0.999, "marker": 0.95, "header": 0.9, "file": 0.7}
"""How far evidence of a kind is believed where the rule does not say it."""

_SAYS_NOTHING = "x.iso"
"""A name that no pattern fits but one that fits every name."""

_PACKINGS = ("", ".zip", ".bz2", ".gz", ".xz")
_SET_MEMORY = 256 << 20
_LONGEST_TEXT = 1024


@dataclass(frozen=True)
class Fit:
    """A rule that fits: whose, by which kind of evidence, with which groups."""

    product: Product
    rule: IdentifyRule
    kind: EvidenceKind
    groups: dict[str, str]
    confidence: float
    evidence: str


@dataclass(frozen=True)
class _Entry:
    """One pattern of one rule against one text."""

    product: Product
    rule: IdentifyRule
    pattern: str
    of_offer: bool = False


class RuleBook:
    """Every rule of a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    @cached_property
    def _shelves(self) -> dict[str, _Shelf]:
        entries: defaultdict[str, list[_Entry]] = defaultdict(list)
        for product in self._catalogue.products:
            for rule in (*product.identify, _os_release_rule(product)):
                for text, patterns in (rule.content | {"file": rule.file}).items():
                    entries[text] += (_Entry(product, rule, pattern) for pattern in patterns)
            for ending, rule in _name_rules(product):
                entries[f"file{ending}"] += (_Entry(product, rule, pattern, of_offer=True) for pattern in rule.file)
        return {text: _Shelf(found) for text, found in entries.items()}

    def family_of(self, product: str) -> str | None:
        """The family of a product of the catalogue."""
        return next((one.family.value for one in self._catalogue.products if one.id == product), None)

    def fits(self, said: Said) -> Iterator[Fit]:
        """Every rule that fits, once for its content and once for the file's name."""
        touched: dict[int, tuple[Product, IdentifyRule]] = {}
        for text, value in said.texts.items():
            for entry in self._touching(text, value):
                touched.setdefault(id(entry.rule), (entry.product, entry.rule))
        for product, rule in touched.values():
            groups = _content_groups(rule, said)
            if groups is not None:
                kind: EvidenceKind = "marker" if rule.marker else "header"
                yield _fit(product, rule, kind, groups, "; ".join(_quoted(rule, said)))
        for ending in _PACKINGS:
            yield from self._fits_of_name(said.name, ending)

    def _fits_of_name(self, name: str, ending: str) -> Iterator[Fit]:
        """Rules that fit the name, which upstream may have given to the packed file with one more ending."""
        packed = f"{name}{ending}"
        named = {id(entry.rule): entry for entry in self._touching(f"file{ending}", packed)}
        for entry in named.values():
            groups = first_match(entry.rule.file, packed)
            if groups is not None and first_match(entry.rule.unless, packed) is None:
                fit = _fit(entry.product, entry.rule, "file", groups, f"file name '{name}'")
                astray = entry.of_offer and is_of_no_flavor(fit.groups, entry.product)
                yield replace(fit, confidence=min(fit.confidence, NAMELESS)) if astray else fit

    def _touching(self, text: str, value: str) -> Iterable[_Entry]:
        shelf = self._shelves.get(text)
        return shelf.fitting(value) if shelf is not None and value else ()


class _Shelf:
    """All patterns on one text."""

    def __init__(self, entries: list[_Entry]) -> None:
        self._entries = entries

    @cached_property
    def _set(self) -> Any:
        options = re2.Options()
        options.max_mem = _SET_MEMORY
        compiled = re2.Set.FullMatchSet(options)
        for entry in self._entries:
            compiled.Add(entry.pattern)
        compiled.Compile()
        return compiled

    def fitting(self, value: str) -> list[_Entry]:
        if len(value) > _LONGEST_TEXT or not value.isprintable():
            return []
        return [self._entries[place] for place in sorted(self._set.Match(value) or ())]


def _name_rules(product: Product) -> Iterator[tuple[str, IdentifyRule]]:
    """The offers' file patterns as rules: what upstream calls its files is how they are recognised. With each the ending that
    the file loses when it is unpacked."""
    words = {_plain(one) for one in (product.id, product.name, *product.aliases)}
    for offer in product.offers:
        telling = tuple(pattern for pattern in offer.file if match_whole(pattern, _SAYS_NOTHING) is None)
        if telling and offer.strategy != "external":
            rule = IdentifyRule(file=telling, values=offer.defaults, confidence=_believed(telling, words))
            yield (f".{offer.unpack.kind}" if offer.unpack else ""), rule


def _os_release_rule(product: Product) -> IdentifyRule:
    """os-release(5) names a distribution by the same word as the catalogue, or by one of the product's aliases."""
    words = "|".join(sorted({re.escape(one) for one in (product.id, *product.aliases)}))
    return IdentifyRule(marker={"os-release": (rf"(?i)(?:{words})\|(?P<version>[^|]*)\|.*",)})


def _believed(patterns: Iterable[str], words: set[str]) -> float:
    """Less where the patterns do not name the product."""
    plain = [_plain(pattern) for pattern in patterns]
    named = all(any(word[:4] in one for word in words) for one in plain)
    return CONFIDENCE["file"] if named else NAMELESS


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _content_groups(rule: IdentifyRule, said: Said) -> dict[str, str] | None:
    """The groups of all content patterns together; None when one of them does not fit."""
    groups: dict[str, str] = {}
    for text, patterns in rule.content.items():
        found = first_match(patterns, said.texts.get(text, ""))
        if found is None:
            return None
        groups |= {name: value for name, value in found.items() if value or name not in groups}
    return groups


def _fit(product: Product, rule: IdentifyRule, kind: EvidenceKind, groups: dict[str, str], evidence: str) -> Fit:
    mapped = {name: _mapped(rule, name, value) for name, value in groups.items()}
    if "version" in mapped:
        mapped["version"] = product.codenames.get(mapped["version"].casefold(), mapped["version"])
    constant = {name: value for name, value in rule.values.items() if not mapped.get(name)}
    return Fit(product, rule, kind, mapped | constant, rule.confidence or CONFIDENCE[kind], evidence)


def _mapped(rule: IdentifyRule, name: str, value: str) -> str:
    table = rule.map.get(name)
    if not table or not value:
        return value
    lowered = {key.casefold(): meant for key, meant in table.items()}
    return lowered.get(value.casefold(), value)


def _quoted(rule: IdentifyRule, said: Said) -> Iterator[str]:
    for text in rule.content:
        words = text.removeprefix("marker:") if text.startswith("marker:") else text.replace("_", " ") + " id"
        yield f"{words} '{said.texts.get(text, '')}'"
