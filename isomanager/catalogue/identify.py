"""How a product is recognised: rules that say how its vendor names its media, as data in the product file.

A rule states a manner of naming that holds across releases; `docs/add-an-os.md` explains the fields to someone who adds one.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from isomanager.catalogue.conditions import Texts
from isomanager.model import Value

HEADER_FIELDS = ("volume", "volume_set", "system", "publisher", "preparer", "application")
"""The identifiers of the primary volume descriptor (ECMA-119, 8.4) that a rule may name."""

MARKERS = (
    "disk-info",
    "treeinfo",
    "discinfo",
    "os-release",
    "media",
    "cd-info",
    "alpine-release",
    "arch-version",
    "windows",
    "windows-build",
)
"""What is read from the content: see `isomanager/media/markers.py`."""


class IdentifyRule(Value):
    """One manner in which a product names its media.

    Of the header's identifiers and the markers every one that the rule names must fit: patterns on the whole text, the first
    that fits counting, its named groups telling `version` (or the names that `text` puts together), `arch`, `flavor`,
    `language`, `edition`, and whatever the product's flavors are matched by. `file` fits the file's name alone, and is
    evidence of its own kind; `unless` are names that `file` fits and that are no system. `text` are templates for the version; the
    first whose names all have a value is taken; without any, the product's own form counts, or major, minor and patch joined by
    points.
    `values` are groups that are the same wherever the rule fits, `map` puts other values for what the groups hold
    (`map.version = {squeeze = "6"}`). `confidence` is for a naming that is weaker or stronger than usual.
    """

    volume: Texts = ()
    volume_set: Texts = ()
    system: Texts = ()
    publisher: Texts = ()
    preparer: Texts = ()
    application: Texts = ()
    marker: dict[str, Texts] = Field(default_factory=dict)
    file: Texts = ()
    unless: Texts = ()
    text: Texts = ()
    values: dict[str, str] = Field(default_factory=dict)
    map: dict[str, dict[str, str]] = Field(default_factory=dict)
    confidence: float | None = Field(default=None, gt=0, lt=1)

    @model_validator(mode="after")
    def _says_something(self) -> IdentifyRule:
        if not (self.content or self.file):
            raise ValueError(f"a rule needs one of {', '.join((*HEADER_FIELDS, 'marker', 'file'))}")
        if unknown := set(self.marker) - set(MARKERS):
            raise ValueError(f"marker has {', '.join(sorted(unknown))}; there are {', '.join(MARKERS)}")
        return self

    @property
    def content(self) -> dict[str, tuple[str, ...]]:
        """The patterns on the header and the markers, by what they are matched against."""
        header = {name: getattr(self, name) for name in HEADER_FIELDS if getattr(self, name)}
        return header | {f"marker:{name}": patterns for name, patterns in self.marker.items()}

    @property
    def patterns(self) -> tuple[str, ...]:
        """Every pattern of the rule."""
        return (*(pattern for patterns in self.content.values() for pattern in patterns), *self.file, *self.unless)
