"""Patterns from product files, run on RE2: linear time whatever the pattern and the text, and always on the whole name."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

from isomanager.errors import CatalogueError

_LONGEST_NAME = 1024
_LONGEST_TEXT = 1 << 20
_MOST_FINDS = 1000


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise CatalogueError(
            f"The pattern '{pattern}' is not valid: {error}.",
            hint="Patterns are RE2 expressions with named groups, (?P<version>...); look-around and back-references do not exist.",
            field="pattern",
            pattern=pattern,
        ) from error


def check_pattern(pattern: str) -> str:
    """The pattern itself; raises CatalogueError when RE2 cannot read it."""
    _compiled(pattern)
    return pattern


def match_whole(pattern: str, name: str) -> dict[str, str] | None:
    """The named groups of `pattern` matched against the whole of `name` (a group that took no part is ""), or None.

    The whole name, because `^ubuntu-` also fits `ubuntu-mate-…` and `…disc1.iso` begins `…disc1.iso.xz`.
    """
    if len(name) > _LONGEST_NAME or not name.isprintable():
        return None
    found = _compiled(pattern).fullmatch(name)
    return None if found is None else {group: text or "" for group, text in found.groupdict().items()}


def first_match(patterns: tuple[str, ...], name: str) -> dict[str, str] | None:
    """The groups of the first of `patterns` that fits the whole of `name`."""
    return next((groups for pattern in patterns if (groups := match_whole(pattern, name)) is not None), None)


def search_all(pattern: str, text: str) -> list[dict[str, str]]:
    """The groups of `pattern` wherever it occurs in `text` (its first MiB), each once; `picked` is what was found."""
    found: dict[str, dict[str, str]] = {}
    for place, one in enumerate(_compiled(pattern).finditer(text[:_LONGEST_TEXT])):
        if place >= _MOST_FINDS:
            break
        groups = {group: value or "" for group, value in one.groupdict().items()}
        found.setdefault(one.group(0), {"picked": one.group(0), **groups})
    return list(found.values())
