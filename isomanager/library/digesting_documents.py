"""Digests: what a checksum document on disk says, and whether the keys of a product, or given ones, signed it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isomanager.errors import Refused, UsageError
from isomanager.library.opening import Library
from isomanager.library.pinned_keys import pinned_for, pinned_keys, proof_rules
from isomanager.trust.digest_report import report_digests as report
from isomanager.trust.evidence import MAX_CHECKSUMS_BYTES
from isomanager.trust.key_material import read_key_material
from isomanager.trust.keyring import Keyring


def report_digests(
    library: Library, file: Path, *, signature: Path | None = None, product: str = "", keys: Sequence[Path] = ()
) -> dict[str, Any]:
    """The report of `isomanager digests`. Given key files are trusted for this answer only, old forms included.

    For a product, `pinned_for` says which releases the signer may vouch for: Fedora 43's key says nothing of 44.
    """
    document = _bytes(file)
    signed = _bytes(signature) if signature else None
    if keys:
        materials = [(read_key_material(_bytes(one), str(one)), _bytes(one)) for one in keys]
        ring = Keyring.of(*(content for read, content in materials if not read.spelled))
        pinned = tuple(dict.fromkeys(pin for read, _ in materials for pin in read.pins))
        return report(document, ring, pinned, now=library.now(), signature=signed, legacy=True, name=file.name)
    known = library.catalogue.product(product) if product else None
    pinned = pinned_keys(known) if known else ()
    legacy = known is not None and any(proof.legacy for proof in proof_rules(known))
    told = report(document, library.keyring, pinned, now=library.now(), signature=signed, legacy=legacy, name=file.name)
    if known is not None:
        told["signature"]["pinned_for"] = list(pinned_for(known, told["signature"]["primary_fingerprint"] or ""))
    return told


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_CHECKSUMS_BYTES + 1)
    except OSError as wrong:
        raise UsageError(f"{file} cannot be read: {wrong.strerror}.") from wrong
    if len(content) > MAX_CHECKSUMS_BYTES:
        raise Refused(
            f"{file} is larger than {MAX_CHECKSUMS_BYTES} bytes, which no checksum document is.",
            code="oversized-document",
            file=str(file),
        )
    return content
