"""From an offer and its evidence to what the bytes must be, or to a refusal: pure, and failing closed.

Every proof that names keys must be good if its signature is there; at least one of them must be there. Every digest that any
proof gives for the file is required, and two that contradict each other refuse the offer. The strongest proof decides how far a
match will prove the image; MD5 and SHA-1 prove no more than `mirror`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from isomanager.catalogue.checksums import algorithm_named
from isomanager.model import (
    ALGORITHMS,
    WEAK_ALGORITHMS,
    Assurance,
    Digests,
    Document,
    Expectation,
    Offer,
    Proof,
    Refusal,
    Signer,
    strongest,
)
from isomanager.trust.keyring import Keyring
from isomanager.trust.proofs import Finding, Objection, judge_proof
from isomanager.trust.urls import is_https


def judge(
    offer: Offer,
    evidence: tuple[Document, ...],
    keyring: Keyring,
    *,
    now: datetime,
    floor: Assurance = Assurance.NONE,
    pinned_digests: Mapping[str, str] | None = None,
) -> Expectation | Refusal:
    """What the bytes of `offer` must be, as `evidence` (from `gather_evidence`) shows, or why the offer is refused.

    `pinned_digests` are the catalogue's or the user's own, lower-case hexadecimal by algorithm. Below `floor` the offer is
    refused with the assurance that could be reached. Only the keyring is read, nothing is fetched.
    """
    by_url = {document.url: document for document in evidence}
    results = (judge_proof(offer, proof, by_url, keyring, now=now) for proof in _relevant(offer))
    judged = [one for one in results if one is not None]
    findings = [one for one in judged if isinstance(one, Finding)]
    findings += [*_pinned(pinned_digests), *_claimed(offer)]
    objection = _blocking(offer, judged) or _contradiction(offer, findings) or _missing(offer, judged, findings)
    if objection is not None:
        return Refusal(offer=offer, code=objection.code, reason=objection.reason, evidence=evidence)
    return _at_least(floor, _expectation(offer, findings, _passed_over(judged), evidence))


def _relevant(offer: Offer) -> tuple[Proof, ...]:
    """The proofs about the bytes that will be hashed: for a packed file those of the packed bytes, if there are any.

    A signature over the image itself is checked whether it covers the packed bytes or the unpacked ones.
    """
    if offer.packing is None:
        return offer.proofs
    return tuple(proof for proof in offer.proofs if proof.covers == "file" or _is_over_file(proof)) or offer.proofs


def _is_over_file(proof: Proof) -> bool:
    return proof.signature is not None and proof.signature.over == "file"


def _pinned(digests: Mapping[str, str] | None) -> Iterable[Finding]:
    if digests:
        algorithms = ", ".join(sorted(digests))
        said = f"The digest ({algorithms}) is pinned in the catalogue or by the user."
        required = {algorithm_named(name) or name: value.lower() for name, value in digests.items()}
        yield Finding(Assurance.PINNED, required, reasons=(said,))


def _claimed(offer: Offer) -> Iterable[Finding]:
    """The digests that came with the listing itself: published if the listing is the vendor's and came over HTTPS."""
    # an algorithm that we cannot run proves nothing, and asks for nothing
    digests = {name: value for name, value in offer.digests.items() if name in ALGORITHMS}
    if not digests:
        return
    beside = [proof for proof in offer.proofs if proof.document is None and proof.signature is None]
    vendor = all(proof.vendor for proof in beside)
    if vendor and offer.listed_at and all(is_https(url) for url in offer.listed_at):
        said = "The digest came with the vendor's own listing over HTTPS."
        yield Finding(Assurance.PUBLISHED, digests, reasons=(said,))
    else:
        said = "The digest came with a listing that is not the vendor's over HTTPS."
        yield Finding(Assurance.MIRROR, digests, reasons=(said,))


def _blocking(offer: Offer, judged: list[Finding | Objection]) -> Objection | None:
    """An objection that no other proof can make good; a keyed proof that is absent must be replaced by another keyed one."""
    objections = [one for one in judged if isinstance(one, Objection)]
    final = next((one for one in objections if not one.absent), None)
    if final is not None:
        return final
    # not Finding.signer: a signature over the file itself has still to be checked, and counts as there
    signed = any(isinstance(one, Finding) and one.assurance is Assurance.SIGNED for one in judged)
    keyed = any(proof.signers for proof in _relevant(offer))
    if keyed and not signed:
        return next((one for one in objections if one.keyed), None)
    return None


def _contradiction(offer: Offer, findings: list[Finding]) -> Objection | None:
    seen: Digests = {}
    for finding in findings:
        for algorithm, digest in finding.digests.items():
            if seen.setdefault(algorithm, digest) != digest:
                said = f"Upstream gives two different {algorithm} digests for {offer.filename}: {seen[algorithm]} and {digest}."
                return Objection("wrong-digest", said)
    return _wrong_size(offer, findings)


def _wrong_size(offer: Offer, findings: list[Finding]) -> Objection | None:
    sizes = {finding.size for finding in findings if finding.size is not None}
    if offer.size is not None:
        sizes.add(offer.size)
    if len(sizes) > 1:
        listed = " and ".join(f"{size} bytes" for size in sorted(sizes))
        return Objection("wrong-size", f"Upstream contradicts itself about the size of {offer.filename}: {listed}.")
    if offer.size_range and sizes and not offer.size_range[0] <= min(sizes) <= offer.size_range[1]:
        low, high = offer.size_range
        said = f"{offer.filename} has {min(sizes)} bytes upstream; this product has between {low} and {high}."
        return Objection("wrong-size", said)
    return None


def _missing(offer: Offer, judged: list[Finding | Objection], findings: list[Finding]) -> Objection | None:
    """Proofs were promised and none was found: never a reason to take the file without one."""
    if findings or not offer.proofs:
        return None
    absent = next((one for one in judged if isinstance(one, Objection)), None)
    return absent or Objection("no-digest", f"No proof of {offer.filename} gives a digest for it.")


def _passed_over(judged: list[Finding | Objection]) -> tuple[str, ...]:
    return tuple(f"Passed over: {one.reason}" for one in judged if isinstance(one, Objection))


def _expectation(
    offer: Offer, findings: list[Finding], passed_over: tuple[str, ...], evidence: tuple[Document, ...]
) -> Expectation:
    digests = {name: digest for finding in findings for name, digest in finding.digests.items()}
    reached = [_capped(finding) for finding in findings]
    best, unproved = _without_proof(offer) if not findings else (max(reached), ())
    reasons = [reason for finding in findings for reason in finding.reasons]
    if findings and best is Assurance.MIRROR and strongest(digests) in WEAK_ALGORITHMS:
        reasons.append("There is no digest stronger than SHA-1: a match proves no more than that the mirror agrees.")
    return Expectation(
        offer=offer,
        digests=digests,
        size=next((one for one in (offer.size, *(finding.size for finding in findings)) if one is not None), None),
        assurance=best,
        signer=_first_signer(findings) if best is Assurance.SIGNED else None,
        evidence=evidence,
        file_signature=next((finding.file_signature for finding in findings if finding.file_signature), None),
        reasons=(*reasons, *unproved, *passed_over),
    )


def _capped(finding: Finding) -> Assurance:
    """How far this finding proves an image: with weak digests alone, no further than `mirror`."""
    if finding.file_signature is not None or strongest(finding.digests) not in WEAK_ALGORITHMS:
        return finding.assurance
    return min(finding.assurance, Assurance.MIRROR)


def _first_signer(findings: list[Finding]) -> Signer | None:
    return next((one.signer for one in findings if one.signer and _capped(one) is Assurance.SIGNED), None)


def _without_proof(offer: Offer) -> tuple[Assurance, tuple[str, ...]]:
    """What the bytes alone can prove: that the vendor's own host served them over HTTPS."""
    if offer.served_assurance and offer.urls and all(is_https(url) for url in offer.urls):
        said = (
            "Upstream gives no digest; the vendor's own host serves the file over HTTPS, and it is pinned from then on."
        )
        return Assurance.SERVED, (said,)
    return Assurance.NONE, ("Upstream gives no digest, and the file does not come from the vendor's host over HTTPS.",)


def _at_least(floor: Assurance, expectation: Expectation) -> Expectation | Refusal:
    if expectation.assurance >= floor:
        return expectation
    reached = expectation.assurance
    reason = f"{expectation.offer.filename} can reach the assurance '{reached}' only; at least '{floor}' is asked for."
    return Refusal(offer=expectation.offer, code="below-floor", reason=reason, evidence=expectation.evidence)
