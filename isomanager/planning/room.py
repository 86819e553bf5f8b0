"""Whether what is to be fetched fits, and what would make room where it does not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from isomanager.model import Action, ActionKind


@dataclass(frozen=True)
class Reclaimable:
    """What would make room, in bytes: `trash` is what emptying the trash would free, `old` what older versions take that are kept
    beside newer ones."""

    trash: int = 0
    old: int = 0


@dataclass(frozen=True)
class Room:
    """What a repository has room for, in bytes. `free` is what may still come, None where nobody can say; `limit` says by what.

    What would make more is asked for only when something has no room.
    """

    free: int | None = None
    limit: str = "on its disk"
    reclaimable: Callable[[], Reclaimable] = Reclaimable


RoomOf = Callable[[str], Room]
"""The room of a repository; asked only for those that something is to come into."""


def boundless(_repository: str) -> Room:
    """Nobody knows of a limit."""
    return Room()


def fitting(actions: Iterable[Action], room_of: RoomOf) -> list[Action]:
    """The actions, each download that has no room beside those before it refused, with what would make room.

    What needs a size that nobody knows is let through: the transfer itself asks for room as soon as it knows.
    """
    rooms: dict[str, Room] = {}
    promised: dict[str, int] = {}
    decided: list[Action] = []
    for action in actions:
        if action.kind is not ActionKind.DOWNLOAD:
            decided.append(action)
            continue
        if action.repository not in rooms:
            rooms[action.repository] = room_of(action.repository)
        room = rooms[action.repository]
        taken, needed = promised.get(action.repository, 0), action.cost or 0
        if room.free is not None and needed > room.free - taken:
            decided.append(_refused(action, room, needed, max(0, room.free - taken)))
        else:
            promised[action.repository] = taken + needed
            decided.append(action)
    return decided


def _refused(action: Action, room: Room, needed: int, left: int) -> Action:
    return Action(
        kind=ActionKind.FAIL,
        repository=action.repository,
        title=action.title,
        selector=action.selector,
        code="no-space",
        reason=f"it needs {needed} bytes, and {action.repository} has {left} left {room.limit}; {_remedies(room)}",
        note=action.note,
    )


def _remedies(room: Room) -> str:
    ways, found = [], room.reclaimable()
    if found.trash:
        ways.append(f"`isomanager trash empty --all` frees {found.trash} bytes")
    if found.old:
        ways.append(f"older versions that are kept take {found.old} bytes (`isomanager why` says by which rules)")
    return " and ".join(ways) or "only a larger place, a larger quota, or fewer subscriptions would make room"
