"""Throw-away keys, an offer to prove, and where the recorded and the built documents are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from pysequoia import Cert, SignatureMode, Tsk, sign

from isomanager.model import Document, Family, Offer, Proof, SignatureKind, SignatureRef, Title
from isomanager.trust.keyring import Keyring
from isomanager.version import Version

BUILT = Path(__file__).parents[1] / "documents" / "trust"
NAME = "sample-1.0.iso"
DOCUMENT_URL = "https://vendor.example/1.0/SHA256SUMS"


@dataclass(frozen=True)
class Author:
    """A throw-away key pair that signs."""

    secret: Tsk

    @cached_property
    def cert(self) -> Cert:
        return self.secret.extract_certificate()

    @cached_property
    def fingerprint(self) -> str:
        return self.cert.fingerprint.upper()

    @property
    def material(self) -> bytes:
        return bytes(self.cert)

    def detached(self, data: bytes, *, armor: bool = True) -> bytes:
        return sign(self.secret.signer(), data, mode=SignatureMode.DETACHED, armor=armor)

    def clearsigned(self, data: bytes) -> bytes:
        return sign(self.secret.signer(), data, mode=SignatureMode.CLEAR)


@pytest.fixture(scope="session")
def vendor() -> Author:
    return Author(Tsk.generate("Vendor <releases@vendor.example>"))


@pytest.fixture(scope="session")
def stranger() -> Author:
    return Author(Tsk.generate("Stranger <somebody@elsewhere.example>"))


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="session")
def ring(vendor: Author, stranger: Author) -> Keyring:
    """A keyring that knows both, of which tests pin the vendor."""
    return Keyring.of(vendor.material, stranger.material)


@pytest.fixture(scope="session")
def built() -> Callable[[str], bytes]:
    """A document that the project built, by name."""
    return lambda name: (BUILT / name).read_bytes()


@pytest.fixture(scope="session")
def recorded(recorded: Path) -> Callable[[str], bytes]:
    """A recorded document of a vendor, by its path."""
    return lambda path: (recorded / path).read_bytes()


class Make:
    """Builds offers, proofs and documents; what a test does not say is ordinary."""

    name = NAME
    digest = "5" * 64
    document_url = DOCUMENT_URL
    signature_url = DOCUMENT_URL + ".gpg"

    def signed_proof(self, *keys: str, kind: SignatureKind = SignatureKind.OPENPGP, **changes: Any) -> Proof:
        url = self.signature_url if kind is SignatureKind.OPENPGP else None
        return self.proof(signature=SignatureRef(kind=kind, url=url), signers=keys, **changes)

    def proof(self, **changes: Any) -> Proof:
        return Proof(**{"document": DOCUMENT_URL, "entry": NAME, **changes})

    def offer(self, *proofs: Proof, **changes: Any) -> Offer:
        title = Title(family=Family.LINUX, product="sample", version=Version("1.0"))
        urls = (f"https://vendor.example/1.0/{NAME}",)
        return Offer(**{"title": title, "filename": NAME, "urls": urls, "proofs": proofs, **changes})

    def document(self, content: bytes, url: str = DOCUMENT_URL, final_url: str = "") -> Document:
        return Document(url=url, final_url=final_url or url, content=content)

    def signature(self, content: bytes) -> Document:
        return self.document(content, self.signature_url)

    def sums(self, digest: str = digest, name: str = NAME) -> bytes:
        return f"{digest} *{name}\n".encode()


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()
