"""What an image is an image of: title and selector, and the words they are made of."""

from __future__ import annotations

from enum import StrEnum

from isomanager.errors import UsageError
from isomanager.model.values import Value
from isomanager.version import Version, VersionRule


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
