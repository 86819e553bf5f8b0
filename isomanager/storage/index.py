"""What a repository says of itself: `inventory.json`, `SHA256SUMS` with its signature, `index.html`, and what others read.

Built by pure functions from the copies it holds (the page elsewhere), and written only when they say something new. Whoever
writes holds the repository's lease.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from isomanager.errors import StoreError
from isomanager.model import Copy, CopyState, Publication, RepositoryRecord
from isomanager.storage.contract import INTERNAL, Entry, Store
from isomanager.storage.layout import display_name
from isomanager.storage.publications import PUBLISHED_PATHS, Publications
from isomanager.trust.minisign import verify_minisign
from isomanager.trust.site_key import SiteKey

INVENTORY = "inventory.json"
SUMS = "SHA256SUMS"
PAGE = "index.html"
ALIASES = "aliases.json"
SIGNATURE = f"{SUMS}.minisig"
SCHEMA_VERSION = "1.0"

_MAX_INDEX_BYTES = 1 << 30
_GENERATED = b'"generated": "'
_PUBLISHED = f"{INTERNAL}/published"
_MAY_GO = PUBLISHED_PATHS | {SIGNATURE}
"""Nothing else is removed, whatever the note of what was published says."""


def indexed(copies: Iterable[Copy]) -> Iterator[Copy]:
    """The copies a repository vouches for: held, with known bytes."""
    return (one for one in copies if one.state is CopyState.HELD and one.sha256 is not None)


def inventory_pieces(
    copies: Iterable[Copy], repository: RepositoryRecord, *, now: datetime, names: Mapping[str, str]
) -> Iterator[str]:
    """Pieces of the inventory document. `names` gives products' display names. Paths are relative to the repository, so that it can
    be moved, mounted elsewhere, or served."""
    about = {
        "path": repository.url,
        "name": repository.name,
        "structure": repository.layout,
        "description": repository.description,
    }
    head = {"version": SCHEMA_VERSION, "generated": _time(now), "repository": about}
    yield json.dumps(head, indent=2, ensure_ascii=False)[:-2] + ',\n  "isos": ['
    between, after = "\n    ", ""
    for copy in indexed(copies):
        # no text in JSON has a line break of its own
        yield between + json.dumps(_inventory_item(copy, names), indent=2, ensure_ascii=False).replace("\n", "\n    ")
        between, after = ",\n    ", "\n  "
    yield after + "]\n}\n"


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


def sum_line(copy: Copy) -> str:
    """A GNU checksum line, of which `sha256sum -c SHA256SUMS` proves the file from the repository's root."""
    return f"{copy.sha256}  {copy.path}\n"


def write_indexes(
    store: Store,
    copies: Iterable[Copy],
    repository: RepositoryRecord,
    page: Callable[[], Iterable[str]],
    *,
    now: datetime,
    names: Mapping[str, str] | None = None,
    key: SiteKey | None = None,
    formats: Sequence[Publication] = (),
) -> tuple[str, ...]:
    """Bring the files up to date; return the paths of those that had something new to say, or went. The copies come by path, and
    are looked at once, one after the other.

    The sums are written first, their signature (by `key`) right behind them: an inventory never speaks of a file that the sums do
    not prove, and a reader who comes in between has a signature that does not hold, never one that holds for less. `page` is asked
    for only when one of the others is new, or there is no page: it costs more than they do.
    """
    lines: list[str] = []
    publications = Publications(formats, repository)

    def passing() -> Iterator[Copy]:
        for copy in indexed(copies):
            lines.append(sum_line(copy))
            publications.add(copy)
            yield copy

    inventory = encoded(inventory_pieces(passing(), repository, now=now, names=names or {}))
    sums, others = encoded(lines), publications.documents()
    written = [*_announce(store, {*others, *([SIGNATURE] if key else [])}), _write_if_new(store, SUMS, sums)]
    if key:
        written.append(_sign(store, sums, key, now))
    written.append(_write_if_new(store, INVENTORY, inventory, but=_time_in(inventory)))
    del inventory, lines[:]
    written += [_write_if_new(store, path, data) for path, data in others.items()]
    if any(written) or store.stat(PAGE) is None:
        written.append(_write_if_new(store, PAGE, encoded(page())))
    return tuple(filter(None, written))


def encoded(pieces: Iterable[str]) -> bytes:
    """A document's bytes, in memory once."""
    document = BytesIO()
    for piece in pieces:
        document.write(piece.encode())
    return document.getvalue()


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


def write_if_new(store: Store, path: str, data: bytes, there: bytes | None, etag: str) -> str:
    """Write a document that says something else than what is `there`; its path, "" when it does not."""
    if there == data:
        return ""
    store.replace_small(path, data, if_match=etag)
    return path


def _write_if_new(store: Store, path: str, data: bytes, *, but: slice = slice(0, 0)) -> str:
    """Write a document unless it is there; what its bytes `but` say makes no difference. Its path, "" when it is."""
    there = store.stat(path)
    if there is not None and there.size == len(data) and _says(store, there, data, but):
        return ""
    store.replace_small(path, data, if_match=there.etag if there else "")
    return path


def _says(store: Store, there: Entry, data: bytes, but: slice) -> bool:
    """Whether the file, of the same length, has these bytes; it is read piece by piece."""
    step = max(store.traits.read_size, but.stop)
    for start in range(0, len(data), step):
        found = store.read(there.path, start, min(step, len(data) - start), if_match=there.etag)
        expected = data[start : start + step]
        if not start:
            found, expected = (one[: but.start] + one[but.stop :] for one in (found, expected))
        if found != expected:
            return False
    return True


def _time_in(inventory: bytes) -> slice:
    """Where in the document the time stands at which it was made."""
    start = inventory.index(_GENERATED) + len(_GENERATED)
    return slice(start, inventory.index(b'"', start))


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
