"""What a product file may say. One TOML file a product; `docs/add-an-os.md` explains it to someone who adds one.

Every field is checked when the file is read; a field that does not exist is refused, so that a typing error cannot hide.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from isomanager.catalogue.conditions import Texts
from isomanager.catalogue.fields import Bytes, Status, plain_fingerprint
from isomanager.catalogue.identify import IdentifyRule
from isomanager.catalogue.key_directory import directory_urls, is_mail_address
from isomanager.catalogue.microsoft.rules import ConnectorRules
from isomanager.catalogue.offer_rules import OfferRule
from isomanager.catalogue.proof_rules import ProofRule
from isomanager.model import CHANNELS, Digests, Family, Value, architecture
from isomanager.version import Version

_OPENPGP_DIGITS = 40
_IDENTIFIER = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"


class VersionForm(Value):
    """How a version is read and judged.

    `text` is built from named groups; `replace` mends upstream's spelling (`{"_" = " "}`); `pre` and `lts` are patterns on the
    whole version; `build` is a pattern for what a version may end with that a person need not name (3.1.2 is 3.1.2-22);
    `series` is how many leading parts make a release series; `epoch` maps patterns to an epoch. `told` are groups that another
    group's value tells (`{build = {26100 = {release = "24H2"}}}`); `also` are patterns of other ways to write a version, whose
    groups make the usual one.
    """

    text: str = "{version}"
    replace: dict[str, str] = Field(default_factory=dict)
    pre: str = ""
    lts: str = ""
    build: str = ""
    series: int = Field(default=1, ge=1)
    epoch: dict[str, int] = Field(default_factory=dict)
    told: dict[str, dict[str, dict[str, str]]] = Field(default_factory=dict)
    also: Texts = ()


class Flavor(Value):
    """A variant of a product.

    `names` are names by which a person may call for it as if it were a product (kubuntu is ubuntu/kubuntu);
    `match` compares named groups of the file pattern (or fields of the API) with a value or a list of them, the better first;
    `vars` fill `{name}` in addresses, a list standing for alternatives; `size` bounds a plausible image, in bytes;
    `endings` are what the name of an image may end with (a packed one's before its packing).
    """

    name: str = ""
    names: Texts = ()
    aliases: Texts = ()
    match: dict[str, Texts] = Field(default_factory=dict)
    vars: dict[str, Texts] = Field(default_factory=dict)
    size: tuple[Bytes, Bytes] | None = None
    endings: Texts = (".iso",)
    architectures: Texts = ()
    facts: str = ""


class Known(Value):
    """What is known of one file by name; its digests are pinned."""

    sha256: str = Field(default="", pattern=r"^(?:[0-9a-f]{64})?$")
    sha512: str = Field(default="", pattern=r"^(?:[0-9a-f]{128})?$")
    size: Bytes | None = None
    version: str = ""

    @property
    def digests(self) -> Digests:
        """The pinned digests by algorithm."""
        return {name: value for name, value in (("sha512", self.sha512), ("sha256", self.sha256)) if value}


class Mirror(Value):
    """Addresses that begin with `replaces` are also to be had where it is exchanged for `base`."""

    replaces: str
    base: str

    def instead_of(self, url: str) -> str | None:
        """Where the mirror has what stands at `url`; None for what it does not mirror."""
        return self.base + url[len(self.replaces) :] if url.startswith(self.replaces) else None


class Lifecycle(Value):
    """The last day on which a release series has updates from its vendor."""

    version: str
    eol: date


class ReleaseList(Value):
    """A document that lists releases without files: which series there are, supported or not. File names are never built from
    it.

    `form` is deb822 (stanzas), listing (`pick` fits its entries) or api (`select` finds its rows); `version`, `codename` and
    `supported` name the field of a stanza or row, `line` the line of the product that the list is about (leap, leap-micro).
    """

    url: str
    form: Literal["deb822", "listing", "api"]
    line: str = ""
    select: str = ""
    version: str = ""
    codename: str = ""
    supported: str = ""
    pick: str = ""


class SourceRules(Value):
    """What the product's addresses may do that the public ones may not; for sample and home-made products."""

    allow_http: bool = False
    allow_private: bool = False


class Spellings(Value):
    """Upstream's spellings by ours."""

    architecture: dict[str, Texts] = Field(default_factory=dict)
    language: dict[str, Texts] = Field(default_factory=dict)


def _one_table_or_many(given: Any) -> Any:
    return (given,) if isinstance(given, dict) else given


class Product(Value):
    """An OS or tool: what it is, where it is offered, and what proves it. `file` are the patterns of entries without any;
    `zsync` is where the block sums of a file stand (`"{url}.zsync"`), which lets an older image be brought up to date;
    `codenames` are the versions by the names their vendor gives them (noble = 24.04); `witnesses` lists of releases that others
    keep (endoflife.date, say), asked only when an answer of upstream's surprises; `meanings` are patterns of names that say more
    than the product (WindowsServer2025), on a name without blanks and punctuation, in lower case, with groups `version` and
    `flavor`.

    A product without offers is there to be recognised: no address is known from which its images may be fetched.
    """

    id: str = Field(pattern=_IDENTIFIER)
    name: str
    family: Family
    aliases: Texts = ()
    meanings: Texts = ()
    homepage: str = ""
    default_flavor: str = ""
    default_language: str = ""
    architectures: Texts = ("x86_64",)
    channels: Texts = ("stable", "previous")
    status: Status = "confirmed"
    facts: str = ""
    zsync: str = ""
    file: Texts = ()
    version: VersionForm = VersionForm()
    codenames: dict[str, str] = Field(default_factory=dict)
    map: Spellings = Spellings()
    flavors: dict[str, Flavor] = Field(default_factory=lambda: {"vanilla": Flavor()})
    offers: tuple[OfferRule, ...] = ()
    proof: tuple[ProofRule, ...] = ()
    keys: dict[str, Texts] = Field(default_factory=dict)
    known: dict[str, Known] = Field(default_factory=dict)
    mirrors: tuple[Mirror, ...] = ()
    lifecycle: tuple[Lifecycle, ...] = ()
    releases: tuple[ReleaseList, ...] = ()
    witnesses: tuple[ReleaseList, ...] = ()
    connector: ConnectorRules | None = None
    identify: Annotated[tuple[IdentifyRule, ...], BeforeValidator(_one_table_or_many)] = ()
    source: SourceRules = SourceRules()

    @model_validator(mode="before")
    @classmethod
    def _shared_file_patterns(cls, given: Any) -> Any:
        """An offers entry without file patterns of its own has the product's."""
        if not isinstance(given, dict) or not given.get("file") or not isinstance(given.get("offers"), list):
            return given
        offers = [{"file": given["file"], **one} if isinstance(one, dict) else one for one in given["offers"]]
        return given | {"offers": offers}

    @model_validator(mode="after")
    def _consistent(self) -> Product:
        if not self.offers and not self.identify:
            raise ValueError("a product needs offers, or at least one identify rule by which its images are recognised")
        if not self.flavors:
            raise ValueError("flavors must name at least one flavor, or be left out")
        if self.default_flavor and self.default_flavor not in self.flavors:
            raise ValueError(f"default_flavor '{self.default_flavor}' is none of {', '.join(self.flavors)}")
        if unknown := set(self.channels) - set(CHANNELS):
            raise ValueError(f"channels has {', '.join(sorted(unknown))}; there are {', '.join(CHANNELS)}")
        if "lts" in self.channels and not self.version.lts:
            raise ValueError("channel lts needs version.lts, the pattern of a long-term version")
        if not self.architectures:
            raise ValueError("architectures must not be empty")
        if self.connector is None and any(offer.strategy == "download-connector" for offer in self.offers):
            raise ValueError("strategy 'download-connector' needs the table [connector]")
        if not self.source.allow_http and any(url.startswith("http://") for url in self.addresses):
            raise ValueError(
                "an address begins with http://; use https, or set source.allow_http for a trusted network"
            )
        return self

    def codename(self, version: str) -> str:
        """The code name of the release that `version` lies in, or ""."""
        lies_in = (name for name, text in self.codenames.items() if Version(version).starts_with(Version(text)))
        return next(lies_in, "")

    def key_urls(self, fingerprint: str, keyservers: Sequence[str] = ()) -> tuple[str, ...]:
        """Where the key can be fetched; what is fetched counts only if its fingerprint is this one.

        A mail address under [keys] means the vendor's web key directory. `keyservers` hold `{fingerprint}`; they know OpenPGP
        keys only.
        """
        named = {plain_fingerprint(key): urls for key, urls in self.keys.items()}.get(fingerprint, ())
        own = (url for one in named for url in (directory_urls(one) if is_mail_address(one) else (one,)))
        servers = keyservers if len(fingerprint) == _OPENPGP_DIGITS else ()
        return (*own, *(url.replace("{fingerprint}", fingerprint) for url in servers))

    @property
    def identify_only(self) -> bool:
        """Whether its images can be recognised but not fetched."""
        return not self.offers

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address template of the offers, as written."""
        steps = (url for offer in self.offers for step in offer.steps for url in step.url)
        connector = self.connector.addresses if self.connector else ()
        return (*steps, *(offer.url for offer in self.offers if offer.url), *connector)

    @property
    def names(self) -> tuple[str, ...]:
        """What the product is called besides its id; a flavor that has names of its own lends them."""
        return (self.name, *self.aliases, *(name for flavor in self.flavors.values() for name in flavor.names))

    @property
    def first_flavor(self) -> str:
        """The flavor that is meant when none is named."""
        return self.default_flavor or next(iter(self.flavors))

    @property
    def patterns(self) -> tuple[str, ...]:
        """Every pattern in the file."""
        form = (self.version.pre, self.version.lts, self.version.build, *self.version.epoch, *self.version.also)
        steps = (step for offer in self.offers for step in offer.steps)
        picks = (pattern for step in steps for pattern in (*step.pick, step.direct, step.search))
        files = (pattern for offer in self.offers for pattern in (*offer.file, *offer.address))
        lines = (pattern for offer in self.offers for pattern in offer.line)
        releases = (listed.pick for listed in (*self.releases, *self.witnesses))
        identify = (one for rule in self.identify for one in rule.patterns)
        every = (*form, *self.meanings, *picks, *files, *lines, *releases, *identify)
        return tuple(pattern for pattern in every if pattern)

    @property
    def selections(self) -> tuple[str, ...]:
        """Every JMESPath expression in the file."""
        steps = (step.select for offer in self.offers for step in offer.steps)
        rows = (text for offer in self.offers for text in (offer.select, *offer.fields.values()))
        releases = (listed.select for listed in (*self.releases, *self.witnesses))
        return tuple(text for text in (*steps, *rows, *releases) if text)

    def our_architecture(self, spelling: str) -> str:
        """Our spelling of an architecture that upstream, or a person, spells in some way."""
        lowered = spelling.lower()
        mapped = (ours for ours, theirs in self.map.architecture.items() if lowered in theirs or lowered == ours)
        return next(mapped, architecture(lowered))

    def upstream_architecture(self, ours: str) -> tuple[str, ...]:
        """Upstream's spellings of one of our architectures, the usual one first."""
        return self.map.architecture.get(ours, (ours,))

    def our_language(self, spelling: str) -> str:
        """Our spelling of a language. Case, blanks and punctuation do not count, everything else does: English is not English
        International."""
        plain = plain_language(spelling)
        known = self.map.language.items()
        mapped = (ours for ours, theirs in known if plain in map(plain_language, (ours, *theirs)))
        return next(mapped, spelling)


def plain_language(spelling: str) -> str:
    """A language's name as it is compared: `Chinese (Simplified)`, `Chinese_Simplified` and `chinese simplified` are one."""
    return "".join(letter for letter in spelling.casefold() if letter.isalnum())
