"""What was received, and the proof that it is what was asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from isomanager.model.digests import Digests
from isomanager.model.evidence import Assurance, Document, Signer
from isomanager.model.offers import Offer
from isomanager.model.titles import Title
from isomanager.model.values import Value


class PackedBytes(Value):
    """What came over the line of a packed image, before it was unpacked: its size in bytes and its digests."""

    size: int
    digests: Digests


class SourceUse(Value):
    """What one address was good for in one transfer: bytes it brought, seconds it was asked, connections; why it was dropped."""

    url: str
    bytes: int = 0
    seconds: float = 0.0
    connections: int = 0
    dropped: str = ""
    code: str = ""


class Received(Value):
    """A closed, durable partial: its size in bytes and the digests taken as the bytes passed.

    `packed` is what came over the line when the image is packed upstream; the evidence speaks of those bytes, and `signer` is
    who signed that file itself, checked before it was unpacked. `refused` are addresses and SHA-256 of what was fetched before
    and was not what the evidence demands.
    """

    partial: str
    size: int
    digests: Digests
    url: str = ""
    etag: str = ""
    last_modified: str = ""
    seconds: float = 0.0
    resumed_at: int = 0
    packed: PackedBytes | None = None
    sources: tuple[SourceUse, ...] = ()
    signer: Signer | None = None
    refused: tuple[tuple[str, str], ...] = ()

    @property
    def proved_bytes(self) -> PackedBytes:
        """The bytes that the evidence speaks of: the packed ones, where there are any."""
        return self.packed or PackedBytes(size=self.size, digests=self.digests)

    @property
    def sha256(self) -> str:
        """The image's identity."""
        return self.digests["sha256"]


class Receipt(Value):
    """Append-only proof of an image under a title, kept beside the copy and in the database.

    `offer` is what was judged, its addresses without secrets: with the evidence it lets anyone judge again, offline.
    """

    schema_version: Literal[1] = 1
    title: Title
    sha256: str
    size: int
    digests: Digests
    filename: str
    assurance: Assurance
    signer: Signer | None = None
    reasons: tuple[str, ...] = ()
    evidence: tuple[Document, ...] = ()
    urls: tuple[str, ...] = ()
    fingerprint: str = ""
    packed: PackedBytes | None = None
    offer: Offer | None = None
    proved_at: AwareDatetime
