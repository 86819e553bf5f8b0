"""A receipt in plain words: how a file is trusted, by whom, on what grounds, and what that does not prove. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from isomanager.model import Assurance, Proof, Receipt

_MEANS = {
    Assurance.SIGNED: "the vendor signed it, and the key is the one that the catalogue pins",
    Assurance.PINNED: "its digest stands in the catalogue, or a person gave it",
    Assurance.PUBLISHED: "the vendor's own host gives its digest over HTTPS; nobody signed it",
    Assurance.SERVED: "the vendor's own host gave the bytes over HTTPS, and no digest exists anywhere; from then on it is pinned",
    Assurance.MIRROR: "its digest comes from where the file came from, or is too weak to prove more",
    Assurance.NONE: "nothing speaks for it but that somebody sent it",
}

_DOES_NOT = {
    Assurance.SIGNED: "that the vendor's key was in the vendor's hands alone",
    Assurance.PINNED: "that whoever wrote the digest down was right",
    Assurance.PUBLISHED: "that nobody had broken into the vendor's web server when it was asked",
    Assurance.SERVED: "that nobody had broken into the vendor's web server when the file was fetched",
    Assurance.MIRROR: "that whoever served the file did not change both it and its digest",
    Assurance.NONE: "anything",
}


def explain(receipt: Receipt) -> tuple[tuple[str, str], ...]:
    """Pairs of a word and a sentence, in the order in which a person asks."""
    return tuple(_explained(receipt))


def _explained(receipt: Receipt) -> Iterator[tuple[str, str]]:
    yield "trusted as", f"{receipt.assurance}: {_MEANS[receipt.assurance]}"
    if receipt.signer is not None:
        subkey = receipt.signer.subkey
        by = f", by its subkey {subkey}" if subkey and subkey != receipt.signer.primary else ""
        yield "signed by", f"{receipt.signer.primary}{by}"
        if receipt.signer.signed_at is not None:
            yield "signed at", receipt.signer.signed_at.isoformat(timespec="seconds")
    for document in receipt.evidence:
        yield "document", f"{document.url} ({len(document.content)} bytes, {_role(receipt, document.url)})"
    for reason in receipt.reasons:
        yield "why", reason
    for url in receipt.urls:
        yield "from", url
    if receipt.packed is not None:
        yield "packed", f"{receipt.packed.size} bytes came; the documents speak of those, the image was in them"
    yield "proved", receipt.proved_at.isoformat(timespec="seconds")
    yield "does not prove", _DOES_NOT[receipt.assurance]


def _role(receipt: Receipt, url: str) -> str:
    proofs = receipt.offer.proofs if receipt.offer else ()
    for proof in proofs:
        if proof.signature is not None and proof.signature.url == url:
            return f"{proof.signature.kind} signature over {_covered(receipt, proof)}"
        if proof.document == url:
            carries = proof.signature is not None and proof.signature.url is None
            return "checksums, signed in themselves" if carries else "checksums"
    return "evidence"


def _covered(receipt: Receipt, proof: Proof) -> str:
    over_file = proof.signature is not None and proof.signature.over == "file"
    return receipt.filename if over_file else "the checksums"
