"""What a repository says of itself: `inventory.json`, `SHA256SUMS` with its signature, `index.html`, and what others read.

Built by pure functions from the copies it holds (the page elsewhere), and written only when they say something new. Whoever
writes holds the repository's lease.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from isomanager.errors import StoreError
from isomanager.model import Copy, CopyState, Publication, RepositoryRecord
from isomanager.storage.contract import INTERNAL, Store
from isomanager.storage.layout import display_name
from isomanager.storage.publications import PUBLISHED_PATHS, build_publications
from isomanager.trust.minisign import verify_minisign
from isomanager.trust.site_key import SiteKey

INVENTORY = "inventory.json"
SUMS = "SHA256SUMS"
PAGE = "index.html"
ALIASES = "aliases.json"
SIGNATURE = f"{SUMS}.minisig"
SCHEMA_VERSION = "1.0"

_MAX_INDEX_BYTES = 1 << 30
_PUBLISHED = f"{INTERNAL}/published"
_MAY_GO = PUBLISHED_PATHS | {SIGNATURE}
"""Nothing else is removed, whatever the note of what was published says."""


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
    key: SiteKey | None = None,
    formats: Sequence[Publication] = (),
) -> tuple[str, ...]:
    """Bring the files up to date; return the paths of those that had something new to say, or went.

    The sums are written first, their signature (by `key`) right behind them: an inventory never speaks of a file that the sums do
    not prove, and a reader who comes in between has a signature that does not hold, never one that holds for less. `page` is asked
    for only when one of the others is new, or there is no page: it costs more than they do.
    """
    held, names = indexed(copies), names or {}
    inventory = build_inventory(held, repository, now=now, names=names)
    sums, others = build_sums(held).encode(), build_publications(held, formats, repository)
    written = [*_announce(store, {*others, *([SIGNATURE] if key else [])}), _write_if_new(store, SUMS, sums)]
    if key:
        written.append(_sign(store, sums, key, now))
    written.append(_write_inventory(store, inventory))
    written += [_write_if_new(store, path, data) for path, data in others.items()]
    if any(written) or store.stat(PAGE) is None:
        written.append(_write_if_new(store, PAGE, page().encode()))
    return tuple(filter(None, written))


def _announce(store: Store, wanted: set[str]) -> list[str]:
    """Note which files besides its own three the repository publishes, before they are there, and remove those that it published
    and no longer does: only what was noted is ever removed. The paths of what went."""
    noted, etag = read_index(store, _PUBLISHED)
    before = {*(noted or b"").decode("utf-8", "replace").splitlines()} & _MAY_GO
    for path in before - wanted:
        store.delete(path)
    if before != wanted:
        write_if_new(store, _PUBLISHED, "".join(f"{path}\n" for path in sorted(wanted)).encode(), noted, etag)
    return sorted(before - wanted)


def _sign(store: Store, sums: bytes, key: SiteKey, now: datetime) -> str:
    """A signature that holds for these sums stays, with the time it was made."""
    there, etag = read_index(store, SIGNATURE)
    if there is not None and verify_minisign(sums, there, (key.public,)).valid:
        return ""
    comment = f"timestamp:{int(now.timestamp())}\tfile:{SUMS}\thashed"
    return write_if_new(store, SIGNATURE, key.sign(sums, comment=comment), there, etag)


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
