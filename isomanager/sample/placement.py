"""Files put in place in one step, so that a reader sees the old one or the new one, never a part."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from pathlib import Path


def place(path: Path, content: bytes, modified_at: datetime | None = None) -> None:
    """Write `content` beside `path` under a hidden name and move it over; with `modified_at` the file is dated so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, hidden = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(hidden).chmod(0o644)
        if modified_at is not None:
            os.utime(hidden, (modified_at.timestamp(), modified_at.timestamp()))
        Path(hidden).replace(path)
    except BaseException:
        Path(hidden).unlink(missing_ok=True)
        raise
