"""One proof of an offer, judged from the documents it points to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from isomanager.catalogue.checksums import algorithm_named, is_web_page, lookup, lookup_size, parse_checksums
from isomanager.errors import Refused
from isomanager.model import (
    ALGORITHMS,
    WEAK_ALGORITHMS,
    Assurance,
    Digests,
    Document,
    Offer,
    Proof,
    SignatureKind,
    Signer,
    strongest,
    text_of,
)
from isomanager.trust.evidence import MAX_CHECKSUMS_BYTES, MAX_SIGNATURE_BYTES
from isomanager.trust.keyring import Keyring
from isomanager.trust.signature import SignatureResult
from isomanager.trust.urls import is_https, same_owner
from isomanager.trust.verifying import inspect, verify

_PLAIN = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512"})
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Finding:
    """What a good proof gives: digests to require, a size in bytes, and how far a match proves the image."""

    assurance: Assurance
    digests: Digests = field(default_factory=dict)
    size: int | None = None
    signer: Signer | None = None
    file_signature: Proof | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Objection:
    """Why a proof does not hold. `absent`: it is not there at all, so another may stand for it; `keyed`: it names keys."""

    code: str
    reason: str
    absent: bool = False
    keyed: bool = False


@dataclass(frozen=True)
class _Text:
    """The text of a checksum document that may be read, and who signed it."""

    text: str
    signer: Signer | None
    reasons: tuple[str, ...]


def judge_proof(
    offer: Offer, proof: Proof, documents: Mapping[str, Document], keyring: Keyring, *, now: datetime
) -> Finding | Objection | None:
    """What `proof` gives for `offer`, or what speaks against it; None when it only says that digests came with the offer."""
    if proof.document is None and proof.signature is None:
        if proof.signers:
            return Objection(
                "unsigned-document", f"{offer.filename} must be signed, and the catalogue names no signature."
            )
        return None
    if proof.signature is not None and not proof.signers:
        return Objection(
            "unknown-key", f"The proof of {offer.filename} is signed, and the catalogue pins no key for it."
        )
    if proof.signature is not None and proof.signature.over == "file":
        return _judge_file_signature(offer, proof, documents, keyring, now)
    document = _document(proof, documents)
    if isinstance(document, Objection):
        return document
    readable = _readable_text(proof, document, documents, keyring, now)
    return readable if isinstance(readable, Objection) else _read_digests(offer, proof, document, readable)


def _document(proof: Proof, documents: Mapping[str, Document]) -> Document | Objection:
    url = proof.document or ""
    document = documents.get(url)
    if document is None:
        reason = f"There is no checksum document at {url or 'any address'}."
        return Objection("no-digest", reason, absent=True, keyed=bool(proof.signers))
    if not document.content.strip():
        return Objection("empty-document", f"The checksum document {url} is empty.")
    if len(document.content) > MAX_CHECKSUMS_BYTES:
        return Objection(
            "oversized-document", f"The checksum document {url} is larger than {MAX_CHECKSUMS_BYTES} bytes."
        )
    return document


def _readable_text(
    proof: Proof, document: Document, documents: Mapping[str, Document], keyring: Keyring, now: datetime
) -> _Text | Objection:
    """The signed payload of a signed document, and nothing else of it; the whole of an unsigned one."""
    if proof.signature is None:
        if proof.signers:
            return Objection(
                "unsigned-document", f"{document.url} must be signed, and the catalogue names no signature."
            )
        return _Text(document.text, None, ())
    result = _verify(proof, document, documents, keyring, now)
    if isinstance(result, Objection):
        return result
    payload = result.payload if _carries_its_text(proof) else document.content
    if result.signer is None or payload is None:
        return _signature_objection(document.url, result)
    said = f"{document.url} is signed by the pinned key {result.signer.primary}."
    reasons = (said, result.note) if result.note else (said,)
    return _Text(text_of(payload), result.signer, reasons)


def _verify(
    proof: Proof, document: Document, documents: Mapping[str, Document], keyring: Keyring, now: datetime
) -> SignatureResult | Objection:
    kind = proof.signature.kind if proof.signature else SignatureKind.OPENPGP
    signature = None if _carries_its_text(proof) else _signature(proof, documents)
    if isinstance(signature, Objection):
        return signature
    return verify(kind, document.content, signature, keyring, proof.signers, now=now, legacy=proof.legacy)


def _carries_its_text(proof: Proof) -> bool:
    """Whether document and signature are one file, of which only the signed part may be read."""
    signature = proof.signature
    return signature is not None and (signature.kind is SignatureKind.CLEARSIGNED or signature.url is None)


def _signature(proof: Proof, documents: Mapping[str, Document]) -> bytes | Objection:
    url = proof.signature.url if proof.signature and proof.signature.url else ""
    document = documents.get(url)
    if document is None:
        return Objection("no-signature", f"There is no signature at {url or 'any address'}.", absent=True, keyed=True)
    if len(document.content) > MAX_SIGNATURE_BYTES:
        return Objection("oversized-document", f"The signature {url} is larger than {MAX_SIGNATURE_BYTES} bytes.")
    return document.content


def _signature_objection(url: str, result: SignatureResult) -> Objection:
    # a document without its signed block is like a signature that is not there: upstreams move from one form to the other
    absent = result.reason == "no-signature"
    return Objection(result.reason or "bad-signature", f"{url}: {result.note}", absent=absent, keyed=True)


def _judge_file_signature(
    offer: Offer, proof: Proof, documents: Mapping[str, Document], keyring: Keyring, now: datetime
) -> Finding | Objection:
    """All that can be judged before the bytes are there: the signature exists, and a usable pinned key claims it."""
    kind = proof.signature.kind if proof.signature else SignatureKind.OPENPGP
    signature = _signature(proof, documents)
    if isinstance(signature, Objection):
        return signature
    against = inspect(kind, signature, keyring, proof.signers, now=now, legacy=proof.legacy)
    if against is not None:
        return _signature_objection((proof.signature and proof.signature.url) or "", against)
    said = f"The signature over {offer.filename} itself is checked once the bytes are here."
    return Finding(Assurance.SIGNED, file_signature=proof, reasons=(said,))


def _read_digests(offer: Offer, proof: Proof, document: Document, readable: _Text) -> Finding | Objection:
    name = proof.entry or offer.filename
    if is_web_page(readable.text):
        return Objection("no-digest", f"{document.url} is a web page, not a checksum document.")
    entries = parse_checksums(readable.text, algorithm=algorithm_of_document(document.url))
    try:
        found = lookup(entries, name)
    except Refused as error:
        return Objection(error.code, f"{document.url}: {error.message}")
    digests = {algorithm: digest for algorithm, digest in found.items() if algorithm in ALGORITHMS}
    if not digests:
        return Objection("no-digest", f"{document.url} has no digest for {name}.")
    if strongest(digests) in WEAK_ALGORITHMS and any(entry.algorithm not in WEAK_ALGORITHMS for entry in entries):
        return Objection(
            "weak-digest", f"{document.url} has only {', '.join(digests)} for {name}, and better for others."
        )
    assurance, said = _assurance(proof, document, readable.signer)
    said = said.format(algorithms=", ".join(sorted(digests)), url=document.url, name=name)
    size = lookup_size(entries, name)
    return Finding(assurance, digests, size, readable.signer, reasons=(*readable.reasons, said))


def algorithm_of_document(name: str) -> str:
    """The algorithm that a checksum document's own name or address announces, or "" when its digests' lengths tell it.

    BLAKE2b digests are as long as SHA-512 ones, BLAKE3 ones as SHA-256: only the name tells them apart (`b2sums.txt`,
    `image.iso.b3`). A short word such as b2 counts only where it cannot be a version: at either end, or before `sums`.
    """
    last = name.rpartition("/")[2][-_LONGEST_NAME:].removesuffix(".txt")
    words = [one for one in re.split(r"[^A-Za-z0-9]+", last) if one]
    pairs = [one + other for one, other in pairwise(words)]  # sha3-256
    named = [found for one in words if (found := algorithm_named(one)) and _is_announced(one, words)]
    named += [found for one in pairs if (found := algorithm_named(one)) and found not in _PLAIN]
    return "" if not named or named[-1] in _PLAIN else named[-1]


def _is_announced(word: str, words: list[str]) -> bool:
    return len(word) > 2 or word in (words[0], words[-1]) or words[words.index(word) + 1].lower().startswith("sum")


def _assurance(proof: Proof, document: Document, signer: Signer | None) -> tuple[Assurance, str]:
    if signer is not None:
        return Assurance.SIGNED, "The signed text gives {algorithms} for {name}."
    answered = document.final_url or document.url
    if not proof.vendor:
        return Assurance.MIRROR, "{url} gives {algorithms} for {name}; it comes from where the file comes from."
    if not (is_https(document.url) and is_https(answered)):
        return Assurance.MIRROR, "{url} gives {algorithms} for {name}; it did not come over HTTPS."
    if not same_owner(document.url, answered):
        return Assurance.MIRROR, "{url} gives {algorithms} for {name}; another host answered for the vendor's."
    return Assurance.PUBLISHED, "The vendor publishes {algorithms} for {name} at {url}."
