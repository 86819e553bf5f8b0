"""Receive: the bytes of an expectation, whole and unpacked.

An image that is packed upstream passes through local staging, where its packed bytes are held against the evidence before
anything is unpacked; the image's own digests are taken as it goes into the repository. So does an image that is signed itself, on
its way to a store that cannot give unfinished bytes back for the signature to be checked.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

from isomanager.errors import ConfigurationError, FetchRefused, Refused, StoreUnavailable, TransientError
from isomanager.library.opening import Library
from isomanager.library.proving_files import staged_signer, unpacked_signer
from isomanager.library.torrenting import by_torrent, let_go_of, wants_torrent
from isomanager.model import Expectation, PackedBytes, Received, Signer
from isomanager.storage.contract import Store
from isomanager.storage.local import LocalStore
from isomanager.storage.sources import is_stored, open_stored
from isomanager.transfer.between import receive_stored
from isomanager.transfer.contacts import Contact
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.download import Limits, Request, download
from isomanager.transfer.progress import Progress, Stop
from isomanager.transfer.reading import stored_pieces
from isomanager.transfer.resuming import partial_named
from isomanager.transfer.storing import file_pieces, store_pieces
from isomanager.transfer.unpacking import unpack

_log = logging.getLogger(__name__)


def staging(library: Library) -> LocalStore:
    """Where packed files wait on this machine until they are unpacked."""
    return LocalStore(library.settings.data_folder / "staging")


def receive(
    library: Library,
    expectation: Expectation,
    store: Store,
    request: Request,
    progress: Progress,
    stop: Stop,
    contacts: Sequence[Contact] | None = None,
) -> Received:
    """Fetch `request` into a closed partial of `store`, unpacked where upstream packs it. Raises as `download` does, and
    Refused for what cannot be unpacked within its bounds. `contacts` are the request's own, for who wants to look at them."""
    if wants_torrent(library, expectation):
        received = _receive_by_torrent(library, expectation, store, request, progress, stop)
        if received is not None:
            return received
    if expectation.offer.packing is not None or (expectation.file_signature and not store.traits.readable_partial):
        return _receive_staged(library, expectation, store, request, progress, stop, contacts)
    limits = Limits.of(library.settings)
    if request.urls and is_stored(request.urls[0]):
        file = open_stored(request.urls[0])
        return receive_stored(file, request, store, limits=limits, progress=progress, stop=stop)
    return download(request, store, library.client, limits=limits, progress=progress, stop=stop, contacts=contacts)


def _receive_by_torrent(
    library: Library, expectation: Expectation, store: Store, request: Request, progress: Progress, stop: Stop
) -> Received | None:
    """What the torrent gave; None when it gave nothing and the image has addresses on the web."""
    started = monotonic()
    try:
        with by_torrent(library, expectation, request, progress, stop) as (file, fetched):
            whole = _from_stage(library, expectation, store, request, file, fetched, stop)
    except StoreUnavailable:
        raise
    except (TransientError, FetchRefused, ConfigurationError) as wrong:
        if not request.urls:
            raise
        let_go_of(library, request.key)
        _log.warning("%s comes from its address on the web instead: %s", request.final, wrong)
        return None
    return whole.model_copy(update={"seconds": monotonic() - started})


def _receive_staged(
    library: Library,
    expectation: Expectation,
    store: Store,
    request: Request,
    progress: Progress,
    stop: Stop,
    contacts: Sequence[Contact] | None,
) -> Received:
    """Over HTTP into the staging folder, and from there into the store. What another try could use again stays staged."""
    started, stage, name = monotonic(), staging(library), f"{request.key}.packed"
    size = request.size or expectation.offer.size
    with library.space.reserved(stage, request.key, name, size, library.now()):
        fetched = _staged(library, stage, name, request, progress, stop, contacts)
    try:
        whole = _from_stage(library, expectation, store, request, stage.root / name, fetched, stop)
    except Refused:
        stage.delete(name)
        raise
    stage.delete(name)
    return whole.model_copy(update={"seconds": monotonic() - started})


def _from_stage(
    library: Library,
    expectation: Expectation,
    store: Store,
    request: Request,
    file: Path,
    fetched: Received,
    stop: Stop,
) -> Received:
    """The image of the staged `file`, in the store. One that is not what the evidence says goes no further: what is given back
    speaks of the staged file alone, and `prove` refuses it."""
    packing = expectation.offer.packing
    packed = PackedBytes(size=fetched.size, digests=fetched.digests)
    if not _as_expected(expectation, packed):
        return fetched.model_copy(update={"packed": packed if packing else None})
    signer = staged_signer(library, expectation, file)
    with _image_pieces(library, expectation, store, file) as (pieces, inner_signer):
        whole = store_pieces(
            request,
            store,
            pieces,
            algorithms=("sha256",) if packing else request.algorithms,
            window=library.settings.transfer_window,
            stop=stop,
        )
    told = {"packed": packed if packing else None, "signer": signer or inner_signer, "sources": fetched.sources}
    return whole.model_copy(update={**told, "url": fetched.url, "resumed_at": 0 if packing else fetched.resumed_at})


@contextmanager
def _image_pieces(
    library: Library, expectation: Expectation, store: Store, file: Path
) -> Iterator[tuple[Iterator[bytes], Signer | None]]:
    """The image in the staged `file`, and who signed it, if that can only be seen here.

    A signature over the unpacked image is checked on a second staged file where the store gives no unfinished bytes back.
    """
    packing = expectation.offer.packing
    if packing is None:
        yield file_pieces(file), None
    elif store.traits.readable_partial or expectation.file_signature is None:
        yield unpack(file, packing), None
    else:
        image = file.with_name(f"{file.name}.image")
        try:
            with image.open("wb") as unpacked:
                unpacked.writelines(unpack(file, packing))
            yield file_pieces(image), unpacked_signer(library, expectation, image)
        finally:
            image.unlink(missing_ok=True)


def _staged(
    library: Library,
    stage: LocalStore,
    name: str,
    request: Request,
    progress: Progress,
    stop: Stop,
    contacts: Sequence[Contact] | None,
) -> Received:
    """The packed file under `name` in the staging folder; one that an earlier run left there is read again."""
    there = stage.stat(name)
    if there is not None:
        digests = digests_of(stored_pieces(stage, name), request.algorithms)
        return Received(partial=request.key, size=there.size, digests=digests, resumed_at=there.size)
    limits = Limits.of(library.settings)
    wanted = replace(request, final=name)
    received = download(wanted, stage, library.client, limits=limits, progress=progress, stop=stop, contacts=contacts)
    found = partial_named(stage, request.key)
    if found is not None:
        partial = stage.reopen(found)
        partial.publish(received.size)
        partial.discard()
    return received


def _as_expected(expectation: Expectation, packed: PackedBytes) -> bool:
    sized = expectation.size in (None, packed.size)
    return sized and all(packed.digests.get(name) == digest for name, digest in expectation.digests.items())
