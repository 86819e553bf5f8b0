"""Digests in a JSON document: fields named like an algorithm, beside or below what names the file. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from isomanager.catalogue.checksum_forms import DigestEntry, Section, algorithm_named, entry_of, tidy

_NAMES = ("name", "filename", "file", "path", "iso")
_ADDRESSES = ("url", "link", "location")
_MOST = 100_000


def looks_like_data(text: str) -> bool:
    """Whether `text` begins as a JSON document does."""
    return text.lstrip().startswith(("{", "["))


def entries_of_data(text: str) -> tuple[DigestEntry, ...]:
    """Every digest that the fields of a JSON document tell; nothing of a document that is not whole or too deep."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    found: list[DigestEntry] = []
    waiting: list[tuple[Any, str]] = [(data, "")]
    while waiting and len(found) < _MOST:
        value, key = waiting.pop()
        if isinstance(value, dict):
            found += _entries(value, key)
            waiting += reversed([(below, str(name)) for name, below in value.items()])
        elif isinstance(value, list):
            waiting += reversed([(below, key) for below in value])
    return tuple(found)


def _entries(table: dict[str, Any], key: str) -> Iterator[DigestEntry]:
    name, size = _name(table) or (tidy(key) if "." in key else ""), _size(table)
    for field, value in table.items():
        if not isinstance(value, str):
            continue
        algorithm = algorithm_named(str(field).lower().removesuffix("sum").rstrip("_-"))
        if algorithm:
            entry = entry_of(value.strip(), Section(algorithm))
        elif str(field).lower() in ("digest", "checksum", "hash"):
            entry = entry_of(value.strip(), Section())
        else:
            # a table of digests by file name
            entry = entry_of(value.strip(), Section()) if "." in str(field) else None
            entry = replace(entry, name=tidy(str(field))) if entry and not entry.name else None
        if entry is not None and entry.algorithm != "size":
            yield replace(entry, name=entry.name or name, size=size)


def _name(table: dict[str, Any]) -> str:
    named = next((table[field] for field in _NAMES if isinstance(table.get(field), str) and table[field]), "")
    if named:
        return tidy(named)
    address = next((table[field] for field in _ADDRESSES if isinstance(table.get(field), str)), "")
    return tidy(address.partition("?")[0].rpartition("/")[2])


def _size(table: dict[str, Any]) -> int | None:
    size = table.get("size")
    return size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 1 << 63 else None
