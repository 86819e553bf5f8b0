"""The frame of a clearsigned document (RFC 9580, section 7): where the one signed block begins and ends.

Only the block is handed on, so that nothing outside it can ever be read as signed. Whether the signature holds, and what text
it covers, is said by the OpenPGP engine.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_BEGIN = re.compile(rb"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\r?$", re.MULTILINE)
_BLOCK = re.compile(
    rb"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\r?\n.*?"
    rb"^(?P<signature>-----BEGIN PGP SIGNATURE-----[ \t]*\r?\n.*?^-----END PGP SIGNATURE-----[ \t]*\r?(?:\n|\Z))",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class SignedBlock:
    """The signed block of a document, and the armored signature that ends it. `several` when there is more than one block."""

    block: bytes
    signature: bytes
    several: bool


def is_clearsigned(document: bytes) -> bool:
    """Whether `document` announces a clearsigned message anywhere."""
    return _BEGIN.search(_without_mark(document)) is not None


def find_block(document: bytes) -> SignedBlock | None:
    """The first whole signed block, or None when there is none. A dash-escaped line inside it never opens another."""
    document = _without_mark(document)
    found = _BLOCK.search(document)
    if found is None:
        return None
    return SignedBlock(found[0], found["signature"], len(_BEGIN.findall(document)) > 1)


def _without_mark(document: bytes) -> bytes:
    # an editor's byte order mark stands outside the block
    return document.removeprefix(codecs.BOM_UTF8)


def unproved_text(document: bytes) -> bytes:
    """The text of the first signed block with dash-escaping undone, for showing only: nobody has checked it."""
    found = find_block(document)
    if found is None:
        return b""
    lines = found.block.removesuffix(found.signature).splitlines()
    # the armor's headers end at the first empty line
    start = next((number for number, line in enumerate(lines) if number and not line.strip()), len(lines))
    return b"\n".join(line.removeprefix(b"- ") for line in lines[start + 1 :])
