"""What became of each image in a run."""

from __future__ import annotations

from enum import StrEnum

from isomanager.model.evidence import Assurance
from isomanager.model.receipts import SourceUse
from isomanager.model.titles import Title
from isomanager.model.values import Value


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
