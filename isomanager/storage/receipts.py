"""Receipts beside the images: `.isomanager/receipts/<sha256>.json`, append-only.

A second, different receipt of the same image (under another title, or with better evidence) gets its own content's digest
behind the image's: nothing that was once written is ever changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from pydantic import ValidationError

from isomanager.errors import StoreError, UsageError
from isomanager.model import Receipt
from isomanager.storage.contract import INTERNAL, Entry, Store

RECEIPTS = f"{INTERNAL}/receipts"
MAX_RECEIPT_BYTES = 64 << 20

_SHA256 = re.compile(r"[0-9a-f]{64}")


def receipt_path(sha256: str) -> str:
    """Where the first receipt of the image `sha256` (64 lower-case hexadecimal digits) lives."""
    if not _SHA256.fullmatch(sha256):
        raise UsageError(f"{sha256!r} is not a SHA-256 in lower-case hexadecimal.")
    return f"{RECEIPTS}/{sha256}.json"


def receipt_bytes(receipt: Receipt) -> bytes:
    """The receipt as it is kept."""
    return receipt.model_dump_json(indent=1).encode()


def keep_receipt(store: Store, receipt: Receipt) -> str:
    """Put `receipt` into the repository and return its path; a repeat, also at a later time, finds the one that is there."""
    path = receipt_path(receipt.sha256)
    same = next((kept for kept, told in _of_image(store, receipt.sha256) if _says_the_same(told, receipt)), None)
    if same is not None:
        return same
    data = receipt_bytes(receipt)
    try:
        store.put_small(path, data)
    except StoreError as error:
        if error.code != "name-taken":
            raise
        path = f"{path.removesuffix('.json')}-{hashlib.sha256(data).hexdigest()[:12]}.json"
        store.put_small(path, data)
    return path


def receipts_of(store: Store, sha256: str) -> tuple[Receipt, ...]:
    """Every receipt of the image, the oldest proof first."""
    return tuple(sorted((told for _, told in _of_image(store, sha256)), key=lambda told: told.proved_at))


def _of_image(store: Store, sha256: str) -> Iterator[tuple[str, Receipt]]:
    first = store.stat(receipt_path(sha256))
    if first is None:
        return
    for entry in store.list(RECEIPTS):
        if entry.path.startswith(f"{RECEIPTS}/{sha256}"):
            yield entry.path, read_kept(store, entry)


def _says_the_same(one: Receipt, other: Receipt) -> bool:
    return one.model_copy(update={"proved_at": other.proved_at}) == other


def read_kept(store: Store, entry: Entry) -> Receipt:
    """The receipt in a file of the repository. StoreError(code="changed") when it is none, or of another image than its name."""
    try:
        receipt = Receipt.model_validate_json(store.read(entry.path, 0, MAX_RECEIPT_BYTES))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        raise StoreError(
            f"'{entry.path}' is not a receipt: {wrong['msg']} at {'.'.join(map(str, wrong['loc'])) or 'its beginning'}.",
            code="changed",
            hint="Move it out of the repository; the image will be proved again.",
            path=entry.path,
        ) from error
    if not entry.path.startswith(f"{RECEIPTS}/{receipt.sha256}"):
        raise StoreError(
            f"'{entry.path}' speaks of another image, {receipt.sha256}.",
            code="changed",
            hint="Move it out of the repository; the image will be proved again.",
            path=entry.path,
        )
    return receipt
