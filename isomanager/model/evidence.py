"""What speaks for an image before its bytes are there: documents and signers, and what was made of them."""

from __future__ import annotations

import codecs
from enum import StrEnum
from functools import total_ordering

from pydantic import AwareDatetime, ConfigDict

from isomanager.model.digests import Digests, strongest
from isomanager.model.offers import Offer, Proof
from isomanager.model.values import Value


@total_ordering
class Assurance(StrEnum):
    """How far an image is proved. The order is that of strength: `Assurance.SIGNED > Assurance.PUBLISHED`."""

    NONE = "none"
    MIRROR = "mirror"
    SERVED = "served"
    PUBLISHED = "published"
    PINNED = "pinned"
    SIGNED = "signed"

    @property
    def rank(self) -> int:
        """0 for none, 5 for signed."""
        return list(Assurance).index(self)

    def __lt__(self, other: object) -> bool:
        return self.rank < other.rank if isinstance(other, Assurance) else NotImplemented

    def __le__(self, other: object) -> bool:
        return self.rank <= other.rank if isinstance(other, Assurance) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self.rank > other.rank if isinstance(other, Assurance) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self.rank >= other.rank if isinstance(other, Assurance) else NotImplemented


def text_of(content: bytes) -> str:
    """A document's text: UTF-8, or UTF-16 where a byte order mark says so, without the mark.

    Bytes that are not UTF-8 are kept apart by surrogate escapes.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    return content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")


class Document(Value):
    """A text from upstream, exactly as served. `url` is what was asked for, `final_url` what answered."""

    url: str
    final_url: str = ""
    content: bytes
    etag: str = ""
    last_modified: str = ""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    @property
    def text(self) -> str:
        """The content as `text_of` reads it."""
        return text_of(self.content)


class Signer(Value):
    """Who signed, by full fingerprints, and when, as far as the signature says it; `note` for what a person should know (the key
    has expired since, say)."""

    primary: str
    subkey: str = ""
    note: str = ""
    signed_at: AwareDatetime | None = None


class Expectation(Value):
    """An offer whose evidence has been judged good: what the bytes must be, and how far that proves them.

    `digests` are required, all of them. `assurance` is what a match will reach. `file_signature` is set when a signature over
    the file itself has still to be checked against the bytes (kept in `evidence`).
    """

    offer: Offer
    digests: Digests
    size: int | None = None
    assurance: Assurance
    signer: Signer | None = None
    evidence: tuple[Document, ...] = ()
    file_signature: Proof | None = None
    reasons: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """As the offer's, but from the digests that the evidence requires where there are any."""
        algorithm = strongest(self.digests)
        return f"{algorithm}:{self.digests[algorithm]}" if algorithm else self.offer.fingerprint


class Refusal(Value):
    """Evidence or bytes that failed a proof. `code` as in `isomanager.errors.Refused`."""

    offer: Offer
    code: str
    reason: str
    evidence: tuple[Document, ...] = ()
