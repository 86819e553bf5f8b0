"""What a repository says of itself: `inventory.json`, `SHA256SUMS` and `index.html`.

Built by pure functions from the copies it holds (the page elsewhere), and written only when they say something new. Whoever
writes holds the repository's lease.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from isomanager.errors import StoreError
from isomanager.model import Copy, CopyState, RepositoryRecord
from isomanager.storage.contract import Store
from isomanager.storage.layout import display_name

INVENTORY = "inventory.json"
SUMS = "SHA256SUMS"
PAGE = "index.html"
ALIASES = "aliases.json"
SCHEMA_VERSION = "1.0"

_MAX_INDEX_BYTES = 1 << 30


def indexed(copies: Iterable[Copy]) -> tuple[Copy, ...]:
    """The copies a repository vouches for: held, with known bytes; by path."""
    held = (one for one in copies if one.state is CopyState.HELD and one.sha256 is not None)
    return tuple(sorted(held, key=lambda one: one.path))


def build_inventory(
    copies: Iterable[Copy], repository: RepositoryRecord, *, now: datetime, names: Mapping[str, str]
) -> dict[str, Any]:
    """The inventory document. `names` gives products' display names. Paths are relative to the repository, so that it can be
    moved, mounted elsewhere, or served."""
    return {
        "version": SCHEMA_VERSION,
        "generated": _time(now),
        "repository": {
            "path": repository.url,
            "name": repository.name,
            "structure": repository.layout,
            "description": repository.description,
        },
        "isos": [_inventory_item(one, names) for one in indexed(copies)],
    }


def _inventory_item(copy: Copy, names: Mapping[str, str]) -> dict[str, Any]:
    title, version = copy.title, copy.title.version
    major, minor, patch = (*version.pieces[:3], None, None, None)[:3]
    return {
        "name": title.product,
        "type": display_name(title.family.value),
        "version": version.text,
        "architecture": title.architecture,
        "language": title.language,
        "filePath": copy.path,
        "fileSize": copy.size,
        "hash": {"algorithm": "SHA256", "value": copy.sha256},
        "downloadDate": _time(copy.created_at),
        "source": copy.source,
        "Family": display_name(title.family.value),
        "Name": names.get(title.product) or display_name(title.product),
        "Flavor": display_name(title.flavor),
        "Major version": major,
        "Minor version": minor,
        "Patch version": patch,
        "metadata": {
            "flavor": title.flavor,
            "edition": title.edition,
            "filename": copy.filename,
            "assurance": copy.assurance.value,
            "provedDate": _time(copy.proved_at) if copy.proved_at else None,
            "digests": dict(sorted(copy.digests.items())),
            **({"notes": dict(sorted(copy.metadata.items()))} if copy.metadata else {}),
        },
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def build_sums(copies: Iterable[Copy]) -> str:
    """GNU checksum lines that `sha256sum -c SHA256SUMS` proves from the repository's root."""
    return "".join(f"{one.sha256}  {one.path}\n" for one in indexed(copies))


def write_indexes(
    store: Store,
    copies: Iterable[Copy],
    repository: RepositoryRecord,
    page: Callable[[], str],
    *,
    now: datetime,
    names: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Bring the three files up to date; return the paths of those that had something new to say.

    The sums are written first: an inventory never speaks of a file that the sums do not prove. `page` is asked for only when
    one of the others is new, or there is no page: it costs more than they do.
    """
    held, names = indexed(copies), names or {}
    inventory = build_inventory(held, repository, now=now, names=names)
    written = [_write_if_new(store, SUMS, build_sums(held).encode()), _write_inventory(store, inventory)]
    if any(written) or store.stat(PAGE) is None:
        written.append(_write_if_new(store, PAGE, page().encode()))
    return tuple(filter(None, written))


def _write_if_new(store: Store, path: str, data: bytes) -> str:
    return write_if_new(store, path, data, *read_index(store, path))


def write_if_new(store: Store, path: str, data: bytes, there: bytes | None, etag: str) -> str:
    """Write a document that says something else than what is `there`; its path, "" when it does not."""
    if there == data:
        return ""
    store.replace_small(path, data, if_match=etag)
    return path


def _write_inventory(store: Store, inventory: dict[str, Any]) -> str:
    there, etag = read_index(store, INVENTORY)
    if there is not None and _without_time(there) == _without_time(inventory):
        return ""
    data = json.dumps(inventory, indent=2, ensure_ascii=False).encode() + b"\n"
    store.replace_small(INVENTORY, data, if_match=etag)
    return INVENTORY


def _without_time(document: bytes | dict[str, Any]) -> object:
    """The document but for the time it was made; None for bytes that are no such document, which are then written anew."""
    if isinstance(document, bytes):
        try:
            document = json.loads(document)
        except ValueError:
            return None
    return {**document, "generated": ""} if isinstance(document, dict) else None


def read_index(store: Store, path: str) -> tuple[bytes | None, str]:
    """A small document of the repository and its etag; None and "" when there is none."""
    entry = store.stat(path)
    if entry is None:
        return None, ""
    try:
        return store.read(path, 0, _MAX_INDEX_BYTES, if_match=entry.etag), entry.etag
    except StoreError as error:
        if error.code != "missing":
            raise
        return None, ""
