"""A receipt says in plain words why its file is believed, and what that does not prove."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from isomanager.model import Assurance, Receipt, SignatureKind, SignatureRef, Signer
from isomanager.trust.explaining import explain


def receipt(make: Any, assurance: Assurance, **changes: Any) -> Receipt:
    proof = make.proof(signature=SignatureRef(kind=SignatureKind.OPENPGP, url=make.signature_url), signers=("A" * 40,))
    offer = make.offer(proof)
    said = {
        "title": offer.title,
        "sha256": "5" * 64,
        "size": 7,
        "digests": {"sha256": "5" * 64},
        "filename": make.name,
        "assurance": assurance,
        "reasons": ("The bytes match (sha256).",),
        "urls": ("https://mirror.example/sample-1.0.iso",),
        "proved_at": datetime(2026, 1, 2, tzinfo=UTC),
        "offer": offer,
    }
    return Receipt(**(said | changes))


def test_who_signed_when_which_document_and_which_addresses_are_told(make: Any) -> None:
    signer = Signer(primary="A" * 40, subkey="B" * 40, signed_at=datetime(2026, 1, 1, tzinfo=UTC))
    evidence = (make.document(make.sums()), make.signature(b"signature"))
    told = dict(explain(receipt(make, Assurance.SIGNED, signer=signer, evidence=evidence)))
    assert told["trusted as"].startswith("signed: the vendor signed it")
    assert told["signed by"] == f"{'A' * 40}, by its subkey {'B' * 40}"
    assert told["signed at"] == "2026-01-01T00:00:00+00:00"
    assert told["from"] == "https://mirror.example/sample-1.0.iso"
    assert told["why"] == "The bytes match (sha256)."
    documents = [
        said for word, said in explain(receipt(make, Assurance.SIGNED, evidence=evidence)) if word == "document"
    ]
    assert documents[0].startswith(f"{make.document_url} (")
    assert documents[0].endswith("checksums)")
    assert documents[1].endswith("openpgp signature over the checksums)")


@pytest.mark.parametrize("assurance", Assurance)
def test_every_assurance_says_what_it_means_and_what_it_does_not_prove(make: Any, assurance: Assurance) -> None:
    told = dict(explain(receipt(make, assurance)))
    assert told["trusted as"].startswith(f"{assurance}: ")
    assert told["does not prove"]
    assert "signed by" not in told


def test_a_receipt_of_an_older_form_is_explained_too(make: Any) -> None:
    told = dict(explain(receipt(make, Assurance.PUBLISHED, offer=None, evidence=(make.document(b"x"),))))
    assert told["document"].endswith("evidence)")
