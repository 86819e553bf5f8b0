"""Fetching what an offer's proofs point to: checksum documents and signatures, before any byte of the image."""

from __future__ import annotations

from isomanager.catalogue.documents import DocumentSource
from isomanager.errors import FetchRefused, PermanentError, ResolveError
from isomanager.model import Document, Offer, Proof, SignatureKind
from isomanager.trust.certificates import normalised
from isomanager.trust.keyring import Keyring

MAX_CHECKSUMS_BYTES = 4 << 20
"""The largest checksum document that is believed; the largest seen upstream has some hundred kilobytes."""

MAX_SIGNATURE_BYTES = 256 << 10
"""The largest detached signature that is believed."""

FETCHED_KEYS = (SignatureKind.OPENPGP, SignatureKind.CLEARSIGNED, SignatureKind.RSA)
"""Kinds of signatures whose keys are pinned by fingerprint, and fetched."""

_ABSENT_STATUSES = frozenset({404, 410})


def gather_evidence(offer: Offer, documents: DocumentSource) -> tuple[Document, ...]:
    """The documents and signatures of every proof of `offer`, each once, in the order of the proofs.

    What upstream does not have (404, 410, or no saved document for it while offline) is left out, and `judge` says what that
    means. Anything else that goes wrong is raised: TransientError when it may come later, FetchRefused otherwise.
    """
    found = (_fetch(url, limit, documents) for url, limit in _wanted(offer.proofs).items())
    return tuple(document for document in found if document is not None)


def keys_to_obtain(offer: Offer, keyring: Keyring) -> tuple[str, ...]:
    """The pinned keys that have to be fetched before `judge`: those of proofs of which no key is in `keyring` yet.

    signify and minisign keys are pinned whole.
    """
    lacking = (
        key
        for proof in offer.proofs
        if proof.signature is not None
        and proof.signature.kind in FETCHED_KEYS
        and not any(keyring.has(one) for one in proof.signers)
        for key in proof.signers
    )
    return tuple(dict.fromkeys(normalised(key) for key in lacking))


def _wanted(proofs: tuple[Proof, ...]) -> dict[str, int]:
    wanted: dict[str, int] = {}
    for proof in proofs:
        if proof.document is not None:
            wanted[proof.document] = MAX_CHECKSUMS_BYTES
        if proof.signature is not None and proof.signature.url is not None:
            wanted.setdefault(proof.signature.url, MAX_SIGNATURE_BYTES)
    return wanted


def _fetch(url: str, limit: int, documents: DocumentSource) -> Document | None:
    try:
        return documents.fetch(url, max_bytes=limit)
    except (FetchRefused, ResolveError) as error:
        if not _is_absence(error):
            raise
        return None


def _is_absence(error: PermanentError) -> bool:
    if error.code == "http-status":
        return error.data.get("status") in _ABSENT_STATUSES
    return error.code == "document-missing"
