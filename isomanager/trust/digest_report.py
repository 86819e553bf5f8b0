"""What a checksum document says, as plain data: its entries, what is wrong with it, and whether its signature holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from isomanager.catalogue.checksums import DigestEntry, is_web_page, lookup, parse_checksums
from isomanager.errors import Refused
from isomanager.model import SignatureKind, text_of
from isomanager.trust.clearsigned import unproved_text
from isomanager.trust.keyring import Keyring
from isomanager.trust.proofs import algorithm_of_document
from isomanager.trust.signature import SignatureResult, refused
from isomanager.trust.signify import embedded_message
from isomanager.trust.verifying import kind_of, verify


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

    `keys` are the pins of which one must have signed; `signature` is a detached signature of any kind, without it the one that
    the document carries itself is checked; `name` is the document's file name, which may announce the algorithm.
    The form: `entries` (a list of `name`, `algorithm`, `digest`, and `size` in bytes when given), `signature` (`valid`, `kind`,
    `primary_fingerprint` and `signing_key` as far as known even when invalid, `signed_at`, `reason`, `note`), and `problem`
    (None, or `code` and `reason`: why no image would be believed by this document, whoever signed it).
    Of a document that carries its signature only the signed text is read. Entries are shown whether or not the signature is
    good: this is a report for people, and nothing is proved by it.
    """
    kind = kind_of(document, signature)
    if kind is None:
        result = refused("no-signature", "The document carries no signature, and none was given.")
    else:
        result = verify(kind, document, signature, keyring, keys, now=now, legacy=legacy)
    text = text_of(_readable(document, signature, result))
    entries = parse_checksums(text, algorithm=algorithm_of_document(name))
    return {
        "entries": [_told(entry) for entry in entries],
        "signature": _signature(result, kind),
        "problem": _problem(document, text, entries),
    }


def _readable(document: bytes, signature: bytes | None, result: SignatureResult) -> bytes:
    """The text that the document's own signature covers, or claims to; the whole of a document that carries none."""
    if result.payload is not None:
        return result.payload
    own = kind_of(document, None)
    if own is SignatureKind.CLEARSIGNED:
        return unproved_text(document)
    return embedded_message(document) if own is SignatureKind.SIGNIFY and signature is None else document


def _problem(document: bytes, text: str, entries: tuple[DigestEntry, ...]) -> dict[str, str] | None:
    if not document.strip():
        return {"code": "empty-document", "reason": "The document is empty."}
    if is_web_page(text):
        return {"code": "no-digest", "reason": "The document is a web page, not a checksum document."}
    if not entries:
        return {"code": "no-digest", "reason": "The document lists no digest."}
    for name in dict.fromkeys(entry.name for entry in entries):
        try:
            lookup([entry for entry in entries if entry.name == name], name)
        except Refused as wrong:
            return {"code": wrong.code, "reason": wrong.message}
    return None


def _told(entry: DigestEntry) -> dict[str, Any]:
    told: dict[str, Any] = {"name": entry.name, "algorithm": entry.algorithm, "digest": entry.digest}
    return told if entry.size is None else {**told, "size": entry.size}


def _signature(result: SignatureResult, kind: SignatureKind | None) -> dict[str, Any]:
    return {
        "valid": result.valid,
        "kind": kind.value if kind else None,
        "primary_fingerprint": result.primary_fingerprint,
        "signing_key": result.subkey_fingerprint,
        "signed_at": result.signed_at.isoformat() if result.signed_at else None,
        "reason": result.reason,
        "note": result.note,
    }
