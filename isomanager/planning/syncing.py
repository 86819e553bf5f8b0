"""Deciding what keeps one repository in step with another: what is copied, what stays, what goes, and why. Pure.

Images are told apart by their digests, never by size and time, and nothing that a receipt proves is read again to decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from isomanager.model import (
    Action,
    ActionKind,
    Assurance,
    Copy,
    CopyState,
    Digests,
    Outcome,
    Plan,
    Title,
    Value,
)
from isomanager.planning.guarding import Tally, forbidden
from isomanager.planning.wanting import Guards, Scope, scope


class SyncMode(StrEnum):
    """`mirror` makes the destination equal, `update` brings what is newer or missing, `merge` what either has."""

    MIRROR = "mirror"
    UPDATE = "update"
    MERGE = "merge"


class SyncKind(StrEnum):
    """What becomes of one image in one destination."""

    COPY = "copy"
    SAME = "same"
    SKIP = "skip"
    RETIRE = "retire"
    FAIL = "fail"


class Shared(Value):
    """An image that the source has. `filename` is upstream's name, `kept_as` the same without a packing that was taken off;
    `copy_id` names it where the source is a repository of this library."""

    title: Title
    path: str
    sha256: str
    size: int
    assurance: Assurance = Assurance.NONE
    digests: Digests = Field(default_factory=dict)
    filename: str = ""
    kept_as: str = ""
    copy_id: str = ""
    metadata: dict[str, str] = Field(default_factory=dict)


class Lacking(Value):
    """An image that the source should have and cannot give now, and why. `sha256` is empty where the source does not tell it."""

    title: Title
    path: str
    sha256: str = ""
    reason: str


class SyncStep(Value):
    """One decision about one image in one destination. `cost` and `frees` are in bytes; `conflict` that both sides have other bytes
    under one title."""

    kind: SyncKind
    destination: str
    shared: Shared | None = None
    assurance: Assurance = Assurance.NONE
    copy_id: str = ""
    title: Title
    path: str = ""
    reason: str
    cost: int = 0
    frees: int = 0
    conflict: bool = False


Protects = Callable[[Copy], str]
"""Why a copy of the destination must not go; empty when nothing speaks for it."""


def plan_sync(
    source: Sequence[Shared],
    held: Sequence[Copy],
    *,
    destination: str,
    mode: SyncMode,
    guards: Guards,
    protects: Protects = lambda _copy: "",
    there: Mapping[str, int] | None = None,
    lacking: Sequence[Lacking] = (),
    paired: Collection[str] = (),
    elsewhere: int = 0,
) -> tuple[SyncStep, ...]:
    """The steps for one destination. `held` are its copies in any live state; `there` are the sizes of its files, by path, where
    they were listed: a copy whose file is gone does not count. What the source is `lacking` is told where it is needed, and a
    mirror lets nothing of it go: what was damaged or lost in the source may be whole here only.

    Where most is the same on both sides, `source` and `held` may be what a decision is about alone: then `paired` are the digests
    of all that both hold, and `elsewhere` is how many more the destination holds.

    An empty source retires nothing, whatever the mode: it is more likely to be broken than to be empty.
    """
    present = [one for one in held if one.state is CopyState.HELD and _is_there(one, there)]
    by_digest = {one.sha256: one for one in present if one.sha256}
    by_scope: dict[Scope, list[Copy]] = defaultdict(list)
    for copy in present:
        by_scope[scope(copy.title)].append(copy)
    steps = [_decide(one, by_digest, by_scope[scope(one.title)], destination, mode) for one in _distinct(source)]
    digests = {one.sha256 for one in source}
    missed = {one.sha256 or one.path: one for one in lacking if one.sha256 not in digests}
    steps += [_missed(one, by_digest, by_scope[scope(one.title)], destination, mode) for one in missed.values()]
    if mode is SyncMode.MIRROR:
        known, tally = {*paired, *digests}, Tally(held=len(present) + elsewhere)
        steps += _retirements(known, [*missed.values()], present, destination, guards, protects, tally)
    return tuple(steps)


_ACTIONS = {
    SyncKind.COPY: ActionKind.DOWNLOAD,
    SyncKind.SAME: ActionKind.KEEP,
    SyncKind.SKIP: ActionKind.SKIP,
    SyncKind.RETIRE: ActionKind.RETIRE,
    SyncKind.FAIL: ActionKind.FAIL,
}
LACKING = "source-lacks"
"""The code of what the source should have and cannot give."""


def as_plan(steps: Iterable[SyncStep], unreachable: Iterable[Outcome], now: datetime) -> Plan:
    """The steps as a plan like any other, with bytes and reasons; a place that does not answer is an action that fails."""
    failing = (
        Action(kind=ActionKind.FAIL, repository=one.repository, selector=one.selector, reason=one.reason, code=one.code)
        for one in unreachable
    )
    going = (
        Action(
            kind=_ACTIONS[one.kind],
            repository=one.destination,
            title=one.title,
            reason=one.reason,
            cost=one.cost,
            frees=one.frees,
            copy_id=one.copy_id,
            path=one.path,
            code=code_of(one),
            source="sync",
        )
        for one in steps
    )
    return Plan(made_at=now, actions=(*failing, *going))


def code_of(step: SyncStep) -> str:
    """What machines know the step by, where its kind does not say it all."""
    if step.kind is SyncKind.FAIL:
        return LACKING
    return "conflict" if step.conflict else ""


def _is_there(copy: Copy, there: Mapping[str, int] | None) -> bool:
    return there is None or there.get(copy.path) == copy.size


def _distinct(source: Iterable[Shared]) -> Iterable[Shared]:
    """Each image once: the source may hold the same bytes under two paths."""
    seen: set[str] = set()
    for one in source:
        if one.sha256 not in seen:
            seen.add(one.sha256)
            yield one


def _decide(
    one: Shared, by_digest: Mapping[str, Copy], rivals: Sequence[Copy], destination: str, mode: SyncMode
) -> SyncStep:
    def step(
        kind: SyncKind, reason: str, *, cost: int = 0, conflict: bool = False, copy: Copy | None = None
    ) -> SyncStep:
        return SyncStep(
            kind=kind, destination=destination, shared=one, assurance=one.assurance, title=one.title,
            reason=reason, cost=cost, conflict=conflict,
            copy_id=copy.id if copy else "", path=copy.path if copy else "",
        )  # fmt: skip

    twin = by_digest.get(one.sha256)
    if twin is not None:
        return step(SyncKind.SAME, same_bytes_told(one.title, twin.title), copy=twin)
    clash = next((copy for copy in rivals if copy.title == one.title), None)
    if clash is not None and mode is SyncMode.UPDATE:
        told = f"other bytes are held as {clash.title}: an update never replaces what is not older"
        return step(SyncKind.SKIP, told, conflict=True, copy=clash)
    newest = max((copy.title.version for copy in rivals), default=None)
    if mode is SyncMode.UPDATE and newest is not None and newest > one.title.version:
        return step(SyncKind.SKIP, f"{newest} is held, which is newer")
    if clash is not None:
        beside = "and replaces them" if mode is SyncMode.MIRROR else "and both are kept"
        return step(
            SyncKind.COPY, f"other bytes are held as {clash.title}; it comes {beside}", cost=one.size, conflict=True
        )
    if newest is not None and newest < one.title.version:
        return step(SyncKind.COPY, f"newer than {newest}", cost=one.size)
    return step(SyncKind.COPY, "missing", cost=one.size)


def _missed(
    one: Lacking, by_digest: Mapping[str, Copy], rivals: Sequence[Copy], destination: str, mode: SyncMode
) -> SyncStep:
    """What becomes of an image that the source cannot give: nothing is amiss where the destination has it, or something newer."""
    twin = by_digest.get(one.sha256) or next(
        (copy for copy in rivals if not one.sha256 and copy.title == one.title), None
    )
    newest = max((copy.title.version for copy in rivals), default=None)
    kind, told = SyncKind.FAIL, f"the source cannot give it: {one.reason}"
    if twin is not None:
        kind, told = SyncKind.SAME, f"{same_bytes_told(one.title, twin.title)}; of the source's own: {one.reason}"
    elif mode is SyncMode.UPDATE and newest is not None and newest > one.title.version:
        kind, told = SyncKind.SKIP, f"{newest} is held, which is newer"
    path, copy_id = (twin.path, twin.id) if twin else ("", "")
    return SyncStep(
        kind=kind, destination=destination, title=one.title, reason=told, path=path, copy_id=copy_id,
        assurance=twin.assurance if twin else Assurance.NONE,
    )  # fmt: skip


def same_bytes_told(wanted: Title, there: Title) -> str:
    """The reason of what needs no copying."""
    return "the same bytes are held" if wanted is there or wanted == there else f"the same bytes are held as {there}"


def _retirements(
    known: Collection[str],
    missed: Sequence[Lacking],
    present: Sequence[Copy],
    destination: str,
    guards: Guards,
    protects: Protects,
    tally: Tally,
) -> Iterable[SyncStep]:
    digests = {*known, *(one.sha256 for one in missed)}
    untold = {one.title for one in missed if not one.sha256}
    extra = [copy for copy in present if copy.sha256 not in digests and copy.title not in untold]
    for copy in sorted(extra, key=lambda one: (one.title.version, one.path)):
        told = _why_stays(copy, known, destination, guards, protects, tally)
        if not told:
            tally.lose(copy.size or 0)
        kind = SyncKind.SKIP if told else SyncKind.RETIRE
        yield SyncStep(
            kind=kind, destination=destination, copy_id=copy.id, title=copy.title, path=copy.path,
            reason=told or "the source does not have it", frees=0 if told else copy.size or 0,
        )  # fmt: skip


def _why_stays(
    copy: Copy, known: Collection[str], destination: str, guards: Guards, protects: Protects, tally: Tally
) -> str:
    if not known:
        return "the source lists nothing: nothing is retired after an empty listing"
    if protected := protects(copy):
        return f"the source does not have it, but {protected}"
    guarding = forbidden(destination, tally, copy.size or 0, guards)
    return guarding.text if guarding else ""
