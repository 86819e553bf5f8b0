"""Images that we hashed, and the receipts that prove them. Receipts are only ever added."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, bindparam, insert, select

from isomanager.errors import InventoryError
from isomanager.inventory.database import Clash
from isomanager.inventory.rows import canonical, title_columns
from isomanager.inventory.tables import IMAGES, RECEIPTS
from isomanager.inventory.transactions import Transactions
from isomanager.model import Receipt

# Made once: a group of small images needs them for each, and making a statement costs more than what it does.
_SAME = select(RECEIPTS.c.id).where(RECEIPTS.c.digest == bindparam("digest"))
_IMAGE = select(IMAGES).where(IMAGES.c.sha256 == bindparam("sha256"))
_OF_IMAGE = (
    select(RECEIPTS.c.body)
    .where(RECEIPTS.c.sha256 == bindparam("sha256"))
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
                write_receipt(connection, receipt)
        except Clash:  # another process recorded the same image or receipt in between; what is there now is found
            with self._writing() as connection:
                write_receipt(connection, receipt)

    def receipts(self, sha256: str) -> tuple[Receipt, ...]:
        """Every receipt of an image, the oldest first."""
        with self._reading() as connection:
            bodies = connection.execute(_OF_IMAGE, {"sha256": sha256}).scalars().all()
        return tuple(Receipt.model_validate(body) for body in bodies)


def write_receipt(connection: Connection, receipt: Receipt) -> None:
    """Write image and receipt in the caller's transaction, unless they are there."""
    _write_image(connection, receipt)
    text = canonical(receipt)
    digest = hashlib.sha256(text.encode()).hexdigest()
    if connection.execute(_SAME, {"digest": digest}).first() is None:
        told = {
            **title_columns(receipt.title),
            "digest": digest,
            "sha256": receipt.sha256,
            "assurance": receipt.assurance.value,
            "fingerprint": receipt.fingerprint,
            "proved_at": receipt.proved_at,
            "body": receipt.model_dump(mode="json"),
        }
        connection.execute(_NEW_RECEIPT, told)


def _write_image(connection: Connection, receipt: Receipt) -> None:
    known = connection.execute(_IMAGE, {"sha256": receipt.sha256}).one_or_none()
    if known is None:
        image = {"sha256": receipt.sha256, "size": receipt.size, "digests": receipt.digests}
        connection.execute(_NEW_IMAGE, image)
    elif known.size != receipt.size:
        raise InventoryError(
            f"The image {receipt.sha256} ({receipt.title}) is known with {known.size} bytes; "
            f"a receipt says {receipt.size}.",
            code="image-differs",
            hint="Verify the file again.",
            sha256=receipt.sha256,
        )
