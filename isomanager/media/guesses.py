"""What identification is told and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

EvidenceKind = Literal["digest", "marker", "header", "file"]
"""Strongest first: bytes that are known, the content, the volume's identifiers, the file's name."""


@dataclass(frozen=True)
class Said:
    """What an image and its name say: `texts` by what a rule may name (`volume`, `publisher`, ..., `marker:disk-info`)."""

    name: str
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Guess:
    """A title as far as it could be read; None for what is not known. `confidence` is between 0 and 1."""

    family: str | None = None
    product: str | None = None
    flavor: str | None = None
    version: str | None = None
    architecture: str | None = None
    language: str | None = None
    edition: str | None = None
    confidence: float = 0.0
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Identification(Guess):
    """The answer: the best guess where it is good enough, else no product; `alternatives` are the others, the better first."""

    alternatives: tuple[Guess, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The form of the contract, without the path."""
        return asdict(self)


ATTRIBUTES = ("flavor", "version", "architecture", "language", "edition")
"""What a guess tells beside the product."""
