"""Filters as people and other programs write them: `Type=Windows`, `version=>=24.04`, sizes and ages in units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from isomanager.catalogue.fields import parse_size
from isomanager.errors import UsageError
from isomanager.inventory.searching import ORDERS, CopySearch
from isomanager.model import Assurance, CopyState, Family, architecture
from isomanager.version import Version

FILTERS = {
    "family": "families", "type": "families", "product": "products", "name": "products", "flavor": "flavors",
    "version": "version", "architecture": "architectures", "arch": "architectures", "language": "languages",
    "edition": "editions", "repository": "repositories", "state": "states", "assurance": "assurance",
    "larger": "min_size", "smaller": "max_size", "text": "text",
}  # fmt: skip
"""The names a filter may have, those of the PowerShell module ISOManager (Type, Name, Version, Architecture) among them."""

_AGE = re.compile(r"(\d+)\s*(h|d|w|m|y)?", re.IGNORECASE)
_HOURS = {"h": 1, "d": 24, "w": 7 * 24, "m": 30 * 24, "y": 365 * 24}
_SINGLE = ("version", "assurance", "min_size", "max_size", "text")


def parse_filters(words: Iterable[str]) -> dict[str, Any]:
    """The fields of a CopySearch that `NAME=VALUE` words ask for; a name given again adds an alternative.

    Raises UsageError for a word without `=`, and for a name that is no filter, with those there are.
    """
    asked: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        field = FILTERS.get(name.strip().lower().replace("-", "_"))
        if not equals or field is None:
            known = ", ".join(FILTERS)
            raise UsageError(f"'{word}' is not NAME=VALUE with a known name.", hint=f"Names: {known}.", text=word)
        value = value.strip()
        if field in _SINGLE:
            asked[field] = value
        else:
            asked[field] = (*asked.get(field, ()), value)
    return asked


def search_for(asked: Mapping[str, Any]) -> CopySearch:
    """The search for fields as people spell them: architectures in any spelling, families and words in any case, `1.5GiB`.

    Raises UsageError that names the field and says what would be right.
    """
    told = {name: value for name, value in asked.items() if value not in (None, "", ())}
    for name, spelled in _SPELLINGS.items():
        if name in told:
            told[name] = tuple(spelled(one) for one in told[name])
    for name in ("min_size", "max_size"):
        if name in told:
            told[name] = _size(told[name])
    try:
        if "version" in told:
            _check_version(told["version"])
        return CopySearch.model_validate(told)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else "the search"
        hint = _CHOICES.get(field, "")
        raise UsageError(
            f"{field} cannot be '{first.get('input')}': {first['msg']}.", hint=hint, field=field
        ) from wrong


def search_with(asked: Mapping[str, Any], where: Iterable[str], times: Mapping[str, str], now: datetime) -> CopySearch:
    """The search for fields, for `NAME=VALUE` words, which outweigh them, and for ages or dates by their fields."""
    told = {name: value for name, value in asked.items() if value not in ("", ())} | parse_filters(where)
    return search_for(told | {name: moment(text, now) for name, text in times.items() if text})


def _family(text: str) -> str:
    """The types of ISOManager are families, and its `Windows-Custom` is one of ours for what people made themselves."""
    lowered = text.lower()
    return "custom" if lowered.endswith("-custom") else lowered


_SPELLINGS = {"families": _family, "architectures": architecture, "states": str.lower, "products": str.lower}
_CHOICES = {
    "families": f"Families: {', '.join(Family)}.",
    "states": f"States: {', '.join(CopyState)}.",
    "assurance": f"Weakest first: {', '.join(Assurance)}.",
    "order": f"Orders: {', '.join(ORDERS)}.",
}


def _size(text: Any) -> Any:
    try:
        return parse_size(text)
    except ValueError as wrong:
        raise UsageError(f"{wrong}.", text=str(text)) from wrong


def _check_version(text: str) -> None:
    from isomanager.catalogue.conditions import clauses

    found = clauses(text)
    if not found:
        raise UsageError(f"'{text}' is no version filter.", hint="Write 24.04, or clauses such as >=22.04,<24.")
    for _, spelled in found:
        Version(spelled)


def moment(text: str, now: datetime) -> datetime:
    """A time from an age (`30d`, `12h`, `2w`, `6m`, `1y`; a bare number is days) or from a date (`2026-11-01`).

    Raises UsageError for what is neither.
    """
    age = _AGE.fullmatch(text.strip())
    if age is not None:
        try:
            return now - timedelta(hours=int(age[1]) * _HOURS[(age[2] or "d").lower()])
        except OverflowError:
            raise UsageError(f"'{text}' is longer ago than any date.", text=text) from None
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"'{text}' is neither an age such as 30d nor a date such as 2026-11-01.", text=text) from None
    return read if read.tzinfo else read.replace(tzinfo=now.tzinfo)
