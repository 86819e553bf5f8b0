"""The update plan: what is wanted, what upstream offers, what is held; out comes what to fetch, keep, refuse and retire."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from isomanager.model import Action, ActionKind, Copy, CopyState, Plan
from isomanager.planning.deciding import (
    HeldBack,
    RefusedBefore,
    Rules,
    decide,
    held_never,
    refused_never,
    unless_on_hold,
)
from isomanager.planning.leaving import leaving
from isomanager.planning.room import RoomOf, boundless, fitting
from isomanager.planning.shelf import CopiesOnHand, Near, Shelf
from isomanager.planning.wanting import Guards, Selects, Want


def plan_update(
    wants: Sequence[Want],
    copies: Sequence[Copy],
    *,
    selects: Selects,
    guards: Guards,
    now: datetime,
    refused_before: RefusedBefore = refused_never,
    held_back: HeldBack = held_never,
    room_of: RoomOf = boundless,
    force: bool = False,
) -> Plan:
    """The plan for these subscriptions; pure. `force` fetches again what is held and what was refused before."""
    rules = Rules(selects, guards, refused_before, held_back, room_of, force)
    return plan_from(wants, CopiesOnHand(copies), rules, now=now)


def plan_from(wants: Sequence[Want], shelf: Shelf, rules: Rules, *, now: datetime) -> Plan:
    """The plan, one product after the other, so that no more of a large library is read at once than may matter.

    A product of which upstream was not asked is not read at all: nothing of it can be fetched, and nothing may go.
    """
    by_product: dict[str, list[Want]] = defaultdict(list)
    for want in wants:
        by_product[want.subscription.selector.product].append(want)
    asked = {product: here for product, here in by_product.items() if any(want.resolutions for want in here)}
    expected = [one.expectation for here in asked.values() for want in here for one in want.resolutions]
    near = Near(shelf, [one for one in expected if one is not None])
    decided = (action for here in asked.values() for want in here for action in _decided(want, near, rules))
    fetches = fitting(merge_same_fetches(decided), rules.room_of)
    coming = [_as_if_published(one, now) for one in fetches if one.kind is ActionKind.DOWNLOAD]
    retirements = [retirement(one.copy, one.reason, one.archives) for one in leaving(asked, coming, shelf, rules, now)]
    return Plan(made_at=now, actions=(*fetches, *retirements))


def _decided(want: Want, near: Near, rules: Rules) -> Iterable[Action]:
    """What to do about what is wanted, in each repository."""
    if want.subscription.paused:
        return
    for resolution in want.resolutions:
        for repository in want.subscription.repositories:
            action = decide(want.subscription, resolution, repository, near, rules)
            yield unless_on_hold(rules.held_back, action)


def merge_same_fetches(actions: Iterable[Action]) -> list[Action]:
    """One fetch for one image in one repository, however many subscriptions want it; the reason names them all."""
    merged: dict[tuple[str, str, str], Action] = {}
    rest: list[Action] = []
    for action in actions:
        if action.kind is not ActionKind.DOWNLOAD or action.expectation is None:
            rest.append(action)
            continue
        key = (action.repository, str(action.title), action.expectation.fingerprint)
        before = merged.get(key)
        if before is None:
            merged[key] = action
        else:
            told = f"{before.reason}; also wanted by {action.selector}"
            merged[key] = before.model_copy(update={"reason": told})
    return [*merged.values(), *rest]


def _as_if_published(action: Action, now: datetime) -> Copy:
    """The copy that a download will have made: retention is planned for the library as it will be."""
    assert action.expectation is not None  # noqa: S101 - downloads carry their expectation
    assert action.title is not None  # noqa: S101
    expectation = action.expectation
    return Copy(
        id=f"planned:{action.repository}:{action.title}",
        repository=action.repository,
        path="",
        title=action.title,
        state=CopyState.HELD,
        size=action.cost,
        assurance=expectation.assurance,
        digests=expectation.digests,
        fingerprint=expectation.fingerprint,
        source=action.source,
        created_at=now,
        proved_at=now,
        changed_at=now,
    )


def retirement(copy: Copy, reason: str, archives: tuple[str, ...] = ()) -> Action:
    """The action that retires `copy` to the trash, after it was copied to the repositories `archives`."""
    return Action(
        kind=ActionKind.RETIRE,
        repository=copy.repository,
        title=copy.title,
        reason=f"{reason}; it is copied to {' and '.join(archives)} first" if archives else reason,
        frees=copy.size or 0,
        archives=archives,
        copy_id=copy.id,
        path=copy.path,
    )
