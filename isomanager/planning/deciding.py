"""What to do about one answer of upstream's in one repository: fetch, keep, refuse, leave, or report. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from isomanager.model import Action, ActionKind, Copy, CopyState, Expectation, Subscription, Title
from isomanager.planning.room import RoomOf, boundless
from isomanager.planning.shelf import SUBSCRIPTION_SOURCE, Near
from isomanager.planning.wanting import ByHand, Guards, Reaches, Resolution, Selects, anywhere

RefusedBefore = Callable[[str, Title], str | None]
"""Given an offer's fingerprint and title: why those very bytes were refused before, or None."""

RESPIN = "re-spin"
"""The code of fetching other bytes under a title that is held: both are kept, and somebody should know."""

HeldBack = Callable[[str, Title], str | None]
"""Given a repository and an offered title: why a person wants nothing fetched in the place of what is there, or None."""


def held_never(_repository: str, _title: Title) -> str | None:
    """Nobody holds anything."""
    return None


def refused_never(_fingerprint: str, _title: Title) -> str | None:
    """Nothing was ever refused."""
    return None


@dataclass(frozen=True)
class Rules:
    """What a plan asks about everything that is wanted and held."""

    selects: Selects
    guards: Guards
    refused_before: RefusedBefore = refused_never
    held_back: HeldBack = held_never
    room_of: RoomOf = boundless
    force: bool = False
    reaches: Reaches = anywhere


def unless_on_hold(held_back: HeldBack, action: Action) -> Action:
    """What a person holds is not replaced, and that turns no run red."""
    if action.kind is not ActionKind.DOWNLOAD or action.title is None:
        return action
    held = held_back(action.repository, action.title)
    if held is None:
        return action
    return Action(
        kind=ActionKind.SKIP,
        repository=action.repository,
        title=action.title,
        selector=action.selector,
        code="on-hold",
        reason=held,
        note=action.note,
    )


def decide(
    subscription: Subscription,
    resolution: Resolution,
    repository: str,
    near: Near,
    rules: Rules,
) -> Action:
    """The action for one resolution of a subscription in one of its repositories."""
    selector = str(subscription.selector)
    place = {"repository": repository, "selector": selector, "note": resolution.note}
    if resolution.refusal is not None:
        refusal = resolution.refusal
        return Action(
            kind=ActionKind.REFUSE, title=refusal.offer.title, code=refusal.code, reason=refusal.reason, **place
        )
    if resolution.by_hand is not None:
        return _by_hand(subscription, resolution.by_hand, repository, near, rules.selects)
    if resolution.expectation is None:
        return Action(kind=ActionKind.FAIL, code=resolution.error_code, reason=resolution.error, **place)
    expectation = resolution.expectation
    title = expectation.offer.title
    twin = near.twin(repository, expectation)
    if twin is not None and not rules.force:
        told = f"held and proved ({twin.assurance})"
        return Action(
            kind=ActionKind.KEEP,
            title=title,
            copy_id=twin.id,
            path=twin.path,
            reason=told,
            assurance=twin.assurance,
            **place,
        )
    rivals = near.rivals(repository, title)
    return _declined(subscription, resolution, expectation, rivals, rules, place) or Action(
        kind=ActionKind.DOWNLOAD,
        title=title,
        expectation=expectation,
        assurance=expectation.assurance,
        cost=expectation.size if expectation.size is not None else expectation.offer.size,
        reason=_why_fetch(title, rivals, expectation, rules.force),
        code=RESPIN if twin is None and _is_respin(title, rivals) else "",
        source=f"{SUBSCRIPTION_SOURCE}{subscription.id}",
        **place,
    )


def _declined(
    subscription: Subscription,
    resolution: Resolution,
    expectation: Expectation,
    rivals: Sequence[Copy],
    rules: Rules,
    place: dict[str, str],
) -> Action | None:
    """What is offered and not fetched, for its size, for what became of it before, or for its age; None when it is fetched."""
    title = expectation.offer.title
    too_large = _too_large(subscription, expectation)
    if too_large:
        return Action(kind=ActionKind.SKIP, title=title, code="too-large", reason=too_large, **place)
    refused = rules.refused_before(expectation.fingerprint, title)
    if refused is not None and not rules.force:
        told = f"refused before, and upstream's evidence has not changed since: {refused}"
        return Action(kind=ActionKind.REFUSE, title=title, code="quarantined", reason=told, **place)
    newer = _newer_held(title, rivals, subscription, rules.selects)
    if newer is not None and not rules.force and not resolution.accepted:
        told = f"upstream offers {title.version}, older than {newer.title.version} which is held: not believed"
        return Action(kind=ActionKind.REFUSE, title=title, code="implausible", reason=told, **place)
    return None


def _too_large(subscription: Subscription, expectation: Expectation) -> str:
    """Why the subscription leaves the image out for its size; a size that nobody tells may be any."""
    size = expectation.size if expectation.size is not None else expectation.offer.size
    if not subscription.under or (size is not None and size < subscription.under):
        return ""
    told = f"has {size} bytes" if size is not None else "has a size that nobody tells"
    return f"left out: it {told}, and only what is smaller than {subscription.under} is wanted"


def _by_hand(subscription: Subscription, by_hand: ByHand, repository: str, near: Near, selects: Selects) -> Action:
    """What can only be fetched by a person is no failure of the run: it is reported until it is there."""
    held = near.newest_first(repository, subscription.selector.product)
    newest = next((one for one in held if selects(subscription, one.title)), None)
    place = {"repository": repository, "selector": str(subscription.selector), "code": "manual"}
    listed = by_hand.newest
    if newest is None:
        told = f"{listed} is the newest release, and none is held" if listed else "not held"
        return Action(kind=ActionKind.SKIP, reason=f"{told}; to be fetched by hand: {by_hand.how}", **place)
    if listed is not None and newest.title.version < listed and not newest.title.version.starts_with(listed):
        told = f"{listed} is out, newer than {newest.title.version} which is held; to be fetched by hand: {by_hand.how}"
        return Action(kind=ActionKind.SKIP, title=newest.title, reason=told, **place)
    told = "no newer release is listed" if listed else "whether there is a newer one, nobody says who can be asked"
    return Action(
        kind=ActionKind.KEEP,
        title=newest.title,
        copy_id=newest.id,
        path=newest.path,
        assurance=newest.assurance,
        reason=f"held and proved ({newest.assurance}); {told}",
        **place,
    )


def _newer_held(title: Title, rivals: Sequence[Copy], subscription: Subscription, selects: Selects) -> Copy | None:
    if subscription.selector.rule.whole or subscription.selector.channel == "previous":
        return None
    newer = [
        one
        for one in rivals
        if one.state is CopyState.HELD and one.title.version > title.version and selects(subscription, one.title)
    ]
    return max(newer, key=lambda one: one.title.version, default=None)


def _is_respin(title: Title, rivals: Sequence[Copy]) -> bool:
    """Whether the very title is held with other bytes than those that are to be fetched."""
    return any(one.title == title and one.state is CopyState.HELD for one in rivals)


def _why_fetch(title: Title, rivals: Sequence[Copy], expectation: Expectation, force: bool) -> str:
    proof = f"to be proved as {expectation.assurance}"
    held = [one for one in rivals if one.state is CopyState.HELD]
    if force:
        return f"asked for again; {proof}"
    if _is_respin(title, rivals):
        return f"upstream publishes other bytes under the version that is held (a re-spin): both are kept; {proof}"
    if any(one.title == title and one.state is CopyState.SUSPECT for one in rivals):
        return f"the copy that was held failed a proof; {proof}"
    if any(
        one.title == title and one.state in (CopyState.RESERVED, CopyState.RECEIVED, CopyState.PUBLISHING)
        for one in rivals
    ):
        return f"an earlier run did not finish it; {proof}"
    newest = max((one.title.version for one in held), default=title.version)
    return f"newer than {newest}; {proof}" if newest < title.version else f"not held; {proof}"
