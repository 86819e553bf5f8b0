"""What a checksum document says, as plain data: its entries, and whether its signature holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from isomanager.catalogue.checksums import parse_checksums
from isomanager.trust.clearsigned import is_clearsigned, unproved_text
from isomanager.trust.keyring import Keyring
from isomanager.trust.openpgp import verify_clearsigned, verify_detached
from isomanager.trust.proofs import algorithm_of_document
from isomanager.trust.signature import SignatureResult, refused


def report_digests(
    document: bytes,
    keyring: Keyring,
    keys: tuple[str, ...],
    *,
    now: datetime,
    signature: bytes | None = None,
    legacy: bool = False,
    name: str = "",
) -> dict[str, Any]:
    """The entries of `document` and the state of its signature, ready for JSON.

    `keys` are the full primary fingerprints of which one must have signed; `signature` is a detached signature, without it the
    document's own clearsigned block is checked; `name` is the document's file name, which may announce the algorithm.
    The form: `entries` (a list of `name`, `algorithm`, `digest`, and `size` in bytes when given), `signature` (`valid`,
    `primary_fingerprint` and `signing_key` as far as known even when invalid, `signed_at`, `reason`, `note`).
    Of a clearsigned document only the signed block is read. Entries are shown whether or not the signature is good: this is a
    report for people, and nothing is proved by it.
    """
    clearsigned = is_clearsigned(document)
    if signature is not None:
        result = verify_detached(document, signature, keyring, keys, now=now, legacy=legacy)
    elif clearsigned:
        result = verify_clearsigned(document, keyring, keys, now=now, legacy=legacy)
    else:
        result = refused("no-signature", "The document carries no signature, and none was given.")
    text = (result.payload or unproved_text(document)) if clearsigned else document
    return {"entries": _entries(text, algorithm_of_document(name)), "signature": _signature(result)}


def _entries(text: bytes, algorithm: str) -> list[dict[str, Any]]:
    entries = parse_checksums(text.decode("utf-8", "surrogateescape"), algorithm=algorithm)
    return [
        {"name": entry.name, "algorithm": entry.algorithm, "digest": entry.digest}
        | ({"size": entry.size} if entry.size is not None else {})
        for entry in entries
    ]


def _signature(result: SignatureResult) -> dict[str, Any]:
    return {
        "valid": result.valid,
        "primary_fingerprint": result.primary_fingerprint,
        "signing_key": result.subkey_fingerprint,
        "signed_at": result.signed_at.isoformat() if result.signed_at else None,
        "reason": result.reason,
        "note": result.note,
    }
