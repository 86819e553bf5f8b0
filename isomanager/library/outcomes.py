"""Outcomes: what became of each image, and how errors become one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from isomanager.errors import IsoManagerError, Refused
from isomanager.model import Action, ActionKind, Copy, Outcome, OutcomeKind, Plan, Received, Value
from isomanager.planning.costs import Costs

_SETTLED = {
    ActionKind.KEEP: OutcomeKind.CURRENT,
    ActionKind.REFUSE: OutcomeKind.QUARANTINED,
    ActionKind.FAIL: OutcomeKind.FAILED,
    ActionKind.SKIP: OutcomeKind.SKIPPED,
}


class RunReport(Value):
    """What a run did: its plan and what that costs, an outcome for each image, what an interrupted run had left, and the indexes
    it rewrote."""

    plan: Plan | None = None
    costs: Costs | None = None
    recovered: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    indexes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def bad(self) -> tuple[Outcome, ...]:
        """The outcomes that turn the run red."""
        return tuple(one for one in self.outcomes if one.is_bad)

    @property
    def totals(self) -> dict[str, int]:
        """How many outcomes of each kind there are, and the bytes that were fetched, copied or written."""
        return _totals(self.outcomes)

    @property
    def places(self) -> dict[str, dict[str, int]]:
        """The totals of each repository that has an outcome."""
        by_place: dict[str, list[Outcome]] = {}
        for one in self.outcomes:
            by_place.setdefault(one.repository, []).append(one)
        return {name: _totals(outcomes) for name, outcomes in sorted(by_place.items()) if name}


def _totals(outcomes: Sequence[Outcome]) -> dict[str, int]:
    counted = Counter(one.outcome.value for one in outcomes)
    return {**{kind.value: counted[kind.value] for kind in OutcomeKind}, "bytes": sum(one.bytes for one in outcomes)}


def settled_outcome(action: Action) -> Outcome | None:
    """The outcome of an action that needs no work: what is current, refused or could not be resolved."""
    kind = _SETTLED.get(action.kind)
    if kind is None:
        return None
    return Outcome(
        outcome=kind,
        title=action.title,
        selector=action.selector,
        repository=action.repository,
        path=action.path,
        reason=action.reason,
        code=action.code,
        assurance=action.assurance,
        note=action.note,
    )


def published_outcome(action: Action, copy: Copy, received: Received, *, anew: bool = True) -> Outcome:
    """The outcome of a download that was published; `bytes` are those that came in this run.

    `anew` is False when the copy was held before, and its bytes were fetched again by force.
    """
    return Outcome(
        outcome=OutcomeKind.PUBLISHED if anew else OutcomeKind.CURRENT,
        title=copy.title,
        selector=action.selector,
        repository=copy.repository,
        path=copy.path,
        reason=action.reason
        if anew
        else "fetched again: the very bytes that are held, which were read and proved again",
        code=action.code if anew else "",
        bytes=received.size - received.resumed_at,
        seconds=received.seconds,
        assurance=copy.assurance,
        sources=received.sources,
        note="; ".join(filter(None, (action.note, *dropped_places(received)))),
    )


def dropped_places(received: Received) -> tuple[str, ...]:
    """A sentence for each place that was asked for the image and failed, the image having come from others."""
    return tuple(f"not from everywhere: {one.dropped}" for one in received.sources if one.dropped)


def failed_outcome(action: Action, wrong: IsoManagerError) -> Outcome:
    """The outcome of an action that failed: quarantined when a proof failed; current when another run was quicker."""
    kind = OutcomeKind.QUARANTINED if isinstance(wrong, Refused) else OutcomeKind.FAILED
    return Outcome(
        outcome=OutcomeKind.CURRENT if wrong.code == "already-held" else kind,
        title=action.title,
        selector=action.selector,
        repository=action.repository,
        path=action.path,
        reason=str(wrong),
        code=wrong.code,
        note=action.note,
    )
