"""Prove again: a file held against its receipt, offline. Needs no library, no database and no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isomanager.catalogue.checksums import parse_checksums
from isomanager.errors import Refused, UsageError
from isomanager.library.opening import Library
from isomanager.library.pinned_keys import keys_for, proof_rules
from isomanager.model import ALGORITHMS, Digests, Receipt
from isomanager.storage.index import SUMS
from isomanager.storage.receipts import RECEIPTS
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.progress import Progress, silent
from isomanager.trust.receipt import MAX_RECEIPT_BYTES, read_receipt
from isomanager.trust.rejudging import Pins, Rejudged, rejudge

_PIECE = 4 << 20
_MAX_SUMS = 64 << 20


def prove_again(
    library: Library, file: Path, receipt: Path | None = None, progress: Progress = silent
) -> dict[str, Any]:
    """Whether the receipt, given or found in the repository that the file is in, still proves the file.

    The form: `path`, `receipt`, `valid`, `code`, `reasons`, `title`, `sha256`, `size`, `assurance`, `signed_by`, `proved_at`.
    UsageError for a file that cannot be read, and for one without a receipt beside it.
    """
    kept = receipt or _beside(file, progress)
    told: dict[str, Any] = {"path": str(file), "receipt": str(kept)}
    try:
        read = read_receipt(_bytes(kept, MAX_RECEIPT_BYTES))
    except Refused as wrong:
        return {**told, "valid": False, "code": wrong.code, "reasons": [wrong.message]}
    size, digests = _taken(file, [*read.digests], progress)
    result = rejudge(read, file, size, digests, library.keyring, pins_of(library, read), now=library.now())
    return {**told, **_told(read, result, size, digests)}


def _told(receipt: Receipt, result: Rejudged, size: int, digests: Digests) -> dict[str, Any]:
    return {
        "valid": result.valid,
        "code": result.code,
        "reasons": list(result.reasons),
        "title": str(receipt.title),
        "sha256": digests["sha256"],
        "size": size,
        "assurance": (result.assurance if result.valid else "none"),
        "signed_by": result.signer.primary if result.signer else None,
        "proved_at": receipt.proved_at.isoformat(),
    }


def judged_receipt(library: Library, receipt: Receipt) -> Rejudged:
    """What a receipt shows today of bytes that have its digests: for places whose files are read later, when they are copied."""
    return rejudge(
        receipt, b"", receipt.size, receipt.digests, library.keyring, pins_of(library, receipt), now=library.now()
    )


def pins_of(library: Library, receipt: Receipt) -> Pins:
    """What the catalogue pins today for a receipt's title."""
    product = library.product_of(receipt.title)
    if product is None:
        return Pins()
    known = product.known.get(receipt.filename)
    legacy = any(rule.legacy for rule in proof_rules(product))
    return Pins(keys_for(product, receipt.title), known.digests if known else None, legacy)


def _beside(file: Path, progress: Progress) -> Path:
    """The receipt of the bytes that the repository around `file` has under this name, else of those that the file has."""
    place = file.absolute()
    root = next((one for one in place.parents if (one / RECEIPTS).is_dir()), None)
    if root is None:
        raise UsageError(
            f"There is no receipt beside {file}: it is in no repository.",
            hint="Give it: isomanager verify --from-receipt FILE RECEIPT.json",
        )
    listed = _listed(root, place.relative_to(root).as_posix())
    sha256 = listed or _taken(file, [], progress)[1]["sha256"]
    kept = root / RECEIPTS / f"{sha256}.json"
    if not kept.is_file():
        raise UsageError(
            f"The repository {root} has no receipt of {file} (SHA-256 {sha256}).",
            hint="It did not come through isomanager, or has been changed since; `isomanager verify` says more of what is held.",
        )
    return kept


def _listed(root: Path, path: str) -> str:
    """What the repository's own SHA256SUMS says of a path; "" when it says nothing."""
    try:
        text = _bytes(root / SUMS, _MAX_SUMS).decode("utf-8", "surrogateescape")
    except UsageError:
        return ""
    return next((one.digest for one in parse_checksums(text) if one.name == path and one.algorithm == "sha256"), "")


def _taken(file: Path, algorithms: list[str], progress: Progress) -> tuple[int, Digests]:
    wanted = {"sha256", *(one for one in algorithms if one in ALGORITHMS)}
    done = 0

    def pieces() -> Any:
        nonlocal done
        with file.open("rb") as opened:
            while piece := opened.read(_PIECE):
                done += len(piece)
                progress(done, None)
                yield piece

    try:
        digests = digests_of(pieces(), wanted)
    except OSError as wrong:
        raise UsageError(f"{file} cannot be read: {wrong.strerror}.") from wrong
    return done, digests


def _bytes(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(most + 1)
    except OSError as wrong:
        raise UsageError(f"{file} cannot be read: {wrong.strerror}.") from wrong
