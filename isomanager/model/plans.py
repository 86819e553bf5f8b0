"""What a run is to do."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime

from isomanager.model.evidence import Assurance, Expectation
from isomanager.model.titles import Title
from isomanager.model.values import Value


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
