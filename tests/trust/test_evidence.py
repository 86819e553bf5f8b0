from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from isomanager.catalogue.documents import Located, SavedDocuments
from isomanager.errors import ConnectionFailed, FetchRefused, IsoManagerError
from isomanager.model import Document, SignatureKind
from isomanager.trust.evidence import MAX_CHECKSUMS_BYTES, MAX_SIGNATURE_BYTES, gather_evidence, keys_to_obtain


class Failing:
    """A source that answers every question with one error, and remembers what was asked."""

    def __init__(self, error: IsoManagerError) -> None:
        self.error = error
        self.asked: dict[str, int] = {}

    def fetch(self, url: str, *, max_bytes: int = 0) -> Document:
        self.asked[url] = max_bytes
        raise self.error

    def locate(self, url: str) -> Located:
        raise self.error


def save(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def test_documents_and_signatures_come_verbatim_and_once(make: Any, tmp_path: Path) -> None:
    files = {
        make.document_url: save(tmp_path, "sums", b"a\r\n"),
        make.signature_url: save(tmp_path, "sig", b"\x00\xff"),
    }
    proof = make.signed_proof("A" * 40)
    evidence = gather_evidence(make.offer(proof, proof), SavedDocuments(files))
    assert [(one.url, one.content) for one in evidence] == [
        (make.document_url, b"a\r\n"),
        (make.signature_url, b"\x00\xff"),
    ]


@pytest.mark.parametrize("status", [404, 410])
def test_what_upstream_does_not_have_is_left_out(make: Any, tmp_path: Path, status: int) -> None:
    gone = Failing(FetchRefused("gone", code="http-status", status=status, url=make.signature_url))
    documents = SavedDocuments({make.document_url: save(tmp_path, "sums", b"a")}, gone)
    evidence = gather_evidence(make.offer(make.signed_proof("A" * 40)), documents)
    assert [one.url for one in evidence] == [make.document_url]


def test_what_is_not_saved_is_left_out_while_offline(make: Any, tmp_path: Path) -> None:
    documents = SavedDocuments({make.document_url: save(tmp_path, "sums", b"a")})
    assert len(gather_evidence(make.offer(make.signed_proof("A" * 40)), documents)) == 1


@pytest.mark.parametrize(
    "error",
    [
        ConnectionFailed("no connection"),
        FetchRefused("forbidden", code="http-status", status=403),
        FetchRefused("too large", code="too-large"),
    ],
)
def test_anything_else_is_raised(make: Any, error: IsoManagerError) -> None:
    with pytest.raises(type(error)):
        gather_evidence(make.offer(make.proof()), Failing(error))


def test_every_document_is_bounded(make: Any) -> None:
    source = Failing(FetchRefused("gone", code="http-status", status=404))
    clearsigned = make.signed_proof("A" * 40, kind=SignatureKind.CLEARSIGNED, document="https://vendor.example/signed")
    gather_evidence(make.offer(make.signed_proof("A" * 40), clearsigned, make.proof(document=None)), source)
    assert source.asked == {
        make.document_url: MAX_CHECKSUMS_BYTES,
        make.signature_url: MAX_SIGNATURE_BYTES,
        "https://vendor.example/signed": MAX_CHECKSUMS_BYTES,
    }


def test_only_keys_of_proofs_that_no_known_key_can_judge_are_obtained(make: Any, vendor: Any, ring: Any) -> None:
    known = make.signed_proof(vendor.fingerprint, "B" * 40)
    unknown = make.signed_proof("c" * 40, "D" * 40)
    assert keys_to_obtain(make.offer(known, unknown, unknown, make.proof()), ring) == ("C" * 40, "D" * 40)
