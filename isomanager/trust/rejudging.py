"""A receipt judged again, offline: the bytes, the documents and signatures in it, and keys pinned *now*. Pure but for reading.

A receipt is a claim like any other. Nothing in it says which key counts: a signer must be pinned by the catalogue for this very
title. What cannot be proved again without asking the vendor (that a document came over HTTPS from its own host) is told as the
receipt's word.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from isomanager.model import (
    Assurance,
    Digests,
    Expectation,
    Offer,
    Proof,
    Receipt,
    Received,
    Refusal,
    Signer,
)
from isomanager.trust.certificates import normalised
from isomanager.trust.expectation import judge
from isomanager.trust.file_proof import prove_file
from isomanager.trust.keyring import Keyring
from isomanager.trust.receipt import prove
from isomanager.trust.signature import SignatureResult, good
from isomanager.trust.signed_data import Data


@dataclass(frozen=True)
class Pins:
    """What the catalogue says today: keys that may vouch for the title, digests pinned for the file, whether old forms count."""

    keys: frozenset[str] = frozenset()
    digests: Digests | None = None
    legacy: bool = False


@dataclass(frozen=True)
class Rejudged:
    """Whether the receipt still proves the file; `code` and `reasons` say why not, or what was found. `assurance` is what could
    be reached again with nothing but the receipt, the file and the keys."""

    valid: bool
    code: str = ""
    reasons: tuple[str, ...] = ()
    assurance: Assurance = Assurance.NONE
    signer: Signer | None = None


def rejudge(
    receipt: Receipt, data: Data, size: int, digests: Digests, keyring: Keyring, pins: Pins, *, now: datetime
) -> Rejudged:
    """Judge `receipt` for the file `data` of `size` bytes; `digests` are the file's, in every algorithm that the receipt has."""
    against = _other_bytes(receipt, size, digests)
    if against is not None:
        return against
    if receipt.offer is None:
        return _failed("bad-receipt", "The receipt does not say how the file was proved: it is of an older form.")
    offer = _as_pinned_today(receipt.offer, pins)
    judged = judge(offer, receipt.evidence, keyring, now=now, pinned_digests=pins.digests or None)
    if isinstance(judged, Refusal):
        return _failed(judged.code, judged.reason)
    received = _received(receipt, size, digests)
    signature = _file_signature(receipt, judged, data, keyring, now)
    proved = prove(judged, received, now=now, file_signature=signature)
    if isinstance(proved, Refusal):
        return _failed(proved.code, proved.reason)
    return _compared(receipt, proved, pins)


def expected_again(receipt: Receipt, keyring: Keyring, pins: Pins, *, now: datetime) -> Expectation | None:
    """What the receipt requires of bytes that are still to come, where it needs the bytes themselves: a signature over the image.

    None where `rejudge` can say everything without them, and where the evidence does not hold today.
    """
    if receipt.offer is None or receipt.packed is not None:
        return None
    offer = _as_pinned_today(receipt.offer, pins)
    judged = judge(offer, receipt.evidence, keyring, now=now, pinned_digests=pins.digests or None)
    return judged if isinstance(judged, Expectation) and judged.file_signature is not None else None


def _failed(code: str, reason: str) -> Rejudged:
    return Rejudged(False, code, (reason,))


def _other_bytes(receipt: Receipt, size: int, digests: Digests) -> Rejudged | None:
    if size != receipt.size:
        return _failed("wrong-size", f"The file has {size} bytes; the receipt is of {receipt.size} bytes.")
    if digests.get("sha256") != receipt.sha256:
        return _failed(
            "wrong-digest", f"The file's SHA-256 is {digests.get('sha256')}; the receipt is of {receipt.sha256}."
        )
    for name, digest in receipt.digests.items():
        if digests.get(name) != digest:
            return _failed("bad-receipt", f"The receipt's {name} digest is not that of the file it is of.")
    return None


def _as_pinned_today(offer: Offer, pins: Pins) -> Offer:
    """The offer with those of its signers that the catalogue pins, and no digests but those of today's catalogue."""
    known = {normalised(one) if one.isalnum() else one for one in pins.keys}
    return offer.model_copy(
        update={"proofs": tuple(_pinned(proof, known, pins.legacy) for proof in offer.proofs), "pinned": {}}
    )


def _pinned(proof: Proof, known: set[str], legacy: bool) -> Proof:
    kept = tuple(one for one in proof.signers if (normalised(one) if one.isalnum() else one) in known)
    return proof.model_copy(update={"signers": kept, "legacy": proof.legacy and legacy})


def _received(receipt: Receipt, size: int, digests: Digests) -> Received:
    return Received(partial="", size=size, digests=digests, packed=receipt.packed)


def _file_signature(
    receipt: Receipt, judged: Expectation, data: Data, keyring: Keyring, now: datetime
) -> SignatureResult | None:
    proof = judged.file_signature
    if proof is None:
        return None
    if receipt.packed is not None and proof.covers == "file":
        # the packed file is no longer there; that it was checked is the receipt's word
        return good(receipt.signer) if receipt.signer and receipt.signer.primary in proof.signers else None
    return prove_file(data, judged, keyring, now=now)


def _compared(receipt: Receipt, proved: Receipt, pins: Pins) -> Rejudged:
    """What was reached now beside what the receipt says was reached then."""
    if receipt.assurance is Assurance.SIGNED and proved.assurance is not Assurance.SIGNED:
        return _failed(
            "bad-receipt", f"The receipt says 'signed'; what is in it proves no more than '{proved.assurance}'."
        )
    reasons = [*proved.reasons]
    if receipt.packed is not None:
        reasons.append("The documents speak of the packed file; that this image was in it is the receipt's word.")
    if proved.assurance is not Assurance.SIGNED:
        if pins.keys:
            reasons.append("The catalogue pins a key for this product, which has signed nothing in this receipt.")
        reasons.append(f"That it was '{receipt.assurance}' when it came is the receipt's word: nobody signed it.")
    return Rejudged(True, "", tuple(reasons), min(receipt.assurance, proved.assurance), proved.signer)
