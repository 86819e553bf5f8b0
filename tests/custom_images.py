"""Images that a library holds without having fetched them: small, of random bytes, each with its receipt."""

from __future__ import annotations

import hashlib
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from isomanager.library.opening import Library
from isomanager.model import Assurance, Copy, CopyState, Family, Receipt, Title
from isomanager.version import Version


def hold_images(library: Library, numbers: range, size: int = 5000) -> tuple[Copy, ...]:
    """Let the default repository, a folder, hold an image for each number, a byte larger each."""
    root = Path(library.inventory.repository("default").url)
    copies, receipts = zip(*(_image(root, number, size + number) for number in numbers), strict=True)
    library.inventory.import_receipts(receipts)
    library.inventory.import_copies(copies)
    return copies


def _image(root: Path, number: int, size: int) -> tuple[Copy, Receipt]:
    data, now, path = os.urandom(size), datetime.now(UTC), f"Custom/lab{number}/lab{number}-1.iso"
    (root / path).parent.mkdir(parents=True)
    (root / path).write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    title = Title(family=Family.CUSTOM, product=f"lab{number}", version=Version("1"))
    told = {"title": title, "sha256": sha256, "size": len(data), "digests": {"sha256": sha256}, "proved_at": now}
    copy = Copy(
        id=secrets.token_hex(8), repository="default", path=path, state=CopyState.HELD, assurance=Assurance.PINNED,
        fingerprint=f"sha256:{sha256}", filename=Path(path).name, source="test", reason="test", created_at=now,
        changed_at=now, **told,
    )  # fmt: skip
    return copy, Receipt(filename=Path(path).name, assurance=Assurance.PINNED, **told)
