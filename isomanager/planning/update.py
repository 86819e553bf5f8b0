"""The update plan: what is wanted, what upstream offers, what is held; out comes what to fetch, keep, refuse and retire."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from isomanager.model import Action, ActionKind, Copy, CopyState, Plan
from isomanager.planning.deciding import HeldBack, RefusedBefore, decide, held_never, refused_never, unless_on_hold
from isomanager.planning.guarding import first_to_go, guarded
from isomanager.planning.retention import judge_unguarded
from isomanager.planning.room import RoomOf, boundless, fitting
from isomanager.planning.verdicts import Verdict
from isomanager.planning.wanting import Guards, Selects, Want, shelve


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
    by_product: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        by_product[copy.title.product].append(copy)
    held = Counter(copy.repository for copy in copies if copy.state is CopyState.HELD)
    shelf = Shelf(lambda product: by_product.get(product, ()), held)
    rules = Rules(selects, guards, refused_before, held_back, room_of, force)
    return plan_from(wants, shelf, rules, now=now)


@dataclass(frozen=True)
class Shelf:
    """What is held, asked for as a plan needs it: the live copies of a product, and how many each repository holds in all."""

    copies_of: Callable[[str], Sequence[Copy]]
    held: Mapping[str, int]


@dataclass(frozen=True)
class Rules:
    """What a plan asks about everything that is wanted and held."""

    selects: Selects
    guards: Guards
    refused_before: RefusedBefore = refused_never
    held_back: HeldBack = held_never
    room_of: RoomOf = boundless
    force: bool = False


def plan_from(wants: Sequence[Want], shelf: Shelf, rules: Rules, *, now: datetime) -> Plan:
    """The plan, one product after the other, so that no more of a large library is read at once than one product's copies.

    A product of which upstream was not asked is not read at all: nothing of it can be fetched, and nothing may go.
    """
    by_product: dict[str, list[Want]] = defaultdict(list)
    for want in wants:
        by_product[want.subscription.selector.product].append(want)
    asked = {product: here for product, here in by_product.items() if any(want.resolutions for want in here)}
    drafts = {product: _drafted(here, shelf.copies_of(product), rules, now) for product, here in asked.items()}
    fetches = fitting(merge_same_fetches(one for draft in drafts.values() for one in draft.fetches), rules.room_of)
    fitted = _downloads(fetches)
    let_through = {(one.repository, str(one.title)) for one in fitted}
    leaving: list[Verdict] = []
    for product, draft in drafts.items():
        downloads = [one for one in _downloads(draft.fetches) if (one.repository, str(one.title)) in let_through]
        if len(downloads) == len(_downloads(draft.fetches)):
            leaving += draft.leaving
        else:  # what has no room replaces nothing
            leaving += _leaving(asked[product], shelf.copies_of(product), downloads, rules, now)
    held = Counter(shelf.held) + Counter(one.repository for one in fitted)
    verdicts = guarded(leaving, rules.guards, held)
    retirements = [retirement(one.copy, one.reason, one.archives) for one in verdicts if not one.stays]
    return Plan(made_at=now, actions=(*fetches, *retirements))


@dataclass(frozen=True)
class _Draft:
    """Of one product: what to do about what is wanted, and what may go if every fetch has room."""

    fetches: Sequence[Action]
    leaving: Sequence[Verdict]


def _drafted(wants: Sequence[Want], copies: Sequence[Copy], rules: Rules, now: datetime) -> _Draft:
    shelves = shelve(copies)
    fetches = merge_same_fetches(
        unless_on_hold(
            rules.held_back,
            decide(
                want.subscription, resolution, repository, shelves, rules.selects, rules.refused_before, rules.force
            ),
        )
        for want in wants
        if not want.subscription.paused
        for resolution in want.resolutions
        for repository in want.subscription.repositories
    )
    return _Draft(fetches, _leaving(wants, copies, _downloads(fetches), rules, now))


def _downloads(actions: Iterable[Action]) -> list[Action]:
    return [one for one in actions if one.kind is ActionKind.DOWNLOAD]


def _leaving(
    wants: Sequence[Want], copies: Sequence[Copy], downloads: Iterable[Action], rules: Rules, now: datetime
) -> list[Verdict]:
    """What may go once the downloads are published, the limits of the run aside."""
    after = [*copies, *(_as_if_published(action, now) for action in downloads)]
    verdicts = judge_unguarded(after, wants, selects=rules.selects, guards=rules.guards, now=now)
    return list(first_to_go((one for one in verdicts if not one.stays), rules.guards))


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
