"""What the name of one of Microsoft's files tells, and whether it is the one that was asked for. Pure.

A name that tells another product, version, language or architecture than was asked for is never taken, whatever led to it.
"""

from __future__ import annotations

import re

from isomanager.catalogue.offer_rules import OfferRule
from isomanager.catalogue.patterns import first_match
from isomanager.catalogue.product import plain_language
from isomanager.catalogue.telling import with_what_they_tell
from isomanager.catalogue.wanted import Wanted

_BUILD = re.compile(r"\bBuild (\d{4,6})\.(\d+)\b", re.IGNORECASE)
_RELEASE = re.compile(r"(?<!\d)(\d\dH\d)(?![0-9A-Za-z])", re.IGNORECASE)
_WORDS = re.compile(r"[^0-9A-Za-z]+")
_CULTURE = re.compile(r"(?<![A-Za-z])([A-Za-z]{2,3}-(?:[A-Za-z]{4}-)?[A-Za-z]{2})(?![A-Za-z])")
_MACHINES = {
    "x64": "x86_64", "amd64": "x86_64", "x64fre": "x86_64", "arm64": "aarch64", "a64": "aarch64", "a64fre": "aarch64",
    "x86": "i686", "x32": "i686", "x86fre": "i686",
}  # fmt: skip


def told_by_name(name: str, offer: OfferRule, wanted: Wanted) -> dict[str, str] | None:
    """The groups of the entry's pattern that fits the name, with what they tell of each other; None when none fits."""
    groups = first_match(offer.file, name)
    if groups is None:
        return None
    branched = told_by_title(groups.get("branch", ""))  # 25h2_ge_release_svc_refresh
    return with_what_they_tell(wanted.product.version, groups | {name: text for name, text in branched.items() if text})


def told_by_title(title: str) -> dict[str, str]:
    """Release, build and revision in a name for people: `Windows 11 Client - Build 26300.9457`, `Windows 11 25H2__V2`."""
    build, release = _BUILD.search(title), _RELEASE.search(title.replace("_", " "))
    told = {"release": release[1].upper()} if release else {}
    return told | ({"build": build[1], "ubr": build[2]} if build else {})


def contradictions(name: str, offer: OfferRule, wanted: Wanted) -> tuple[str, ...]:
    """What the name says that is not what was asked for; a name that no pattern understands is one too."""
    told = told_by_name(name, offer, wanted)
    if told is None:
        return ("its name is in no form that is known",)
    product = wanted.product
    language = told.get("language") or _culture(told.get("rest", ""))
    machine = told.get("arch") or _machine(told.get("rest", ""))
    contents = told.get("contents", "")
    known, expected = product.known.get(name), offer.defaults.get("version", "")
    version = told.get("version") or (known.version.partition(".")[0] if known else "")
    found = (
        (language, product.our_language(language) == wanted.language, f"language {language}"),
        (machine, product.our_architecture(machine) in (wanted.architecture, "any"), f"architecture {machine}"),
        (version and expected, version == expected, f"{product.name} {version}"),
        (contents, plain_language(contents) == plain_language(wanted.edition), f"edition {contents}"),
        *(
            (told.get(group), told.get(group) in values, f"{told.get(group)}")
            for group, values in wanted.flavor.match.items()
        ),
    )
    return tuple(what for said, fits, what in found if said and not fits)


def _culture(rest: str) -> str:
    found = _CULTURE.search(rest.replace("_", " "))
    return found[1] if found else ""


def _machine(rest: str) -> str:
    words = (word.lower() for word in _WORDS.split(rest.replace("_", " ")))
    return next((_MACHINES[word] for word in words if word in _MACHINES), "")
