"""From bytes whose digests were taken as they passed to a receipt, or to a refusal: a comparison, no second read."""

from __future__ import annotations

import json
from datetime import datetime

from pydantic import ValidationError

from isomanager.errors import Refused
from isomanager.model import (
    ALGORITHMS,
    Assurance,
    Document,
    Expectation,
    Offer,
    Proof,
    Receipt,
    Received,
    Refusal,
    Signer,
)
from isomanager.trust.signature import SignatureResult
from isomanager.trust.urls import without_secrets

MAX_RECEIPT_BYTES = 64 << 20
"""No receipt is read beyond this size: its documents are bounded one by one when they are fetched."""


def needed_algorithms(expectation: Expectation) -> tuple[str, ...]:
    """The algorithms to run while the bytes pass, strongest first; SHA-256 is always one, being an image's identity."""
    wanted = {*expectation.digests, "sha256"}
    known = tuple(algorithm for algorithm in ALGORITHMS if algorithm in wanted)
    return known + tuple(sorted(wanted.difference(ALGORITHMS)))


def prove(
    expectation: Expectation,
    received: Received,
    *,
    now: datetime,
    file_signature: SignatureResult | None = None,
) -> Receipt | Refusal:
    """Whether `received` is what `expectation` says: every digest, the size when it is known, and the file's own signature.

    `file_signature` is the result of `prove_file`, needed when the expectation carries a signature over the file itself.
    Without any digest only `served` and `none` are accepted: the image's own SHA-256 is its pin from then on.
    """
    against = _wrong_bytes(expectation, received) or _wrong_signature(expectation, file_signature)
    if against is not None:
        code, reason = against
        return Refusal(offer=expectation.offer, code=code, reason=reason, evidence=expectation.evidence)
    signer = file_signature.signer if file_signature and expectation.file_signature else None
    return Receipt(
        title=expectation.offer.title,
        sha256=received.sha256,
        size=received.size,
        digests=received.digests,
        filename=expectation.offer.filename,
        assurance=expectation.assurance,
        signer=expectation.signer or signer,
        reasons=(*expectation.reasons, *_what_was_compared(expectation, received, signer)),
        evidence=tuple(_told(document) for document in expectation.evidence),
        urls=_addresses(expectation, received),
        fingerprint=expectation.fingerprint,
        packed=received.packed,
        offer=_public(expectation.offer),
        proved_at=now,
    )


def _wrong_bytes(expectation: Expectation, received: Received) -> tuple[str, str] | None:
    name, came = expectation.offer.filename, received.proved_bytes
    if expectation.size is not None and came.size != expectation.size:
        return "wrong-size", f"{name} has {came.size} bytes; {expectation.size} were announced."
    if 0 in (came.size, received.size):
        return "wrong-size", f"{name} is empty."
    for algorithm in needed_algorithms(expectation):
        taken = came.digests.get(algorithm)
        if taken is None:
            return "no-digest", f"The {algorithm} digest of {name} was not taken as the bytes passed."
        required = expectation.digests.get(algorithm, taken)
        if taken.lower() != required.lower():
            said = f"The {algorithm} digest of {name} is {taken}, and was to be {required}."
            return _whose_fault(received, said)
    if not expectation.digests and expectation.file_signature is None and expectation.assurance > Assurance.SERVED:
        return "no-digest", f"There is no digest that {name} could be held against."
    if not expectation.digests and expectation.assurance is Assurance.MIRROR:
        return "no-digest", f"There is no digest that {name} could be held against."
    return None


def _whose_fault(received: Received, said: str) -> tuple[str, str]:
    """Upstream's, when two looks gave the same other bytes; else nobody knows whose."""
    looks = [*received.refused, (received.url, received.proved_bytes.digests.get("sha256", ""))]
    gave = [digest for _, digest in looks]
    same = [url for url, digest in looks if gave.count(digest) > 1]
    if same:
        places = " and ".join(dict.fromkeys(same))
        gave_them = f"{places} gave the same other bytes{'' if len(set(same)) > 1 else ' twice'}."
        return "upstream-broken", f"Upstream is broken: no address serves what it publishes. {said} {gave_them}"
    if len(looks) > 1:
        said += f" {len(looks)} addresses or tries gave as many different files: {', '.join(url for url, _ in looks)}."
    return "wrong-digest", said


def _wrong_signature(expectation: Expectation, result: SignatureResult | None) -> tuple[str, str] | None:
    if expectation.file_signature is None:
        return None
    name = expectation.offer.filename
    if result is None:
        return "no-signature", f"The signature over {name} itself has not been checked."
    if not result.valid:
        return result.reason or "bad-signature", f"The signature over {name} itself is not good: {result.note}"
    return None


def _what_was_compared(expectation: Expectation, received: Received, signer: Signer | None) -> tuple[str, ...]:
    said = [f"{url} gave other bytes, which were refused." for url, _ in received.refused]
    if expectation.digests:
        said.append(f"The bytes match ({', '.join(sorted(expectation.digests))}).")
    if signer is not None:
        said.append(f"The file itself is signed by the pinned key {signer.primary}. {signer.note}".rstrip())
    if not expectation.digests and signer is None:
        said.append("There was nothing to compare the bytes with: they are pinned by their SHA-256 from now on.")
    return tuple(said)


def _addresses(expectation: Expectation, received: Received) -> tuple[str, ...]:
    urls = (received.url, *expectation.offer.listed_at) if received.url else expectation.offer.listed_at
    return tuple(dict.fromkeys(without_secrets(url) for url in urls))


def _public(offer: Offer) -> Offer:
    """The offer with every address told without its secrets."""
    torrent = offer.torrent and offer.torrent.model_copy(update={"url": without_secrets(offer.torrent.url)})
    changes = {
        "urls": tuple(map(without_secrets, offer.urls)),
        "listed_at": tuple(map(without_secrets, offer.listed_at)),
        "proofs": tuple(map(_public_proof, offer.proofs)),
        "torrent": torrent,
        "zsync": without_secrets(offer.zsync),
        "link": None,
    }
    return offer.model_copy(update=changes)


def _public_proof(proof: Proof) -> Proof:
    signature = proof.signature
    if signature is not None and signature.url is not None:
        signature = signature.model_copy(update={"url": without_secrets(signature.url)})
    document = None if proof.document is None else without_secrets(proof.document)
    return proof.model_copy(update={"document": document, "signature": signature})


def _told(document: Document) -> Document:
    urls = {"url": without_secrets(document.url), "final_url": without_secrets(document.final_url)}
    return document.model_copy(update=urls)


def receipt_bytes(receipt: Receipt) -> bytes:
    """The receipt as canonical JSON: keys sorted, no blanks, UTF-8, one line; documents verbatim in base64."""
    plain = receipt.model_dump(mode="json")
    return (json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n").encode()


def read_receipt(data: bytes) -> Receipt:
    """The receipt in `data`; Refused(code="bad-receipt") when it is damaged, too large or of an unknown form."""
    if len(data) > MAX_RECEIPT_BYTES:
        raise _damaged(f"it is larger than {MAX_RECEIPT_BYTES} bytes")
    try:
        return Receipt.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _damaged(f"{'.'.join(str(part) for part in first['loc']) or 'JSON'}: {first['msg']}") from error


def _damaged(why: str) -> Refused:
    return Refused(
        f"The receipt cannot be read: {why}.",
        code="bad-receipt",
        hint="Verify the image again: a new receipt is written when the proof holds.",
    )
