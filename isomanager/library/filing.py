"""Filing: where a layout puts an image. The same image has the same place however it came, and whenever it is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from isomanager.catalogue.matching import channel_of
from isomanager.library.opening import Library
from isomanager.model import Copy, Title
from isomanager.storage.layout import PathDefaults, plan_path
from isomanager.storage.paths import PACKED_EXTENSIONS


def filed_at(
    library: Library,
    layout: str,
    title: Title,
    filename: str,
    *,
    taken: Callable[[str], bool],
    now: datetime,
    sha256: str | None,
) -> str:
    """A free path for an image whose stored file is called `filename`. Its channel is what the product's rules make of its version:
    how it was asked for is forgotten, and would put it elsewhere after a move or in another repository."""
    product = library.product_of(title)
    return plan_path(
        title,
        filename,
        layout,
        taken=taken,
        product_name=product.name if product else title.product,
        now=now,
        sha256=sha256,
        channel=channel_of(product, title.version) if product else "stable",
        defaults=PathDefaults(languages=("", product.default_language)) if product else PathDefaults(),
    )


def name_kept(filename: str, path: str) -> str:
    """What the file that lies at `path` would be called by itself: as upstream calls it, without the packing that was taken off."""
    name = filename or path.rpartition("/")[2]
    packing = next((end for end in PACKED_EXTENSIONS if name.lower().endswith(end)), "")
    if packing and not path.lower().endswith(packing):
        return name[: len(name) - len(packing)]
    return name


def name_by_receipt(library: Library, copy: Copy) -> str:
    """As `name_kept`, or what the product's own rules save it as."""
    receipts = library.inventory.receipts(copy.sha256 or "")
    saved = (one.offer.save_as for one in reversed(receipts) if one.title == copy.title and one.offer)
    return next(filter(None, saved), "") or name_kept(copy.filename, copy.path)
