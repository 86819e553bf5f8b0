"""What upstream claims of an image: where it stands, how it is packed, and where its proof is."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from isomanager.model.digests import Digests, strongest
from isomanager.model.titles import Title
from isomanager.model.values import Value


class SignatureKind(StrEnum):
    """How a document or file is signed."""

    OPENPGP = "openpgp"
    CLEARSIGNED = "clearsigned"
    SIGNIFY = "signify"
    MINISIGN = "minisign"
    RSA = "rsa"


class SignatureRef(Value):
    """Where a signature stands, and what it covers. A clearsigned document carries its own: `url` is None."""

    kind: SignatureKind
    url: str | None = None
    over: Literal["document", "file"] = "document"


class Proof(Value):
    """Where the proof of an offer stands.

    `document` is the checksum document's address (None when the signature is over the file itself, or the digests came with
    the offer); `entry` the name to look up in it; `keys` the full primary fingerprints of which one must have signed.
    `vendor` says that the document comes from the vendor's own host.
    """

    document: str | None = None
    entry: str = ""
    covers: Literal["file", "unpacked"] = "file"
    signature: SignatureRef | None = None
    signers: tuple[str, ...] = ()
    vendor: bool = True
    legacy: bool = False


class Torrent(Value):
    """A torrent of the file: the address of its .torrent or a magnet link, or its info hash alone.

    `only` when upstream gives no other way, `asked` when a person named it.
    """

    url: str = ""
    info_hash: str = ""
    only: bool = False
    asked: bool = False


class Packing(Value):
    """How the file is packed upstream; unpacking stops at `max_bytes`."""

    kind: Literal["bz2", "gz", "xz", "zip"]
    member: str = "*.iso"
    max_bytes: int = 16 << 30


class DayLink(Value):
    """What to ask Microsoft's download connector for: it gives an address that only holds for a day and for whoever asked.

    The signed address itself is never part of a value that is stored or told. `edition` and `sku` are Microsoft's ids,
    `language` its name, `page` the download page, `expires` the end of the address that is known now, as upstream writes it.
    """

    edition: str
    sku: str
    language: str
    page: str
    expires: str = ""


class Offer(Value):
    """What upstream claims. A cache, never truth. `zsync` is the address of the file's block sums, `metalink` that of a list of
    further places.

    `size` in bytes when upstream says it; `digests` claimed beside the listing itself (an API's fields, say);
    `pinned` those that the catalogue knows of this very file. Not `confirmed`: nobody checked the facts it was found by. With a
    `link`, `urls` only tell where the file stands; the address to fetch it from is asked for when it is needed.
    """

    title: Title
    channel: str = "stable"
    filename: str
    urls: tuple[str, ...]
    size: int | None = None
    size_range: tuple[int, int] | None = None
    digests: Digests = Field(default_factory=dict)
    pinned: Digests = Field(default_factory=dict)
    packing: Packing | None = None
    torrent: Torrent | None = None
    metalink: str = ""
    zsync: str = ""
    proofs: tuple[Proof, ...] = ()
    save_as: str = ""
    etag: str = ""
    last_modified: str = ""
    listed_at: tuple[str, ...] = ()
    served_assurance: bool = True
    confirmed: bool = True
    link: DayLink | None = None

    @property
    def fingerprint(self) -> str:
        """What tells a re-spin from the same bytes: the strongest claimed digest, else size with ETag and Last-Modified."""
        algorithm = strongest(self.digests)
        if algorithm:
            return f"{algorithm}:{self.digests[algorithm]}"
        return f"size:{self.size}|etag:{self.etag}|modified:{self.last_modified}"
