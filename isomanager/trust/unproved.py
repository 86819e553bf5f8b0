"""What upstream says of an offer whose evidence was refused: for a person or a program to look at, never to rely on."""

from __future__ import annotations

from dataclasses import dataclass

from isomanager.catalogue.checksums import lookup, lookup_size, parse_checksums
from isomanager.errors import Refused
from isomanager.model import ALGORITHMS, Digests, Refusal
from isomanager.trust.proofs import algorithm_of_document


@dataclass(frozen=True)
class Unproved:
    """Digests by algorithm and the size in bytes, as claimed; `lacking` are the addresses of evidence that was not there."""

    digests: Digests
    size: int | None
    lacking: tuple[str, ...]


def unproved(refusal: Refusal) -> Unproved:
    """What the refused evidence and the offer itself claim; nothing of it has been proved."""
    offer, documents = refusal.offer, {one.url: one for one in refusal.evidence}
    digests: Digests = {}
    size = offer.size
    for proof in offer.proofs:
        document = documents.get(proof.document or "")
        if document is None:
            continue
        name = proof.entry or offer.filename
        entries = parse_checksums(document.text, algorithm=algorithm_of_document(document.url))
        try:
            claimed = lookup(entries, name)
        except Refused:
            continue  # it contradicts itself, which is what it was refused for: there is no one digest to tell
        digests |= {algorithm: digest for algorithm, digest in claimed.items() if algorithm in ALGORITHMS}
        size = lookup_size(entries, name) if size is None else size
    return Unproved(digests | offer.digests | offer.pinned, size, _lacking(refusal, set(documents)))


def _lacking(refusal: Refusal, there: set[str]) -> tuple[str, ...]:
    wanted = [
        url
        for proof in refusal.offer.proofs
        for url in (proof.document, proof.signature.url if proof.signature else None)
        if url
    ]
    return tuple(dict.fromkeys(url for url in wanted if url not in there))
