"""What is said of a held copy: whether it stays, why, and what would change that."""

from __future__ import annotations

from dataclasses import dataclass

from isomanager.model import Copy


@dataclass(frozen=True)
class Reason:
    """One reason for machines (`code`) and people (`text`), and what would make it fall away (`change`)."""

    code: str
    text: str
    change: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Verdict:
    """A held copy, whether it stays, and every reason for that; `archives` are the repositories it is copied to before it goes."""

    copy: Copy
    stays: bool
    reasons: tuple[Reason, ...]
    archives: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """All reasons in one sentence."""
        return "; ".join(map(str, self.reasons))
