"""The values that go through the house, in the order they appear: selector, offer, expectation, received, receipt, copy, plan.

All are frozen. Their JSON form (`model_dump(mode="json")`) is what is stored in receipts and the database.
"""

from __future__ import annotations

import codecs
from datetime import datetime
from enum import StrEnum
from functools import total_ordering
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from isomanager.errors import UsageError
from isomanager.version import Version, VersionRule


class Value(BaseModel):
    """A frozen value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Family(StrEnum):
    """The widest group a product belongs to."""

    LINUX = "linux"
    WINDOWS = "windows"
    BSD = "bsd"
    APPLIANCE = "appliance"
    RESCUE = "rescue"
    CUSTOM = "custom"


ARCHITECTURE_ALIASES = {
    "x86_64": ("amd64", "x64", "x86-64", "64bit", "64-bit"),
    "aarch64": ("arm64", "arm64-aarch64"),
    "i686": ("i386", "i486", "i586", "x86", "ia32", "32bit", "32-bit"),
    "armv7": ("armhf", "armv7l", "armv7hl"),
    "ppc64le": ("ppc64el", "powerpc-powerpc64le"),
    "riscv64": ("riscv-riscv64",),
}
"""Upstream's spellings by ours; a product file may add its own."""


def architecture(spelling: str) -> str:
    """Our one spelling for any of upstream's; a spelling nobody knows is kept as it is, in lower case."""
    lowered = spelling.lower()
    return next((ours for ours, theirs in ARCHITECTURE_ALIASES.items() if lowered in theirs), lowered)


VANILLA = "vanilla"
"""The default flavor of a product that has only one."""

CHANNELS = ("stable", "lts", "previous", "preview", "daily")
_OTHER_WORDS = {"beta": "preview", "nightly": "daily", "oldstable": "previous", "current": "stable", "newest": "stable"}


def channel_named(word: str) -> str:
    """The channel that a word means, `beta` being another one for preview; "" for a word that means none."""
    plain = word.strip().lower()
    channel = _OTHER_WORDS.get(plain, plain)
    return channel if channel in CHANNELS else ""


class Title(Value):
    """What a person asks for, and what a copy is."""

    family: Family
    product: str
    flavor: str = VANILLA
    version: Version
    architecture: str = "x86_64"
    language: str = ""
    edition: str = ""

    def __str__(self) -> str:
        extra = " ".join(piece for piece in (self.language, self.edition) if piece)
        return f"{self.product}/{self.flavor}@{self.version} {self.architecture} {extra}".rstrip()


class Selector(Value):
    """A title with rules instead of values. An omitted flavor is the product's default; an empty tuple means the default."""

    product: str
    flavor: str = ""
    rule: VersionRule = VersionRule()
    channel: str = "stable"
    architectures: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    editions: tuple[str, ...] = ()

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        architectures: tuple[str, ...] = (),
        languages: tuple[str, ...] = (),
        editions: tuple[str, ...] = (),
    ) -> Selector:
        """Read `PRODUCT[/FLAVOR][@VERSION]`, VERSION being a version rule or a channel (`ubuntu/server@lts`)."""
        name, _, rule = text.strip().partition("@")
        product, _, flavor = name.partition("/")
        if not product.strip():
            raise UsageError(f"'{text}' names no product.", hint="A selector is PRODUCT[/FLAVOR][@VERSION].", text=text)
        channel = channel_named(rule)
        return cls(
            product=product.strip(),
            flavor=flavor.strip(),
            rule=VersionRule.parse("" if channel else rule),
            channel=channel or "stable",
            architectures=tuple(architecture(one) for one in architectures),
            languages=languages,
            editions=editions,
        )

    def __str__(self) -> str:
        rule = self.channel if self.channel != "stable" and not self.rule.exact else str(self.rule)
        return f"{self.product}{'/' + self.flavor if self.flavor else ''}@{rule}"


ALGORITHMS = ("sha512", "blake2b", "sha384", "sha256", "sha224", "sha1", "md5")
"""Digest algorithms, strongest first, under hashlib's names."""

WEAK_ALGORITHMS = frozenset({"sha1", "md5"})
"""Never raise assurance above `mirror`."""

Digests = dict[str, str]
"""Lower-case hexadecimal digests by algorithm."""


def strongest(digests: Digests) -> str | None:
    """The strongest algorithm among `digests`, or None when there is none."""
    return next((algorithm for algorithm in ALGORITHMS if algorithm in digests), None)


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


VENDOR, MIRRORS = "vendor", "mirrors"
"""Names in the order of sources that stand for no source of the user's: where upstream offers a file, and its listed mirrors."""


class SourceRecord(Value):
    """A source of the user's own. `base` is its address, without secrets; `maps` says where an image stands below it: `path`
    (the path of the vendor's address), `name` (the file's name), `layout` (our default layout), or a template. Lower `priority`
    is asked earlier. `speed` in bytes a second, `failures` in a row, `told` what was wrong the last time: what was seen so far.

    A record named `vendor` or `mirrors` has no base: it only says where in the order those come.
    """

    name: str
    base: str = ""
    maps: str = "path"
    priority: int = 100
    speed: float | None = None
    failures: int = 0
    told: str = ""
    seen_at: AwareDatetime | None = None
    created_at: AwareDatetime


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


class CopyState(StrEnum):
    """Where a copy is in its life; each state is committed before the effect it announces."""

    RESERVED = "reserved"
    RECEIVED = "received"
    PUBLISHING = "publishing"
    HELD = "held"
    SUSPECT = "suspect"
    RETIRING = "retiring"
    TRASHED = "trashed"
    RESTORING = "restoring"
    GONE = "gone"


class Copy(Value):
    """One image at one path of one repository. `path` is relative, with forward slashes. `sha256` and `size` are None until
    the bytes are received; `partial` names the unfinished bytes until they are published; `trash_path` where a retired one is.
    `metadata` is what people noted of it: what it was made from, what it is for.
    """

    id: str
    repository: str
    path: str
    title: Title
    state: CopyState
    sha256: str | None = None
    size: int | None = None
    assurance: Assurance = Assurance.NONE
    digests: Digests = Field(default_factory=dict)
    fingerprint: str = ""
    filename: str = ""
    source: str = ""
    partial: str = ""
    trash_path: str = ""
    reason: str = ""
    metadata: dict[str, str] = Field(default_factory=dict)
    created_at: AwareDatetime
    proved_at: AwareDatetime | None = None
    changed_at: AwareDatetime


class Keep(Value):
    """Which versions stay; what one rule keeps, no other lets go (0: no such rule).

    The newest `last`; everything proved within `days`; the newest of each of the newest `per_major` major versions, and of each of
    the newest `per_minor` pairs of major and minor version.
    """

    last: int = Field(default=1, ge=1)
    days: int = Field(default=0, ge=0)
    per_major: int = Field(default=0, ge=0)
    per_minor: int = Field(default=0, ge=0)


class Subscription(Value):
    """A selector that is kept up to date. `under` leaves out images that are larger, in bytes (0: none); `tags` and `group` are
    words by which a person or a schedule calls for it. With `old` "archive" a replaced version is copied to the repository
    `archive` before it goes to the trash."""

    id: str
    selector: Selector
    repositories: tuple[str, ...] = ("default",)
    keep: Keep = Keep()
    old: Literal["trash", "keep", "archive"] = "trash"
    archive: str = ""
    floor: Assurance = Assurance.PUBLISHED
    paused: bool = False
    under: int = Field(default=0, ge=0)
    tags: tuple[str, ...] = ()
    group: str = ""
    created_at: AwareDatetime


class Pin(Value):
    """A person's word that something stays: whatever a selector fits, or an image in a repository (`sha256`, under `title`), which
    is known again when it moves or comes back from the trash.

    A `pin` keeps what it covers. A `hold` also keeps newer versions from being fetched in its place, until it is released.
    It ends by itself after `until`. `name` is what the person said.
    """

    id: str
    kind: Literal["pin", "hold"]
    name: str
    selector: Selector | None = None
    repository: str = ""
    sha256: str = ""
    title: Title | None = None
    reason: str = ""
    until: AwareDatetime | None = None
    created_at: AwareDatetime


class Freeze(Value):
    """Since when nothing may be deleted anywhere, and why."""

    reason: str = ""
    at: AwareDatetime


Publication = Literal["pulp", "simplestreams", "atom"]
"""A form in which a repository tells other programs what it holds."""


class RepositoryRecord(Value):
    """A place that holds images, as the database names it. `url` never holds a secret."""

    name: str
    url: str
    layout: str = "default"
    description: str = ""
    created_at: AwareDatetime


class Site(Value):
    """A named set of repositories at one place."""

    name: str
    repositories: tuple[str, ...]
    description: str = ""
    created_at: AwareDatetime


class ActionKind(StrEnum):
    """What a plan can do."""

    DOWNLOAD = "download"
    KEEP = "keep"
    RETIRE = "retire"
    REFUSE = "refuse"
    FAIL = "fail"
    SKIP = "skip"


class Action(Value):
    """One step of a plan: what, where, why, and how many bytes it costs (positive: fetched; freed bytes are `frees`).

    `download` carries the expectation and, as `source`, who wants it; `retire` the copy, and the repositories to copy it to first;
    `refuse` and `fail` a code and a
    reason; `skip` is what only a person can do, with how. `note` is what a person should know besides: facts nobody confirmed,
    the age of the last good answer.
    """

    kind: ActionKind
    repository: str = ""
    title: Title | None = None
    selector: str = ""
    reason: str
    code: str = ""
    cost: int | None = 0
    frees: int = 0
    expectation: Expectation | None = None
    copy_id: str = ""
    path: str = ""
    source: str = ""
    archives: tuple[str, ...] = ()
    assurance: Assurance = Assurance.NONE
    note: str = ""

    @property
    def why(self) -> str:
        """The reason, and what a person should know besides."""
        return f"{self.reason} ({self.note})" if self.note else self.reason


class Plan(Value):
    """Ordered actions, each with its reason. A dry run is a plan that is not applied."""

    made_at: AwareDatetime
    actions: tuple[Action, ...] = ()

    def of_kind(self, *kinds: ActionKind) -> tuple[Action, ...]:
        """The actions of these kinds, in order."""
        return tuple(action for action in self.actions if action.kind in kinds)

    @property
    def cost(self) -> int:
        """Bytes to be fetched, as far as sizes are known."""
        return sum(action.cost or 0 for action in self.actions)

    @property
    def frees(self) -> int:
        """Bytes that retiring frees once the trash is emptied."""
        return sum(action.frees for action in self.actions)


class OutcomeKind(StrEnum):
    """What became of one image in a run."""

    PUBLISHED = "published"
    CURRENT = "current"
    RETIRED = "retired"
    SKIPPED = "skipped"
    QUARANTINED = "quarantined"
    FAILED = "failed"


class Outcome(Value):
    """What became of one image, and why."""

    outcome: OutcomeKind
    title: Title | None = None
    selector: str = ""
    repository: str = ""
    path: str = ""
    reason: str = ""
    code: str = ""
    bytes: int = 0
    seconds: float = 0.0
    assurance: Assurance = Assurance.NONE
    sources: tuple[SourceUse, ...] = ()
    note: str = ""

    @property
    def why(self) -> str:
        """The reason, and what a person should know besides."""
        return f"{self.reason} ({self.note})" if self.note else self.reason

    @property
    def is_bad(self) -> bool:
        """Whether this outcome turns the run red."""
        return self.outcome in (OutcomeKind.FAILED, OutcomeKind.QUARANTINED)


class Quarantined(Value):
    """What was refused, remembered until the evidence (`fingerprint`) changes."""

    fingerprint: str
    title: Title
    code: str
    reason: str
    at: datetime
