"""Receive: the bytes of an expectation, whole and unpacked.

An image that is packed upstream passes through local staging, where its packed bytes are held against the evidence before
anything is unpacked; the image's own digests are taken as it goes into the repository. So does an image that is signed itself, on
its way to a store that cannot give unfinished bytes back for the signature to be checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

from isomanager.errors import Cancelled, Refused
from isomanager.library.opening import Library
from isomanager.library.proving_files import staged_signer, unpacked_signer
from isomanager.model import Expectation, PackedBytes, Received, Signer
from isomanager.storage.contract import Partial, Store, Validators
from isomanager.storage.local import LocalStore
from isomanager.transfer.digesting import Digester, digests_of
from isomanager.transfer.download import Limits, Request, download
from isomanager.transfer.progress import Progress, Stop
from isomanager.transfer.reading import stored_pieces
from isomanager.transfer.resuming import partial_named
from isomanager.transfer.unpacking import PIECE, unpack


def staging(library: Library) -> LocalStore:
    """Where packed files wait on this machine until they are unpacked."""
    return LocalStore(library.settings.data_folder / "staging")


def receive(
    library: Library, expectation: Expectation, store: Store, request: Request, progress: Progress, stop: Stop
) -> Received:
    """Fetch `request` into a closed partial of `store`, unpacked where upstream packs it. Raises as `download` does, and
    Refused for what cannot be unpacked within its bounds."""
    if expectation.offer.packing is not None or (expectation.file_signature and not store.traits.readable_partial):
        return _receive_staged(library, expectation, store, request, progress, stop)
    limits = Limits.of(library.settings)
    return download(request, store, library.client, limits=limits, progress=progress, stop=stop)


def _receive_staged(
    library: Library,
    expectation: Expectation,
    store: Store,
    request: Request,
    progress: Progress,
    stop: Stop,
) -> Received:
    """A staged file that is not what the evidence says goes no further: what is given back speaks of it alone, and `prove`
    refuses it."""
    packing = expectation.offer.packing
    started, stage, name = monotonic(), staging(library), f"{request.key}.packed"
    fetched = _staged(library, stage, name, request, progress, stop)
    packed = PackedBytes(size=fetched.size, digests=fetched.digests)
    if not _as_expected(expectation, packed):
        stage.delete(name)
        return fetched.model_copy(update={"packed": packed if packing else None})
    try:
        signer = staged_signer(library, expectation, stage.root / name)
        with _image_pieces(library, expectation, store, stage.root / name) as (pieces, inner_signer):
            algorithms = ("sha256",) if packing else request.algorithms
            whole = _stored(store, request, pieces, algorithms, stop, library.settings.transfer_window)
    except Refused:
        stage.delete(name)
        raise
    stage.delete(name)
    told = {"packed": packed if packing else None, "signer": signer or inner_signer, "url": fetched.url}
    return whole.model_copy(update={**told, "seconds": monotonic() - started})


@contextmanager
def _image_pieces(
    library: Library, expectation: Expectation, store: Store, file: Path
) -> Iterator[tuple[Iterator[bytes], Signer | None]]:
    """The image in the staged `file`, and who signed it, if that can only be seen here.

    A signature over the unpacked image is checked on a second staged file where the store gives no unfinished bytes back.
    """
    packing = expectation.offer.packing
    if packing is None:
        yield _as_it_is(file), None
    elif store.traits.readable_partial or expectation.file_signature is None:
        yield unpack(file, packing), None
    else:
        image = file.with_name(f"{file.name}.image")
        try:
            with image.open("wb") as unpacked:
                unpacked.writelines(unpack(file, packing))
            yield _as_it_is(image), unpacked_signer(library, expectation, image)
        finally:
            image.unlink(missing_ok=True)


def _staged(
    library: Library, stage: LocalStore, name: str, request: Request, progress: Progress, stop: Stop
) -> Received:
    """The packed file under `name` in the staging folder; one that an earlier run left there is read again."""
    there = stage.stat(name)
    if there is not None:
        digests = digests_of(stored_pieces(stage, name), request.algorithms)
        return Received(partial=request.key, size=there.size, digests=digests, resumed_at=there.size)
    limits = Limits.of(library.settings)
    received = download(
        replace(request, final=name), stage, library.client, limits=limits, progress=progress, stop=stop
    )
    found = partial_named(stage, request.key)
    if found is not None:
        partial = stage.reopen(found)
        partial.publish(received.size)
        partial.discard()
    return received


def _as_expected(expectation: Expectation, packed: PackedBytes) -> bool:
    sized = expectation.size in (None, packed.size)
    return sized and all(packed.digests.get(name) == digest for name, digest in expectation.digests.items())


def _stored(
    store: Store, request: Request, pieces: Iterator[bytes], algorithms: Sequence[str], stop: Stop, window: int
) -> Received:
    partial = store.begin(request.final, None, Validators(), key=request.key)
    digester, offset = Digester(algorithms, window), 0
    with _kept(partial, digester):
        for piece in _granules(pieces):
            if stop.is_set():
                raise Cancelled(f"{request.final}: stopped on its way from staging.")
            partial.write(offset, piece)
            digester.update(piece)
            offset += len(piece)
        digests = digester.finish()
    return Received(partial=request.key, size=offset, digests=digests)


def _as_it_is(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece


@contextmanager
def _kept(partial: Partial, digester: Digester) -> Iterator[None]:
    """Close whatever happens; an image unpacked in part is of no use, the packed file is still there to begin again."""
    try:
        yield
        partial.checkpoint()
    except BaseException:
        partial.discard()
        raise
    finally:
        digester.abandon()
        partial.close()


def _granules(pieces: Iterator[bytes]) -> Iterator[bytes]:
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        while len(gathered) >= PIECE:
            yield bytes(gathered[:PIECE])
            del gathered[:PIECE]
    if gathered:
        yield bytes(gathered)
