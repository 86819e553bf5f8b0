"""Fetch: an image straight to a file, without a library."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from isomanager.errors import Refused, StoreError
from isomanager.library.linking import day_link_of
from isomanager.library.opening import Library
from isomanager.library.proving_files import file_signature
from isomanager.library.requesting import Asked, judge_request
from isomanager.library.sourcing import Places, places_of, receive_proved
from isomanager.library.trying_again import tried_again
from isomanager.model import Expectation, Receipt, Refusal, Value
from isomanager.storage.contract import INTERNAL
from isomanager.storage.layout import stored_filename
from isomanager.storage.local import LocalStore
from isomanager.transfer.download import Request
from isomanager.transfer.progress import Progress, silent
from isomanager.transfer.resuming import partial_named
from isomanager.trust.receipt import needed_algorithms, prove

_log = logging.getLogger(__name__)


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
    places = places_of(library, expectation)
    request = _request(library, expectation, places, target.name)
    size = expectation.size or expectation.offer.size
    with (
        library.space.reserved(store, request.key, request.final, size, library.now()),
        day_link_of(library, expectation.offer),
    ):
        received = tried_again(
            library, lambda: receive_proved(library, expectation, store, request, places, progress, library.stop)
        )
    found = partial_named(store, request.key)
    signature = file_signature(library, store, expectation, received)
    judged = prove(expectation, received, now=library.now(), file_signature=signature)
    if isinstance(judged, Refusal):
        if found is not None:
            store.reopen(found).discard()
        _tidy(target.parent)
        raise _refused(judged)
    if found is None:
        raise StoreError(f"The bytes of {target.name} are no longer in {target.parent}.", code="missing")
    if asked.force:
        store.delete(target.name)
    partial = store.reopen(found)
    partial.publish(received.size)
    partial.discard()  # what the store kept to recognise its own bytes after a crash; the file stays
    library.proved(request.key)
    _log.info("%s: %d bytes from %s, proved as %s", target, received.size, received.url, judged.assurance)
    _tidy(target.parent)
    return _fetched(target, judged, received.url, received.seconds, received.resumed_at)


def _request(library: Library, expectation: Expectation, places: Places, name: str) -> Request:
    """What is asked of the transfer; its key is the same whenever the same is asked for, so that it goes on where it was."""
    offer = expectation.offer
    told = f"{name}|{offer.urls}{_torrent_of(expectation)}"
    return Request(
        urls=places.urls,
        final=name,
        key=hashlib.sha256(told.encode()).hexdigest()[:16],
        size=expectation.size,
        algorithms=needed_algorithms(expectation),
        expected=expectation.digests,
        policy=library.policy(library.product_of(offer.title), offer.urls),
        policies=places.policies,
    )


def _torrent_of(expectation: Expectation) -> str:
    torrent = expectation.offer.torrent
    return f"|{torrent.url}{torrent.info_hash}" if torrent and not expectation.offer.urls else ""


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
