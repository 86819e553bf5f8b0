"""Images that we hashed, and the receipts that prove them. Receipts are only ever added."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from isomanager.errors import InventoryError
from isomanager.inventory.database import Clash
from isomanager.inventory.rows import canonical, slices, title_columns
from isomanager.inventory.tables import IMAGES, RECEIPTS
from isomanager.inventory.transactions import Transactions
from isomanager.model import Receipt

# Made once: a group of small images needs them for each, and making a statement costs more than what it does.
_SAME = select(RECEIPTS.c.digest).where(RECEIPTS.c.digest.in_(bindparam("digests", expanding=True)))
_IMAGES = select(IMAGES.c.sha256, IMAGES.c.size).where(IMAGES.c.sha256.in_(bindparam("sha256s", expanding=True)))
_OF_IMAGE = (
    select(RECEIPTS.c.body)
    .where(RECEIPTS.c.sha256 == bindparam("sha256"))
    .order_by(RECEIPTS.c.proved_at, RECEIPTS.c.id)
)
_OF_IMAGES = (
    select(RECEIPTS.c.sha256, RECEIPTS.c.body)
    .where(RECEIPTS.c.sha256.in_(bindparam("sha256s", expanding=True)))
    .order_by(RECEIPTS.c.proved_at, RECEIPTS.c.id)
)
_NEW_RECEIPT, _NEW_IMAGE = insert(RECEIPTS), insert(IMAGES)


class ReceiptRecords(Transactions):
    """Recording and listing receipts."""

    def record_receipt(self, receipt: Receipt) -> None:
        """Add a receipt, and its image if it is new. The same receipt again changes nothing.

        Raises InventoryError(code="image-differs") when the image is known with another size: then one of the two lies.
        """
        try:
            with self._writing() as connection:
                write_receipts(connection, (receipt,))
        except Clash:  # another process recorded the same image or receipt in between; what is there now is found
            with self._writing() as connection:
                write_receipts(connection, (receipt,))

    def receipts(self, sha256: str) -> tuple[Receipt, ...]:
        """Every receipt of an image, the oldest first."""
        with self._reading() as connection:
            bodies = connection.execute(_OF_IMAGE, {"sha256": sha256}).scalars().all()
        return tuple(Receipt.model_validate(body) for body in bodies)

    def receipts_of(self, sha256s: Sequence[str]) -> dict[str, tuple[Receipt, ...]]:
        """Every receipt of each of the images, the oldest first."""
        found: dict[str, list[Receipt]] = {one: [] for one in sha256s}
        with self._reading() as connection:
            for some in slices(sha256s):
                for sha256, body in connection.execute(_OF_IMAGES, {"sha256s": some}):
                    found[sha256].append(Receipt.model_validate(body))
        return {one: tuple(receipts) for one, receipts in found.items()}


def write_receipts(connection: Connection, receipts: Sequence[Receipt]) -> None:
    """Write images and receipts in the caller's transaction, unless they are there: four statements for all of them."""
    for some in slices(receipts):
        _write_images(connection, some)
        rows = {row["digest"]: row for row in map(_receipt_columns, some)}
        for there in connection.execute(_SAME, {"digests": list(rows)}).scalars():
            del rows[there]
        if rows:
            connection.execute(_NEW_RECEIPT, list(rows.values()))


def _receipt_columns(receipt: Receipt) -> dict[str, Any]:
    body = receipt.model_dump(mode="json")
    return {
        **title_columns(receipt.title),
        "digest": hashlib.sha256(canonical(body).encode()).hexdigest(),
        "sha256": receipt.sha256,
        "assurance": receipt.assurance.value,
        "fingerprint": receipt.fingerprint,
        "proved_at": receipt.proved_at,
        "body": body,
    }


def _write_images(connection: Connection, receipts: Sequence[Receipt]) -> None:
    asked = {"sha256s": list({one.sha256 for one in receipts})}
    sizes = {row.sha256: row.size for row in connection.execute(_IMAGES, asked)}
    fresh: list[dict[str, Any]] = []
    for receipt in receipts:
        if sizes.setdefault(receipt.sha256, -1) == -1:
            sizes[receipt.sha256] = receipt.size
            fresh.append({"sha256": receipt.sha256, "size": receipt.size, "digests": receipt.digests})
        _require_size(receipt, sizes[receipt.sha256])
    if fresh:
        connection.execute(_NEW_IMAGE, fresh)


def _require_size(receipt: Receipt, known: int) -> None:
    if known != receipt.size:
        raise InventoryError(
            f"The image {receipt.sha256} ({receipt.title}) is known with {known} bytes; a receipt says {receipt.size}.",
            code="image-differs",
            hint="Verify the file again.",
            sha256=receipt.sha256,
        )
