"""Small images travel together: read into memory, hashed, and put into each place with four commits for all of them.

A copy begins as publishing: its bytes are proved before the first of them is written, and each file appears whole or not at all. So
what a crash leaves is what recovery knows: a receipt, and a file that it proves, or none. Whatever is not plain goes alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

from isomanager.errors import IsoManagerError, StoreError
from isomanager.inventory.leases import Lease
from isomanager.library.leasing import copy_key, leased_all, reader_key
from isomanager.library.opening import Library
from isomanager.library.reserving import free_path
from isomanager.library.sync_planning import Load, Survey
from isomanager.library.sync_sources import SyncSource
from isomanager.library.syncing import expectation_of, outcome_of, receipt_of_copy, sync_image
from isomanager.model import Copy, CopyState, Expectation, Outcome, Receipt, Received
from isomanager.planning.syncing import Shared, SyncStep
from isomanager.storage.contract import Store
from isomanager.storage.receipts import keep_receipt, receipt_bytes, receipt_path
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.progress import Progress, silent
from isomanager.transfer.stopping import cancelled
from isomanager.trust.receipt import needed_algorithms, prove

_ALONE = frozenset({"name-taken", "already-held", "copy-exists", "not-plain"})
"""What an image going by itself settles: another name, or a refusal with everything that belongs to it."""


_Key = tuple[str, str]
"""A step: its destination, and the SHA-256 of its image."""
Told = dict[_Key, Outcome | IsoManagerError]


def _key(step: SyncStep) -> _Key:
    return step.destination, step.shared.sha256 if step.shared else ""


@dataclass(frozen=True, eq=False)
class _Came:
    """An image in memory, proved."""

    shared: Shared
    data: bytes
    expectation: Expectation
    receipt: Receipt


@dataclass(frozen=True, eq=False)
class _Delivery:
    """One of them on its way to one place."""

    step: SyncStep
    came: _Came
    copy: Copy


def bring(
    library: Library,
    source: SyncSource,
    load: Load,
    surveys: Mapping[str, Survey],
    *,
    verify: bool = False,
    link: bool = False,
    progress: Progress = silent,
) -> tuple[Outcome, ...]:
    """Bring a load to every place that its steps name; an outcome each, and one that fails costs the others nothing."""
    if not load.together:
        return sync_image(library, source, load.images[0], verify=verify, link=link, progress=progress)
    told: Told = {}
    lost = Event()
    with leased_all(library, _reader_keys(library, load), lost=lost):
        came = _read(library, source, load, told, progress, verify=verify)
        places: dict[str, list[tuple[SyncStep, _Came]]] = {}
        for step in load.steps:
            if step.shared is not None and step.shared.sha256 in came:
                places.setdefault(step.destination, []).append((step, came[step.shared.sha256]))
        with ThreadPoolExecutor(max(1, len(places)), thread_name_prefix="places") as pool:
            for outcomes in pool.map(lambda place: _deliver(library, place, places[place], surveys[place]), places):
                told |= outcomes
    return tuple(outcome for image in load.images for outcome in _settled(library, source, image, told, verify))


def _reader_keys(library: Library, load: Load) -> list[str]:
    copies = (image[0].shared.copy_id for image in load.images if image[0].shared is not None)
    return [reader_key(library, one) for one in copies if one]


def _settled(
    library: Library,
    source: SyncSource,
    image: tuple[SyncStep, ...],
    told: Mapping[_Key, Outcome | IsoManagerError],
    verify: bool,
) -> tuple[Outcome, ...]:
    alone = [step for step in image if isinstance(wrong := told[_key(step)], IsoManagerError) and wrong.code in _ALONE]
    outcomes = sync_image(library, source, alone, verify=verify) if alone else ()
    again = dict(zip(map(_key, alone), outcomes, strict=True))
    return tuple(again.get(_key(step)) or _outcome(step, told[_key(step)]) for step in image)


def _outcome(step: SyncStep, told: Outcome | IsoManagerError) -> Outcome:
    return outcome_of(step, None, told) if isinstance(told, IsoManagerError) else told


# reading


def _read(
    library: Library,
    source: SyncSource,
    load: Load,
    told: Told,
    progress: Progress,
    *,
    verify: bool,
) -> dict[str, _Came]:
    """What came, by its digest; why the rest did not goes into `told`."""
    total, done = sum(image[0].cost for image in load.images), 0
    receipts = source.receipts_of([image[0].shared for image in load.images if image[0].shared is not None])

    def read(image: tuple[SyncStep, ...]) -> _Came | IsoManagerError:
        shared = image[0].shared
        assert shared is not None  # noqa: S101 - copies name what they copy
        try:
            return _proved(library, source, shared, receipts[shared.sha256], verify=verify)
        except IsoManagerError as wrong:
            return wrong

    came: dict[str, _Came] = {}
    with ThreadPoolExecutor(source.store.traits.at_once, thread_name_prefix="reading-small") as pool:
        for image, one in zip(load.images, pool.map(read, load.images), strict=True):
            if isinstance(one, IsoManagerError):
                told.update(dict.fromkeys(map(_key, image), one))
            else:
                came[one.shared.sha256] = one
            done += image[0].cost
            progress(done, total)
    return came


def _proved(
    library: Library, source: SyncSource, shared: Shared, receipts: Sequence[Receipt], *, verify: bool
) -> _Came:
    if library.stop.is_set():
        raise cancelled(shared.path)
    expectation = expectation_of(library, source, shared, verify=verify)
    data = source.whole(shared)
    library.bandwidth.spend(f"{source.store.url}/{shared.path}", len(data), library.stop)
    digests = digests_of([data], needed_algorithms(expectation))
    address = f"{source.store.url.rstrip('/')}/{shared.path}"
    received = Received(partial="", size=len(data), digests=digests, url=address)
    judged = None if expectation.file_signature else prove(expectation, received, now=library.now())
    if not isinstance(judged, Receipt):
        raise StoreError(f"{shared.path} is not what it should be, or has more to be proved.", code="not-plain")
    return _Came(shared, data, expectation, receipt_of_copy(library, source, shared, receipts, judged))


# delivering


def _deliver(library: Library, place: str, images: Sequence[tuple[SyncStep, _Came]], seen: Survey) -> Told:
    """Put the images into one place; what became of each."""
    try:
        store = library.store(place)
        _require_room(store, sum(len(came.data) for _, came in images))
        layout = library.inventory.repository(place).layout
        going = [_Delivery(step, came, _new_copy(library, layout, step, came, seen)) for step, came in images]
        with leased_all(library, [copy_key(one.copy.id) for one in going]) as leases:
            return _put(library, store, going, leases)
    except IsoManagerError as wrong:
        return dict.fromkeys((_key(step) for step, _ in images), wrong)


def _require_room(store: Store, needed: int) -> None:
    free = store.space().free
    if free is not None and free < needed:
        told = f"Small images need {needed} bytes and {store.url} has {free} free."
        raise StoreError(told, code="no-space", needed=needed, free=free)


def _new_copy(library: Library, layout: str, step: SyncStep, came: _Came, seen: Survey) -> Copy:
    now, offer, place = library.now(), came.expectation.offer, step.destination
    path = free_path(
        library,
        place,
        offer.title,
        offer.save_as or offer.filename,
        came.receipt.sha256,
        taken=seen.is_taken,
        layout=layout,
    )
    seen.take(path)
    return Copy(
        id=secrets.token_hex(8), repository=place, path=path, title=offer.title, state=CopyState.PUBLISHING,
        sha256=came.receipt.sha256, size=came.receipt.size, digests=came.receipt.digests, assurance=came.receipt.assurance,
        fingerprint=came.expectation.fingerprint, filename=offer.filename, source="sync", reason=step.reason,
        metadata=came.shared.metadata, created_at=now, changed_at=now,
    )  # fmt: skip


def _put(library: Library, store: Store, going: Sequence[_Delivery], leases: Sequence[Lease]) -> Told:
    """Receipts, then the rows, then the files, then the rows again: in the order in which each relies on the one before."""
    failed = _keep_receipts(store, going)
    live = [(one, lease) for one, lease in zip(going, leases, strict=True) if one not in failed]
    if live:
        library.inventory.announce_all([one.copy for one, _ in live], [lease for _, lease in live])
        wrong = store.put_all({one.copy.path: one.came.data for one, _ in live})
        for one, lease in live:
            if one.copy.path in wrong:
                failed[one] = wrong[one.copy.path]
                _let_go(library, one.copy, lease, failed[one])
    held = library.inventory.record_all(
        [(one.copy.id, one.came.receipt, lease) for one, lease in live if one not in failed]
    )
    _release_quarantined(library, held)
    by_id = {copy.id: copy for copy in held}
    return {_key(one.step): failed.get(one) or outcome_of(one.step, by_id[one.copy.id], None) for one in going}


def _keep_receipts(store: Store, going: Sequence[_Delivery]) -> dict[_Delivery, IsoManagerError]:
    """Put the receipts; one whose name another receipt of that image has goes beside it."""
    receipts = {receipt_path(one.came.receipt.sha256): receipt_bytes(one.came.receipt) for one in going}
    wrong = store.put_all(receipts)
    failed: dict[_Delivery, IsoManagerError] = {}
    for one in going:
        told = wrong.get(receipt_path(one.came.receipt.sha256))
        if told is not None:
            try:
                if told.code != "name-taken":
                    raise told
                keep_receipt(store, one.came.receipt)
            except IsoManagerError as still:
                failed[one] = still
    return failed


def _let_go(library: Library, copy: Copy, lease: Lease, wrong: IsoManagerError) -> None:
    """A copy whose name is taken goes; of any other failure nobody knows how far it came: recovery looks."""
    if wrong.code == "name-taken":
        library.inventory.transition(
            copy.id, CopyState.GONE, expected=CopyState.PUBLISHING, lease=lease, reason=wrong.message
        )


def _release_quarantined(library: Library, held: Sequence[Copy]) -> None:
    """An earlier refusal of what is held now is refuted."""
    refused = {one.fingerprint for one in library.inventory.quarantined()} if held else set()
    for copy in held:
        if copy.fingerprint in refused:
            library.inventory.release_quarantined(copy.fingerprint, copy.title)
