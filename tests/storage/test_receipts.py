"""Receipts in the repository are never changed and never lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from isomanager.errors import StoreError, UsageError
from isomanager.model import Assurance, Document, Family, Receipt, Title
from isomanager.storage.local import LocalStore
from isomanager.storage.receipts import keep_receipt, receipt_path, receipts_of
from isomanager.version import Version

SHA256 = "ab" * 32
RECEIPT = Receipt(
    title=Title(family=Family.LINUX, product="ubuntu", flavor="server", version=Version("20.04.2")),
    sha256=SHA256,
    size=5,
    digests={"sha256": SHA256},
    filename="ubuntu.iso",
    assurance=Assurance.SIGNED,
    evidence=(Document(url="https://example.org/SHA256SUMS", content=b"\xff not UTF-8"),),
    proved_at=datetime(2021, 1, 7, tzinfo=UTC),
)


def test_comes_back_as_it_was(store: LocalStore) -> None:
    assert keep_receipt(store, RECEIPT) == f".isomanager/receipts/{SHA256}.json"
    assert receipts_of(store, SHA256) == (RECEIPT,)


def test_a_repeat_at_a_later_time_writes_nothing(store: LocalStore) -> None:
    keep_receipt(store, RECEIPT)
    later = RECEIPT.model_copy(update={"proved_at": RECEIPT.proved_at + timedelta(days=1)})
    assert keep_receipt(store, later) == receipt_path(SHA256)
    assert receipts_of(store, SHA256) == (RECEIPT,)


def test_another_proof_of_the_same_image_is_kept_beside_the_first(store: LocalStore) -> None:
    pinned = RECEIPT.model_copy(
        update={"assurance": Assurance.PINNED, "proved_at": RECEIPT.proved_at + timedelta(days=1)}
    )
    keep_receipt(store, RECEIPT)
    second = keep_receipt(store, pinned)
    assert second == keep_receipt(store, pinned) != receipt_path(SHA256)
    assert receipts_of(store, SHA256) == (RECEIPT, pinned)


def test_an_image_without_receipts_has_none(store: LocalStore) -> None:
    assert receipts_of(store, SHA256) == ()


@pytest.mark.parametrize("content", [b"{}", b"\x00", RECEIPT.model_dump_json().replace(SHA256, "cd" * 32).encode()])
def test_names_the_file_that_is_no_receipt(store: LocalStore, content: bytes) -> None:
    store.put_small(receipt_path(SHA256), content)
    with pytest.raises(StoreError, match=SHA256) as refused:
        receipts_of(store, SHA256)
    assert refused.value.code == "changed"


@pytest.mark.parametrize("sha256", ["", "AB" * 32, "ab" * 31, "../" + "ab" * 30])
def test_only_a_digest_names_a_receipt(sha256: str) -> None:
    with pytest.raises(UsageError):
        receipt_path(sha256)
