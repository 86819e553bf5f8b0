"""A signature over the image itself, checked on a local copy of the unfinished bytes: the store may not be a disk."""

from __future__ import annotations

import tempfile
from pathlib import Path

from isomanager.errors import Refused, StoreError
from isomanager.library.opening import Library
from isomanager.model import Expectation, Received, Signer
from isomanager.storage.contract import Store
from isomanager.transfer.resuming import partial_named
from isomanager.trust.file_proof import prove_file
from isomanager.trust.signature import SignatureResult, good

_PIECE = 4 << 20


def file_signature(
    library: Library, store: Store, expectation: Expectation, received: Received
) -> SignatureResult | None:
    """What the signature that the expectation carries says of the received bytes; None when it carries none."""
    if expectation.file_signature is None:
        return None
    if received.signer is not None:
        return good(received.signer)  # it was checked in staging, before it went into the store
    if _covers_packed(expectation):
        return None  # the packed file is gone
    found = partial_named(store, received.partial)
    if found is None:
        name = expectation.offer.filename
        raise StoreError(f"The bytes of {name} that were received are no longer in {store.url}.", code="missing")
    partial = store.reopen(found)
    with tempfile.TemporaryDirectory(prefix="isomanager-") as folder:
        staged = Path(folder) / "image"
        with staged.open("wb") as file:
            for offset in range(0, received.size, _PIECE):
                file.write(partial.read(offset, min(_PIECE, received.size - offset)))
        partial.close()
        return prove_file(staged, expectation, library.keyring, now=library.now())


def staged_signer(library: Library, expectation: Expectation, file: Path) -> Signer | None:
    """Who signed the staged `file` as it came, None when nobody is expected to; Refused when the signature is not good."""
    if expectation.file_signature is None or (expectation.offer.packing and not _covers_packed(expectation)):
        return None
    return _good_signer(library, expectation, file)


def unpacked_signer(library: Library, expectation: Expectation, image: Path) -> Signer | None:
    """Who signed the image that was unpacked from a staged file, None when nobody is expected to; raises the same."""
    if expectation.file_signature is None or _covers_packed(expectation):
        return None
    return _good_signer(library, expectation, image)


def _good_signer(library: Library, expectation: Expectation, file: Path) -> Signer:
    result = prove_file(file, expectation, library.keyring, now=library.now())
    if result.signer is None:
        name = expectation.offer.filename
        raise Refused(f"The signature over {name} itself is not good: {result.note}", code=result.reason)
    return result.signer


def _covers_packed(expectation: Expectation) -> bool:
    proof = expectation.file_signature
    return proof is not None and proof.covers == "file" and expectation.offer.packing is not None
