"""Images that a library holds without having fetched them: small, of random bytes, each with its receipt."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from isomanager.library.opening import Library
from isomanager.model import Assurance, Copy, CopyState, Family, Receipt, Title
from isomanager.version import Version


def hold_images(library: Library, numbers: range, size: int = 5000) -> tuple[Copy, ...]:
    """Let the default repository, a folder, hold an image for each number, a byte larger each."""
    return _hold(library, {number: os.urandom(size + number) for number in numbers})


def hold_twice(library: Library, size: int = 5000) -> tuple[Copy, ...]:
    """Let the default repository, a folder, hold one image under two names, the earlier copy first."""
    data = os.urandom(size)
    return (*_hold(library, {1: data}), *_hold(library, {2: data}))


def _hold(library: Library, images: Mapping[int, bytes]) -> tuple[Copy, ...]:
    root = Path(library.inventory.repository("default").url)
    copies, receipts = zip(*(_image(root, number, data) for number, data in images.items()), strict=True)
    library.inventory.import_receipts(receipts)
    library.inventory.import_copies(copies)
    return copies


def _image(root: Path, number: int, data: bytes) -> tuple[Copy, Receipt]:
    now, path = datetime.now(UTC), f"Custom/lab{number}/lab{number}-1.iso"
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
