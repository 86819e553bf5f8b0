"""The difference between what a library file declares and what there is. Pure: tables of plain fields in, changes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from isomanager.model import Value

Kind = Literal["repository", "source", "site", "subscription"]
Verb = Literal["add", "change", "remove", "keep", "refuse"]
Fields = Mapping[str, Any]
"""What is declared of one thing, without what the library itself notes of it (ids, times)."""

KINDS: tuple[Kind, ...] = ("repository", "source", "site", "subscription")
"""In this order things are made, since each may name one of those before it; removed in the opposite order."""


class Change(Value):
    """One difference: what is done to which thing, why, and the fields that differ as (name, before, after)."""

    kind: Kind
    name: str
    verb: Verb
    reason: str
    fields: tuple[tuple[str, str, str], ...] = ()


def plan_declared(
    wanted: Mapping[Kind, Mapping[str, Fields]],
    there: Mapping[Kind, Mapping[str, Fields]],
    undeletable: Mapping[tuple[Kind, str], str],
) -> tuple[Change, ...]:
    """What to add, change, remove, keep or refuse, in the order in which it can be done.

    A kind that `wanted` does not have at all is left as it is: a file may declare subscriptions alone. `undeletable` says of
    things why they cannot be removed.
    """
    made = [one for kind in KINDS if kind in wanted for one in _made(kind, wanted[kind], there.get(kind, {}))]
    gone = [
        _gone(kind, name, undeletable.get((kind, name), ""))
        for kind in reversed(KINDS)
        if kind in wanted
        for name in there.get(kind, {})
        if name not in wanted[kind]
    ]
    return (*made, *gone)


def _made(kind: Kind, wanted: Mapping[str, Fields], there: Mapping[str, Fields]) -> list[Change]:
    return [_compared(kind, name, fields, there.get(name)) for name, fields in wanted.items()]


def _compared(kind: Kind, name: str, wanted: Fields, there: Fields | None) -> Change:
    if there is None:
        return Change(kind=kind, name=name, verb="add", reason="the file declares it, and it is not there")
    names = dict.fromkeys([*wanted, *there])
    fields = tuple(
        (one, _told(there.get(one)), _told(wanted.get(one))) for one in names if there.get(one) != wanted.get(one)
    )
    if not fields:
        return Change(kind=kind, name=name, verb="keep", reason="as the file declares it")
    told = ", ".join(f"{one} {before or 'nothing'} becomes {after or 'nothing'}" for one, before, after in fields)
    return Change(kind=kind, name=name, verb="change", reason=told, fields=fields)


def _gone(kind: Kind, name: str, obstacle: str) -> Change:
    if obstacle:
        return Change(kind=kind, name=name, verb="refuse", reason=f"the file does not declare it, but {obstacle}")
    stays = "; what is held stays" if kind == "subscription" else ""
    return Change(kind=kind, name=name, verb="remove", reason=f"the file does not declare it{stays}")


def _told(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={one}" for name, one in value.items())
    return "" if value is None else str(value)
