"""Places in settings, made absolute: a run on a worker does not start in the folder of whoever asked for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

_SCHEME = re.compile(r"file:|[A-Za-z][A-Za-z0-9+.-]+://", re.IGNORECASE)


def _absolute(path: Path) -> Path:
    """The same place from every folder."""
    return path.expanduser().absolute()


def absolute_address(address: str) -> str:
    """A path made absolute; an address with a scheme is as it is."""
    return address if not address or _SCHEME.match(address) else str(_absolute(Path(address)))


def absolute_database(url: str) -> str:
    """SQLite's file made absolute; `sqlite:///name.db` means one in the current folder."""
    scheme, found, file = url.partition(":///")
    if not (scheme.startswith("sqlite") and found) or not file or file.startswith((":memory:", "file:")):
        return url
    return f"{scheme}:///{_absolute(Path(file)).as_posix()}"


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
