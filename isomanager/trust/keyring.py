"""Keyrings of our own: OpenPGP certificates by full primary fingerprint and RSA keys by their SHA-256, from the shipped keys and
the user's folder.

The user's own GnuPG keyring is never read. A key comes in only if its primary fingerprint is the one that was asked for, so it
does not matter where the material was fetched.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

from isomanager.catalogue.documents import DocumentSource
from isomanager.errors import ConfigurationError, PermanentError, Refused, TransientError
from isomanager.trust.certificates import Certificate, normalised, read_certificates
from isomanager.trust.public_keys import PublicKey, holds_public_key, read_public_keys

MAX_KEY_BYTES = 4 << 20
"""No key material is believed beyond this size: a vendor's page of all its keys fits well."""

_SUFFIXES = frozenset({".asc", ".gpg", ".pgp"})
_PEM = frozenset({".pem"})


def shipped_keys() -> Path:
    """The folder of key material that comes with isomanager; its SOURCES.md says where each key is from."""
    return Path(str(files("isomanager.catalogue"))) / "keys"


class Keyring:
    """Certificates in folders of `.asc`, `.gpg` and `.pgp` files, RSA keys in `.pem` files; what is accepted is saved in the last
    folder.

    The files are read when the first key is asked for. Copies of the same certificate are merged, so that a revocation or a
    later expiry in any of them counts.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._by_fingerprint: dict[str, Certificate] | None = None
        self._public: dict[str, PublicKey] | None = None
        self._changing = threading.RLock()

    @classmethod
    def of(cls, *materials: bytes) -> Keyring:
        """A keyring of these keys alone, kept in memory; material of either kind."""
        ring = cls(())
        pem = [one for one in materials if holds_public_key(one)]
        ring._public = {key.fingerprint: key for one in pem for key in read_public_keys(one)}
        certified = (one for one in materials if not holds_public_key(one))
        ring._by_fingerprint = _merged(one for material in certified for one in read_certificates(material))
        return ring

    def public_keys(self) -> tuple[PublicKey, ...]:
        """Every RSA key, ordered by fingerprint."""
        with self._changing:
            if self._public is None:
                files = (file for folder in self._folders for file in _files(folder, _PEM))
                found = [key for file in files for key in read_public_keys(file.read_bytes(), str(file))]
                self._public = {key.fingerprint: key for key in sorted(found, key=lambda key: key.fingerprint)}
            return tuple(self._public.values())

    def public_key(self, fingerprint: str) -> PublicKey | None:
        """The RSA key with this SHA-256."""
        wanted = normalised(fingerprint)
        return next((one for one in self.public_keys() if one.fingerprint == wanted), None)

    def has(self, fingerprint: str) -> bool:
        """Whether a key of either kind with this fingerprint is here."""
        return self.certificate(fingerprint) is not None or self.public_key(fingerprint) is not None

    def certificates(self) -> tuple[Certificate, ...]:
        """Every certificate, ordered by fingerprint. ConfigurationError names a file that holds none."""
        return tuple(self._index().values())

    def certificate(self, fingerprint: str) -> Certificate | None:
        """The certificate with this full primary fingerprint."""
        return self._index().get(normalised(fingerprint))

    def find(self, fingerprint: str) -> bytes | None:
        """The certificate with this full primary fingerprint, in binary form."""
        found = self.certificate(fingerprint)
        return found.material if found else None

    def holder(self, issuer: str) -> Certificate | None:
        """The certificate of which `issuer` (fingerprint or key id) is the primary key or a subkey."""
        return next((one for one in self.certificates() if one.key(issuer)), None)

    def accept(self, fingerprint: str, material: bytes) -> None:
        """Save the key with this fingerprint out of `material`, a certificate merged with the copy we have.

        Refused(code="foreign-key") when `material` holds other keys only; ConfigurationError when it holds none, or the
        keyring has no folder.
        """
        wanted = normalised(fingerprint)
        if not self._folders:
            raise ConfigurationError("This keyring is kept in memory: there is no folder to save a key in.")
        if holds_public_key(material):
            self._accept_public(wanted, material)
        else:
            self._accept_certificate(wanted, material)

    def _accept_public(self, wanted: str, material: bytes) -> None:
        offered = next((one for one in read_public_keys(material) if one.fingerprint == wanted), None)
        if offered is None:
            raise _foreign(wanted)
        with self._changing:
            known = {one.fingerprint: one for one in self.public_keys()}
            _write_atomically(self._folders[-1] / f"{wanted}.pem", offered.pem)
            self._public = dict(sorted({**known, wanted: offered}.items()))

    def _accept_certificate(self, wanted: str, material: bytes) -> None:
        offered = _merged(read_certificates(material)).get(wanted)
        if offered is None:
            raise _foreign(wanted)
        with self._changing:
            known = self.certificate(wanted)
            merged = _merged([known, offered] if known else [offered])[wanted]
            _write_atomically(self._folders[-1] / f"{wanted}.asc", merged.armored.encode("ascii"))
            self._by_fingerprint = dict(sorted({**self._index(), wanted: merged}.items()))

    def obtain(self, fingerprint: str, urls: Sequence[str], documents: DocumentSource) -> None:
        """Fetch the key from the vendor's addresses in turn and accept the first that matches.

        TransientError when an address may answer later and no other gave the key; else Refused(code="unknown-key") with what
        each address said in `data["tried"]`.
        """
        tried: dict[str, str] = {}
        later: TransientError | None = None
        for url in urls:
            try:
                self.accept(fingerprint, documents.fetch(url, max_bytes=MAX_KEY_BYTES).content)
            except TransientError as error:
                later = error
            except PermanentError as error:
                tried[url] = error.message
            else:
                return
        if later is not None:
            raise later
        raise Refused(
            f"The key {normalised(fingerprint)} could not be obtained from any of {len(urls)} addresses.",
            code="unknown-key",
            hint="Fetch it from the vendor by hand and add it with: isomanager keys add FILE",
            fingerprint=normalised(fingerprint),
            tried=tried,
        )

    def _index(self) -> dict[str, Certificate]:
        with self._changing:
            if self._by_fingerprint is None:
                self._by_fingerprint = _merged(
                    certificate
                    for folder in self._folders
                    for file in _files(folder, _SUFFIXES)
                    for certificate in read_certificates(file.read_bytes(), str(file))
                )
            return self._by_fingerprint


def _foreign(wanted: str) -> Refused:
    return Refused(
        f"The key material offered for {wanted} holds other keys only.",
        code="foreign-key",
        hint="Compare the fingerprint with the one the vendor publishes.",
        fingerprint=wanted,
    )


def _files(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    if not folder.is_dir():
        return []
    # a dot file is a save that was interrupted
    return sorted(file for file in folder.iterdir() if file.suffix in suffixes and not file.name.startswith("."))


def _merged(certificates: Iterable[Certificate]) -> dict[str, Certificate]:
    found: dict[str, Certificate] = {}
    for one in certificates:
        known = found.get(one.fingerprint)
        if known is not None:
            (one,) = read_certificates(bytes(known.cert.merge(one.cert)))
        found[one.fingerprint] = one
    return dict(sorted(found.items()))


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
