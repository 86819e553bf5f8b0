"""Addresses and names with `{names}` to fill in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product as combinations

from isomanager.errors import CatalogueError

_BRACES = re.compile(r"\{([^{}]*)\}")
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def names_in(template: str) -> tuple[str, ...]:
    """What stands in braces in `template`, each once; also what is no name (`{}`, `{a-b}`)."""
    return tuple(dict.fromkeys(_BRACES.findall(template)))


def fill(template: str, values: Mapping[str, str]) -> str:
    """`template` with every `{name}` replaced. Raises CatalogueError for a name without a value."""
    missing = next((name for name in _PLACE.findall(template) if name not in values), None)
    if missing is not None:
        known = ", ".join(sorted(name for name, value in values.items() if value))
        raise CatalogueError(
            f"'{template}' needs {{{missing}}}, which nothing has given a value.",
            hint=f"There are {known}.",
            field=missing,
            template=template,
        )
    return _PLACE.sub(lambda place: values[place[1]], template)


def expand(template: str, values: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Every way to fill `template` when a name may have several values, in their order."""
    names = list(dict.fromkeys(name for name in _PLACE.findall(template) if name in values))
    ways = combinations(*(values[name] for name in names))
    return tuple(fill(template, dict(zip(names, way, strict=True))) for way in ways)
