"""What single fields of a product file may hold: sizes, fingerprints of keys, how far a fact was checked."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

Status = Literal["confirmed", "unconfirmed", "manual"]
"""How far somebody has checked the facts: `unconfirmed` is shown to the user, `manual` means there is no public address."""

_UNITS = {"": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG]i?B)?", re.IGNORECASE)


def parse_size(text: Any) -> Any:
    """Bytes for `1.5GiB`, `700 MB` or a number."""
    if not isinstance(text, str):
        return text
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"'{text}' is not a size; write 700MiB or 4.5GiB")
    return int(float(found[1]) * _UNITS[(found[2] or "").upper()])


def plain_fingerprint(text: str) -> str:
    """A key's fingerprint without blanks, in capitals; ValueError for what is no full one."""
    plain = text.replace(" ", "").upper()
    if not re.fullmatch(r"[0-9A-F]{40}|[0-9A-F]{64}|[A-Za-z0-9+/=]{56}", plain) and not text.startswith("RW"):
        raise ValueError(
            f"'{text}' is not a full key fingerprint (40 or 64 hexadecimal digits, or a signify/minisign key)"
        )
    return text if text.startswith("RW") else plain


Bytes = Annotated[int, BeforeValidator(parse_size), Field(ge=0)]
"""A size: a number of bytes, or a text such as `1.5GiB`."""
Fingerprint = Annotated[str, AfterValidator(plain_fingerprint)]
