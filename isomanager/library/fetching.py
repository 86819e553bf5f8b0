"""Fetch: an image straight to a file, without a library; and a file held against a digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isomanager.errors import Refused, StoreError, UsageError
from isomanager.library.opening import Library
from isomanager.library.requesting import Asked, judge_request
from isomanager.model import ALGORITHMS, Expectation, Receipt, Refusal, Value
from isomanager.storage.contract import INTERNAL
from isomanager.storage.layout import stored_filename
from isomanager.storage.local import LocalStore
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.download import Limits, Progress, Request, download, silent
from isomanager.transfer.resuming import partial_named
from isomanager.trust.receipt import needed_algorithms, prove

_PIECE = 4 << 20


class Fetched(Value):
    """A file that was fetched and proved: where it is, and what is known of it."""

    path: str
    size: int
    sha256: str
    digests: dict[str, str]
    assurance: str
    reasons: tuple[str, ...]
    url: str
    seconds: float
    resumed_at: int


def fetch(library: Library, asked: Asked, to: Path | None = None, progress: Progress = silent) -> Fetched:
    """Download what is asked for to the file or folder `to` (the setting download_path when it is not given).

    The file appears under its name only when it is whole and proved. A file that is there already is an error, unless it is
    to be replaced (`asked.force`). An interrupted download goes on where it stopped when it is asked for again.
    """
    expectation = judge_request(library, asked)
    target = _target(library, to, expectation)
    _refuse_existing(target, asked.force)
    store = LocalStore(target.parent)
    request = Request(
        urls=expectation.offer.urls,
        final=target.name,
        key=hashlib.sha256(f"{target.name}|{expectation.offer.urls}".encode()).hexdigest()[:16],
        size=expectation.size,
        algorithms=needed_algorithms(expectation),
        expected=expectation.digests,
        policy=library.policy(library.product_of(expectation.offer.title)),
    )
    limits = Limits.of(library.settings)
    received = download(request, store, library.client, limits=limits, progress=progress, stop=library.stop)
    found = partial_named(store, request.key)
    if found is None:
        raise StoreError(f"The bytes of {target.name} are no longer in {target.parent}.", code="missing")
    judged = prove(expectation, received, now=library.now())
    if isinstance(judged, Refusal):
        store.reopen(found).discard()
        raise _refused(judged)
    if asked.force:
        store.delete(target.name)
    store.reopen(found).publish(received.size)
    _tidy(target.parent)
    return _fetched(target, judged, received.url, received.seconds, received.resumed_at)


def _target(library: Library, to: Path | None, expectation: Expectation) -> Path:
    place = to or library.settings.download_path
    if to is None or place.is_dir() or str(to).endswith(("/", "\\")):
        place.mkdir(parents=True, exist_ok=True)
        return place.absolute() / stored_filename(expectation.offer)
    return place.absolute()


def _refuse_existing(target: Path, force: bool) -> None:
    if target.exists() and not force:
        raise StoreError(
            f"{target} is there already.", code="name-taken", hint="Give another name, or --force to replace it."
        )


def _refused(refusal: Refusal) -> Refused:
    return Refused(refusal.reason, code=refusal.code, filename=refusal.offer.filename)


def _tidy(folder: Path) -> None:
    """Leave no empty working folders behind in somebody's download folder; what is still unfinished stays."""
    internal = folder / INTERNAL
    for lock in internal.glob("*.lock"):
        lock.unlink(missing_ok=True)
    for one in (*internal.glob("*"), internal):
        if one.is_dir() and not any(one.iterdir()):
            one.rmdir()


def _fetched(target: Path, receipt: Receipt, url: str, seconds: float, resumed_at: int) -> Fetched:
    return Fetched(
        path=str(target),
        size=receipt.size,
        sha256=receipt.sha256,
        digests=receipt.digests,
        assurance=receipt.assurance.value,
        reasons=receipt.reasons,
        url=url,
        seconds=seconds,
        resumed_at=resumed_at,
    )


def check_file(file: Path, expected: str, algorithm: str, *, quick: bool = False) -> dict[str, Any]:
    """A file's digest, and whether it is the expected one. `quick` looks at the size alone.

    `expected` may be in any case; its length must be that of the algorithm, so that a digest of another kind is not taken for
    a damaged file.
    """
    name = algorithm.lower().replace("-", "")
    if name not in ALGORITHMS:
        raise UsageError(f"'{algorithm}' is no digest algorithm here.", hint=f"There are {', '.join(ALGORITHMS)}.")
    wanted = expected.strip().lower()
    length = hashlib.new(name, usedforsecurity=False).digest_size * 2
    if wanted and len(wanted) != length:
        raise UsageError(f"A {name} digest has {length} hexadecimal digits; {len(wanted)} were given.")
    found = "" if quick else digests_of(_pieces(file), [name])[name]
    valid = file.stat().st_size > 0 and (quick or not wanted or found == wanted)
    told = {
        True: "as expected" if wanted and not quick else "readable",
        False: f"wrong: {wanted or 'empty'} was expected",
    }
    return {
        "path": str(file),
        "size": file.stat().st_size,
        "algorithm": name,
        "digest": found,
        "expected": wanted,
        "valid": valid,
        "result": told[valid],
    }


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece
