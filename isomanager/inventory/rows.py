"""Rows from values, and values from rows."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeVar

from isomanager.inventory.column_types import folded
from isomanager.inventory.life import LIVE
from isomanager.inventory.tables import COPIES
from isomanager.model import Copy, Selector, Title, Value
from isomanager.version import Version

_AT_ONCE = 500
"""So many values are asked about in one statement: databases bound how many it may have."""

Item = TypeVar("Item")


def slices(given: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """What is given, in pieces that one statement may ask about."""
    for start in range(0, len(given), _AT_ONCE):
        yield given[start : start + _AT_ONCE]


def canonical(value: Value | dict[str, Any]) -> str:
    """One text for equal values: JSON with sorted keys. A value may be given as it is dumped."""
    told = value if isinstance(value, dict) else value.model_dump(mode="json")
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def selector_key(selector: Selector) -> str:
    """One text for selectors that ask for the same: the order of architectures, languages and editions says nothing."""
    lists = {name: tuple(sorted(getattr(selector, name))) for name in ("architectures", "languages", "editions")}
    return canonical(selector.model_copy(update=lists))


def title_columns(title: Title) -> dict[str, Any]:
    """A title, split into its columns."""
    return {
        "family": title.family.value,
        "product": title.product,
        "flavor": title.flavor,
        "version_text": title.version.text,
        "version_epoch": title.version.epoch,
        "architecture": title.architecture,
        "language": title.language,
        "edition": title.edition,
    }


def title_key(title: Title) -> str:
    """One text for a title."""
    return canonical(title)


def copy_columns(copy: Copy, lease_token: str = "") -> dict[str, Any]:
    """A copy's row."""
    return {
        **title_columns(copy.title),
        "version_key": copy.title.version.sort_text,
        "id": copy.id,
        "repository": copy.repository,
        "path": copy.path,
        "claimed_path": folded(copy.path) if copy.state in LIVE else None,
        "state": copy.state.value,
        "sha256": copy.sha256,
        "size": copy.size,
        "assurance": copy.assurance.value,
        "digests": copy.digests,
        "fingerprint": copy.fingerprint,
        "filename": copy.filename,
        "source": copy.source,
        "partial": copy.partial,
        "trash_path": copy.trash_path,
        "reason": copy.reason,
        "metadata": copy.metadata,
        "created_at": copy.created_at,
        "proved_at": copy.proved_at,
        "changed_at": copy.changed_at,
        "lease_token": lease_token,
    }


_PLAIN = tuple(name for name in Copy.model_fields if name != "title")
_TITLE = ("family", "product", "flavor", "architecture", "language", "edition")
TITLE_COLUMNS = (*_TITLE, "version_text", "version_epoch")
"""What `title_of` needs, in the order in which it needs it."""
COPY_COLUMNS = tuple(COPIES.c[name] for name in (*_PLAIN, *TITLE_COLUMNS))
"""What `copy_of` needs, in the order in which it needs it."""

COPY_ORDER = itemgetter(*(_PLAIN.index(name) for name in ("repository", "path", "created_at")))
"""Sorts such rows as copies are listed."""


def copy_of(row: Sequence[Any]) -> Copy:
    """The copy that a row of `COPY_COLUMNS` holds.

    Columns are taken by place and the value is validated: `model_construct` would be slower, being written in Python.
    """
    columns = dict(zip(_PLAIN, row, strict=False))
    columns["title"] = title_of(*row[len(_PLAIN) :])
    return Copy.model_validate(columns)


@contextmanager
def collector_resting() -> Iterator[None]:
    """Python's cycle collector pauses: while 100,000 values are made, none of them in a cycle, it takes half of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@lru_cache(maxsize=4096)
def title_of(*columns: Any) -> Title:
    """The title that the values of TITLE_COLUMNS make."""
    # a title is mostly held in several repositories; a frozen value may be shared
    words = dict(zip(_TITLE, columns, strict=False))
    return Title(**words, version=Version(columns[-2], columns[-1]))
