"""One signature of any kind, over a document or a file: which kind it is, and whether it holds."""

from __future__ import annotations

from datetime import datetime

from isomanager.model import SignatureKind
from isomanager.trust.claims import read_claims
from isomanager.trust.clearsigned import is_clearsigned
from isomanager.trust.keyring import Keyring
from isomanager.trust.minisign import inspect_minisign, verify_minisign
from isomanager.trust.openpgp import inspect_signature, verify_clearsigned, verify_detached
from isomanager.trust.rsa import inspect_rsa, read_rsa_signature, verify_rsa
from isomanager.trust.signature import SignatureResult, refused
from isomanager.trust.signed_data import Data, content_of
from isomanager.trust.signify import COMMENT, inspect_signify, verify_signify


def kind_of(document: bytes, signature: bytes | None) -> SignatureKind | None:
    """The kind of a detached signature, or of the one that a document carries itself; None when it carries none."""
    if signature is None:
        if is_clearsigned(document):
            return SignatureKind.CLEARSIGNED
        return SignatureKind.SIGNIFY if document.startswith(COMMENT) else None
    if signature.startswith(COMMENT):
        return SignatureKind.MINISIGN if b"\ntrusted comment:" in signature else SignatureKind.SIGNIFY
    if is_clearsigned(signature):
        return SignatureKind.CLEARSIGNED
    if b"-----BEGIN PGP" in signature or read_claims(signature) or read_rsa_signature(signature) is None:
        return SignatureKind.OPENPGP
    return SignatureKind.RSA


def verify(
    kind: SignatureKind,
    data: Data,
    signature: bytes | None,
    keyring: Keyring,
    pinned: tuple[str, ...],
    *,
    now: datetime,
    legacy: bool = False,
) -> SignatureResult:
    """Whether `data` is signed by one of the `pinned` keys; without `signature` it carries its own, and `payload` is its text.

    `pinned` are full primary fingerprints (OpenPGP), public keys as their files spell them (signify, minisign), or SHA-256
    fingerprints (RSA). Only `keyring` is read.
    """
    if kind is SignatureKind.CLEARSIGNED:
        return _clearsigned(data, signature, keyring, pinned, now, legacy)
    if kind is SignatureKind.SIGNIFY:
        return (
            verify_signify(content_of(data), pinned) if signature is None else verify_signify(signature, pinned, data)
        )
    if signature is None:
        return refused("no-signature", f"A {kind} signature stands in a file of its own, and none was given.")
    if kind is SignatureKind.MINISIGN:
        return verify_minisign(data, signature, pinned)
    if kind is SignatureKind.RSA:
        return verify_rsa(data, signature, keyring, pinned)
    return verify_detached(data, signature, keyring, pinned, now=now, legacy=legacy)


def inspect(
    kind: SignatureKind,
    signature: bytes,
    keyring: Keyring,
    pinned: tuple[str, ...],
    *,
    now: datetime,
    legacy: bool = False,
) -> SignatureResult | None:
    """What speaks against a detached signature before the bytes it covers are there; None when nothing does yet."""
    if kind is SignatureKind.SIGNIFY:
        return inspect_signify(signature, pinned)
    if kind is SignatureKind.MINISIGN:
        return inspect_minisign(signature, pinned)
    if kind is SignatureKind.RSA:
        return inspect_rsa(signature, keyring, pinned)
    return inspect_signature(signature, keyring, pinned, now=now, legacy=legacy)


def _clearsigned(
    data: Data, signature: bytes | None, keyring: Keyring, pinned: tuple[str, ...], now: datetime, legacy: bool
) -> SignatureResult:
    """A clearsigned document; or a plain one beside its clearsigned copy, whose text must then be the same."""
    document = content_of(data)
    if signature is None:
        return verify_clearsigned(document, keyring, pinned, now=now, legacy=legacy)
    result = verify_clearsigned(signature, keyring, pinned, now=now, legacy=legacy)
    if result.payload is None or _lines(result.payload) == _lines(document):
        return result
    note = "The signed text is another one than the document's."
    return refused("bad-signature", note, primary=result.primary_fingerprint, subkey=result.subkey_fingerprint)


def _lines(text: bytes) -> list[bytes]:
    # a clearsigned text says nothing of blanks at a line's end (RFC 9580, section 7.2)
    return [line.rstrip() for line in text.rstrip().splitlines()]
