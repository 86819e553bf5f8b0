"""Scan: look at the files of a folder or store, decide what each is, and take in those that become images of the library."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from isomanager.errors import MediaError, StoreError, UsageError
from isomanager.inventory.seen_files import SeenFile
from isomanager.library.naming import slug, title_of
from isomanager.library.opening import LIVE, Library
from isomanager.media.guesses import Guess
from isomanager.media.identification import identify
from isomanager.media.opening import IMAGE_ENDINGS, read_stored
from isomanager.media.rules import RuleBook
from isomanager.model import Title
from isomanager.planning.scanning import SURE, FoundFile, ScanStep, plan_scan
from isomanager.storage.contract import Entry, Store
from isomanager.storage.opening import open_store
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.reading import stored_pieces
from isomanager.transfer.stopping import cancelled

STILL_GROWING = timedelta(minutes=1)
"""A file that changed less than this ago may still be being written to; `settle` of a scan says otherwise."""

_AT_ONCE = 4
_PATTERNS = tuple(f"*{ending}" for ending in IMAGE_ENDINGS)


@dataclass(frozen=True)
class Place:
    """Where a scan looks: a store of its own, or a repository of the library.

    `patterns` are globs on names; `quick` reads headers alone, so that no digest is known; `settle` is how long a file must have
    rested.
    """

    address: str = ""
    repository: str = ""
    patterns: tuple[str, ...] = _PATTERNS
    quick: bool = False
    settle: timedelta = STILL_GROWING


def scan(
    library: Library,
    place: Place,
    into: str,
    *,
    sure: float = SURE,
    answers: Mapping[str, Title | None] | None = None,
    told: Callable[[str], None] = lambda _path: None,
) -> tuple[ScanStep, ...]:
    """What is at `place`, and what would become of each file in the repository `into`. Nothing is changed but the memory of
    what was seen: a scan that is broken off goes on where it was.

    `told` hears of each file as it is looked at. StoreUnavailable when the place does not answer.
    """
    found = tuple(examine(library, place, told))
    copies = library.inventory.copies(into, states=LIVE)
    return plan_scan(found, copies, inside=place.repository == into, sure=sure, answers=answers)


def store_of(library: Library, place: Place) -> Store:
    """The store that a scan reads."""
    return library.store(place.repository) if place.repository else open_store(place.address)


def examine(library: Library, place: Place, told: Callable[[str], None] = lambda _path: None) -> Iterator[FoundFile]:
    """Every file of the place that its patterns fit, in order of path, several being looked at at once."""
    store = store_of(library, place)
    seen = library.inventory.seen(store.url)
    refused: list[str] = []
    entries = [entry for entry in store.list(refused=refused.append) if _fits(entry.path, place.patterns)]
    yield from (_troubled(path, "the folder cannot be looked into: permission denied") for path in refused)
    library.inventory.forget_seen(store.url, set(seen) - {entry.path for entry in entries})
    look = partial(_looked_at, library, store, RuleBook(library.catalogue), seen, place)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="scan") as pool:
        for found in pool.map(look, entries):
            told(found.path)
            yield found


def _fits(path: str, patterns: Sequence[str]) -> bool:
    name = path.rpartition("/")[2].lower()
    return any(
        fnmatch.fnmatchcase(name, one.lower()) or fnmatch.fnmatchcase(path.lower(), one.lower()) for one in patterns
    )


def _looked_at(
    library: Library, store: Store, rules: RuleBook, seen: Mapping[str, SeenFile], place: Place, entry: Entry
) -> FoundFile:
    if library.stop.is_set():
        raise cancelled(entry.path)
    if _spelled(entry.path) != entry.path:
        return _troubled(entry.path, "its name has bytes that are no letters in UTF-8; rename it first", entry.size)
    if _is_growing(entry, place.settle, library.now()):
        return FoundFile(path=entry.path, size=entry.size, growing=True)
    before = seen.get(entry.path)
    same = before is not None and (before.etag, before.size) == (entry.etag, entry.size)
    if before is not None and same and (before.sha256 or place.quick or before.found.get("trouble")):
        return FoundFile.model_validate(before.found)
    try:
        found = _read(library, store, rules, entry, place)
    except (
        StoreError
    ) as wrong:  # not of the file itself: it may be mended without a change to the file, so nothing is noted
        return _troubled(entry.path, wrong.message, entry.size)
    after = store.stat(entry.path) if place.settle else entry
    if after is None or (after.etag, after.size) != (entry.etag, entry.size):
        return FoundFile(
            path=entry.path, size=entry.size, growing=True
        )  # whatever its clock said, somebody writes to it
    note = SeenFile(
        path=entry.path, etag=entry.etag, size=entry.size, sha256=found.sha256, found=found.model_dump(mode="json")
    )
    library.inventory.note_seen(store.url, note)
    return found


def _troubled(path: str, why: str, size: int = 0) -> FoundFile:
    return FoundFile(path=_spelled(path), size=size, trouble=why)


def _spelled(path: str) -> str:
    """A path as text that can be kept and sent: bytes of a name that are no letters as escapes."""
    return path.encode("utf-8", "backslashreplace").decode()


def _is_growing(entry: Entry, settle: timedelta, now: datetime) -> bool:
    return bool(settle) and now - entry.modified_at < settle


def _read(library: Library, store: Store, rules: RuleBook, entry: Entry, place: Place) -> FoundFile:
    known = {"path": entry.path, "size": entry.size}
    try:
        metadata = read_stored(store, entry.path)
        sha256 = "" if place.quick else _digest(library, store, entry.path)
    except MediaError as wrong:
        return FoundFile(**known, trouble=wrong.message)
    if not metadata.is_complete:
        missing = metadata.needed - metadata.size
        return FoundFile(**known, sha256=sha256, trouble=f"it was cut off: {missing} bytes are missing")
    guess = _by_digest(library, sha256) or identify(metadata.said(entry.path.rpartition("/")[2]), rules)
    return FoundFile(
        **known,
        sha256=sha256,
        title=_title(library, guess),
        versionless=guess.version is None,
        confidence=guess.confidence,
        evidence=guess.evidence,
        alternatives=tuple(_named(one) for one in getattr(guess, "alternatives", ())),
    )


def _digest(library: Library, store: Store, path: str) -> str:
    def pieces() -> Iterator[bytes]:
        for piece in stored_pieces(store, path):
            if library.stop.is_set():
                raise cancelled(path)
            yield piece

    return digests_of(pieces(), ["sha256"])["sha256"]


def _by_digest(library: Library, sha256: str) -> Guess | None:
    """Bytes that have a receipt are what it says, however the file is called now."""
    receipts = library.inventory.receipts(sha256) if sha256 else ()
    if not receipts:
        return None
    title = receipts[-1].title
    return Guess(
        family=title.family.value, product=title.product, flavor=title.flavor, version=title.version.text,
        architecture=title.architecture, language=title.language, edition=title.edition, confidence=0.999,
        evidence=(f"its SHA-256 is that of {title}, which the library has known",),
    )  # fmt: skip


def _title(library: Library, guess: Guess) -> Title | None:
    if guess.product is None:
        return None
    with suppress(UsageError):  # words of a disc of which no title can be made: nobody knows what it is
        return title_of(
            library,
            guess.product,
            family=guess.family or "",
            flavor=guess.flavor or "",
            version=guess.version or "",
            architecture_text=guess.architecture or "",
            language=guess.language or "",
            edition=slug(guess.edition) if guess.edition else "",
        )
    return None


def _named(guess: Guess) -> str:
    return " ".join(filter(None, (guess.product, guess.version))) or "unknown"
