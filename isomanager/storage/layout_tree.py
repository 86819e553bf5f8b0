"""Custom trees: purpose → family → globs, as JSON. The first purpose with a glob that fits a title is its folder.

    {"Production": {"Windows": ["Server2025", "Server2022"], "Linux": ["RHEL8", "Ubuntu-LTS"]},
     "Testing": {"All": ["*-Preview", "*-Beta"]}}

gives `Production/Windows/…`. A list directly under a key (`{"Windows": ["Server", "Desktop"], "Tools": ["memtest*"]}`) gives
`Windows/Server/…`: there the glob without its stars is the folder. Globs ignore case, blanks, dashes and dots, and are compared
with every name a person might mean: product, flavor, major version, whole version, channel, with and without the family's name.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from itertools import product as combinations
from typing import Any

from isomanager.errors import ConfigurationError
from isomanager.model import Title
from isomanager.storage.paths import clean_component

ANY_FAMILY = "all"
_CHANNEL_WORDS = {"stable": ("latest", "stable"), "preview": ("preview", "beta", "insider")}


def is_tree(layout: str) -> bool:
    """Whether `layout` is a tree rather than a template: a template's first brace is followed by a field."""
    return bool(re.match(r'\s*\{\s*("|\}\s*$)', layout))


def tree_folder(layout: str, title: Title, *, product_name: str, channel: str) -> tuple[str, ...] | None:
    """The folder of `title` in the tree, or None when nothing in it fits. ConfigurationError says what is no tree."""
    names = names_of(title, product_name=product_name, channel=channel)
    for purpose, below in _read(layout).items():
        if isinstance(below, list):
            glob = _first_fit(below, names, layout) if _family_fits(purpose, title, strict=False) else None
            found = glob and (purpose, re.sub(r"[*?]+", " ", glob))
        else:
            found = next(
                (
                    (purpose, family)
                    for family, globs in _mapping(below, layout).items()
                    if _family_fits(family, title, strict=True) and _first_fit(globs, names, layout)
                ),
                None,
            )
        if found:
            return tuple(clean_component(part.strip(" -")) for part in found)
    return None


def folders_of(layout: str) -> tuple[str, ...]:
    """The folders that a person named in the tree, before what is inside them. ConfigurationError says what is no tree."""
    told = _read(layout)
    if not told:
        raise ConfigurationError(
            "The custom tree is empty.",
            hint='Such as {"Production": {"Linux": ["Ubuntu-LTS", "Debian*"]}}.',
            layout=layout,
        )
    below = ((purpose, one) for purpose, one in told.items() if not isinstance(one, list))
    return (*told, *(f"{purpose}/{family}" for purpose, one in below for family in _mapping(one, layout)))


def names_of(title: Title, *, product_name: str, channel: str) -> frozenset[str]:
    """Everything a person may call `title`, squashed."""
    plain = title.product.removeprefix(f"{title.family.value}-")
    version, major = title.version.text, str(title.version.major or "")
    ends = ("", major, version, *_CHANNEL_WORDS.get(channel, (channel,)))
    middles = ("", title.flavor, title.edition)
    stems = (title.product, product_name, plain, title.flavor)
    return frozenset(squashed("".join(pieces)) for pieces in combinations(stems, middles, ends))


def squashed(text: str) -> str:
    """Lower case, letters, digits and wildcards only: `Ubuntu-LTS` is `ubuntults`."""
    return re.sub(r"[^\w*?]|_", "", text.lower())


def _read(layout: str) -> dict[str, Any]:
    try:
        return _mapping(json.loads(layout), layout)
    except ValueError as error:
        raise ConfigurationError(f"The custom tree is not JSON: {error}.", layout=layout) from error


def _mapping(told: object, layout: str) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise ConfigurationError(
            f"The custom tree has {told!r} where a mapping belongs.",
            hint='A tree is {"purpose": {"family": ["glob", ...]}} or {"folder": ["glob", ...]}.',
            layout=layout,
        )
    return told


def _family_fits(word: str, title: Title, *, strict: bool) -> bool:
    """A word that names a family holds for that family only; another word is just a folder unless `strict`."""
    wanted = word.strip().lower()
    if wanted in (ANY_FAMILY, title.family.value):
        return True
    return not strict and wanted not in {family.value for family in type(title.family)}


def _first_fit(globs: object, names: frozenset[str], layout: str) -> str | None:
    if not isinstance(globs, list) or not all(isinstance(glob, str) for glob in globs):
        raise ConfigurationError(
            f"The custom tree has {globs!r} where a list of globs belongs.",
            hint='For example {"Production": {"Linux": ["Ubuntu-LTS", "Debian*"]}}.',
            layout=layout,
        )
    return next((glob for glob in globs if any(fnmatchcase(name, squashed(glob)) for name in names)), None)
