"""What a product file may say of proof: checksum documents, signatures, and whose keys made them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from isomanager.catalogue.conditions import When, one_or_many
from isomanager.catalogue.fields import Fingerprint, Status
from isomanager.model import SignatureKind, Value


class Signature(Value):
    """Where a signature stands (none for a clearsigned document), its kind, and what it covers."""

    kind: SignatureKind
    url: str = ""
    over: Literal["document", "file"] = "document"


class ProofRule(Value):
    """Where the proof of a file stands.

    `document` is the checksum document (none: the digests came with the offer, or the signature is over the file), `entry` the
    name in it. `keys` are full primary fingerprints, `keys_by` more of them by the value of a name: `{major = {44 = "36F6…"}}`.
    Where no key is pinned for the version found, the document counts without its signature: published, not signed.
    """

    when: When = When()
    document: str = ""
    entry: str = "{file}"
    covers: Literal["file", "unpacked"] = "file"
    signature: Signature | None = None
    keys: Annotated[tuple[Fingerprint, ...], BeforeValidator(one_or_many)] = ()
    keys_by: dict[str, dict[str, Annotated[tuple[Fingerprint, ...], BeforeValidator(one_or_many)]]] = Field(
        default_factory=dict
    )
    vendor: bool = True
    legacy: bool = False
    status: Status = "confirmed"
    facts: str = ""
