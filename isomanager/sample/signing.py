"""The sample's throw-away OpenPGP key: made when the site is built, kept beside it, worth nothing anywhere else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pysequoia import Tsk

USER_ID = "Sample Upstream (throw-away key) <releases@sample.invalid>"


class SigningKey:
    """Signs documents as vendors do. `fingerprint` is the primary key's, 40 upper-case hexadecimal digits."""

    def __init__(self, secret: Tsk) -> None:
        self._secret = secret
        self._public = secret.extract_certificate()

    @classmethod
    def generate(cls, user_id: str = USER_ID) -> SigningKey:
        """A fresh key: a primary key that certifies and a subkey that signs, as most vendors have it."""
        from pysequoia import Tsk

        return cls(Tsk.generate(user_id))

    @classmethod
    def kept_in(cls, file: Path) -> SigningKey:
        """The key in `file`; a fresh one, written there for the owner's eyes only, when there is none yet."""
        from pysequoia import Tsk

        if file.exists():
            return cls(Tsk.from_bytes(file.read_bytes()))
        key = cls.generate()
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(bytes(key._secret))
        return key

    @property
    def fingerprint(self) -> str:
        """The primary fingerprint, the one that catalogues pin."""
        return str(self._public.fingerprint).upper()

    @property
    def public(self) -> bytes:
        """The armoured certificate."""
        return str(self._public).encode()

    def detached(self, document: bytes) -> bytes:
        """An armoured detached signature over `document`."""
        from pysequoia import SignatureMode, sign

        return sign(self._secret.signer(), document, mode=SignatureMode.DETACHED)

    def clearsigned(self, document: bytes) -> bytes:
        """`document` inside the cleartext signature framework (RFC 9580, section 7)."""
        from pysequoia import SignatureMode, sign

        return sign(self._secret.signer(), document, mode=SignatureMode.CLEAR)


def clearsigned_payload(content: bytes) -> bytes | None:
    """The text inside a clearsigned document that this module made; None when `content` is none. Checks no signature."""
    begin, end = b"-----BEGIN PGP SIGNED MESSAGE-----", b"-----BEGIN PGP SIGNATURE-----"
    if not content.startswith(begin) or end not in content:
        return None
    body = content.partition(b"\n\n")[2].partition(b"\n" + end)[0]
    return b"".join(line.removeprefix(b"- ") + b"\n" for line in body.splitlines())
