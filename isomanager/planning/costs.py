"""What a plan costs: bytes, time, and room in each repository. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isomanager.model import ActionKind, Outcome, OutcomeKind, Plan, Value


class Room(Value):
    """One repository's bytes: free now, fetched, let go of (once the trash is emptied), free afterwards. None: nobody can say."""

    repository: str
    free_before: int | None
    fetches: int
    frees: int
    free_after: int | None


class Costs(Value):
    """`seconds` as earlier downloads took them, None where none is remembered; `unknown` images of unknown size count nowhere."""

    bytes: int = 0
    images: int = 0
    unknown: int = 0
    seconds: float | None = None
    rooms: tuple[Room, ...] = ()


def costs_of(plan: Plan, rates: Mapping[str, float], free: Mapping[str, int | None], *, at_once: int) -> Costs:
    """The plan's costs. `rates` in bytes a second by product, "" for all together; `free` bytes by repository."""
    fetched = plan.of_kind(ActionKind.DOWNLOAD)
    retired = plan.of_kind(ActionKind.RETIRE)
    usual = rates.get("")
    times = [
        (one.cost or 0) / rate
        for one in fetched
        if (rate := rates.get(one.title.product if one.title else "", usual or 0.0) or 0.0)
    ]
    # several come at once, but never quicker than the longest of them
    seconds = (
        max(sum(times) / max(1, min(at_once, len(times))), max(times)) if len(times) == len(fetched) and times else None
    )
    rooms = []
    for name in dict.fromkeys(one.repository for one in (*fetched, *retired)):
        comes = sum(one.cost or 0 for one in fetched if one.repository == name)
        goes = sum(one.frees for one in retired if one.repository == name)
        before = free.get(name)
        after = None if before is None else before - comes + goes
        rooms.append(Room(repository=name, free_before=before, fetches=comes, frees=goes, free_after=after))
    return Costs(
        bytes=plan.cost,
        images=len(fetched),
        unknown=sum(one.cost is None for one in fetched),
        seconds=seconds if fetched else 0.0,
        rooms=tuple(rooms),
    )


_LEAST_TELLING = 64 << 10
"""Bytes: smaller transfers say more of how long a connection takes than of its rate."""


def remembered_rates(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Bytes a second of past downloads, by product and, as "", of all of them."""
    told = [
        one
        for one in outcomes
        if one.outcome is OutcomeKind.PUBLISHED and one.seconds > 0 and one.bytes >= _LEAST_TELLING and one.title
    ]
    sums: dict[str, tuple[int, float]] = {}
    for one in told:
        for name in ("", one.title.product if one.title else ""):
            size, seconds = sums.get(name, (0, 0.0))
            sums[name] = (size + one.bytes, seconds + one.seconds)
    return {name: size / seconds for name, (size, seconds) in sums.items()}
