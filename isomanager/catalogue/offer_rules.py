"""What a product file may say of offers: the way down to the documents that list files, and what is read in them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from isomanager.catalogue.conditions import Texts, When
from isomanager.catalogue.fields import Bytes, Status
from isomanager.catalogue.proof_rules import ProofRule
from isomanager.model import ALGORITHMS, Value

StrategyName = Literal[
    "listing", "checksums", "api", "redirect", "fixed", "lines", "rss", "page", "evaluation-centre", "download-connector",
    "external", "manual",
]  # fmt: skip

SPECIAL_FIELDS = frozenset(
    {"file", "url", "version", "size", "available", "prerelease", "torrent", "info_hash", "digest", *ALGORITHMS}
)
"""Names in an API entry's `fields` with a meaning of their own; every other one is a named group like those of a pattern."""


class Step(Value):
    """One level on the way down to the document that lists the files; the last step is that document.

    `url` (or alternatives, tried in order) may hold `{names}` and is relative to the level above. `pick` matches one name of
    the level (patterns tried in order), its groups filling `{names}` further down; the group `release` (or `series`, `version`)
    is compared with what the selector asks for. `direct` matches the selector's own version: if it fits, this level need not
    be read. `select` (JMESPath) reads the names from a JSON or YAML document instead of a listing. `search` is looked for
    anywhere in the level's text, where a page or a small file tells the release without linking it (`VERSION=4152.2.0`).
    """

    url: Texts
    pick: Texts = ()
    direct: str = ""
    select: str = ""
    search: str = ""


class TorrentRule(Value):
    """Where the torrent stands."""

    url: str


class MetalinkRule(Value):
    """Where the metalink stands (RFC 5854 `.meta4`, or version 3 `.metalink`) that names further places of the file."""

    url: str


class Unpack(Value):
    """How the file is packed. Unpacking stops at `max` bytes."""

    kind: Literal["bz2", "gz", "xz", "zip"]
    member: str = "*.iso"
    max: Bytes = 16 << 30


_NAMED_BY_FILE = (
    "listing", "checksums", "rss", "page", "redirect", "evaluation-centre", "download-connector",
)  # fmt: skip
"""Strategies that find files by their names."""


class OfferRule(Value):
    """One way to find what upstream offers. Entries are tried in order; the first that answers is taken.

    `archive` marks a place that only holds what is no longer current: it is asked only for a version somebody named.
    `file` are patterns for the whole file name (without directories), `address` for its whole address where that tells more;
    `select` finds the rows of an API, `each` the tables or lists to go down from a row (a row knows the one above as `parent`
    and its own `key`), `fields` are JMESPath expressions on one row; `vendor` is false where others serve the files (mirrors,
    SourceForge), which then prove nothing by having served them;
    `url` is the file's address where it cannot be had from the document; `sums` the checksum document's, for proofs to use;
    `defaults` are values for named groups that took no part, and may hold `{names}` of the flavor.
    `line` are patterns for the lines of a text that lists files, with the groups `file` or `url`, and any other field;
    `hosts` are other sites whose links a page may give.
    """

    when: When = When()
    strategy: StrategyName
    steps: tuple[Step, ...] = ()
    archive: bool = False
    file: Texts = ()
    address: Texts = ()
    select: str = ""
    each: Texts = ()
    fields: dict[str, str] = Field(default_factory=dict)
    line: Texts = ()
    hosts: Texts = ()
    defaults: dict[str, str] = Field(default_factory=dict)
    url: str = ""
    sums: str = ""
    sums_algorithm: Literal["", "sha512", "sha384", "sha256", "sha224", "sha1", "md5", "blake2b"] = ""
    version: str = ""
    save_as: str = ""
    torrent: TorrentRule | None = None
    metalink: MetalinkRule | None = None
    unpack: Unpack | None = None
    vendor: bool = True
    proof: tuple[ProofRule, ...] = ()
    status: Status = "confirmed"
    facts: str = ""

    @model_validator(mode="after")
    def _complete(self) -> OfferRule:
        if self.strategy not in ("fixed", "external", "manual") and not self.steps:
            raise ValueError(f"strategy '{self.strategy}' needs steps")
        if self.strategy in _NAMED_BY_FILE and not self.file:
            raise ValueError(f"strategy '{self.strategy}' needs a file pattern")
        if self.strategy == "api" and not self.select:
            raise ValueError("strategy 'api' needs select")
        if self.strategy == "lines" and not self.line:
            raise ValueError("strategy 'lines' needs line, the pattern of a line that tells of a file")
        if self.strategy in ("fixed", "external") and not self.url:
            raise ValueError(f"strategy '{self.strategy}' needs url")
        if any(not (step.pick or step.search or step.direct) for step in self.steps[:-1]):
            raise ValueError("every step but the last needs pick, search or direct")
        return self
