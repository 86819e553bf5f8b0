"""Which copies stay and which may go, each with the reason. Pure; computed when a plan is made and again as it is applied.

A copy goes only if a subscription brought it, every subscription that selects it has something newer that is published and
proved, no rule keeps it, and the guards allow it. Whatever is in doubt stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from isomanager.model import Copy, CopyState, Title
from isomanager.planning.wanting import Guards, Scope, Selects, Want, scope

SUBSCRIPTION_SOURCE = "subscription:"
"""How a copy's `source` begins when a subscription brought it in."""


@dataclass(frozen=True)
class Verdict:
    """A held copy, whether it stays, and every reason for that."""

    copy: Copy
    stays: bool
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        """All reasons in one sentence."""
        return "; ".join(self.reasons)


def judge_retention(
    copies: Sequence[Copy], wants: Sequence[Want], *, selects: Selects, guards: Guards, now: datetime
) -> tuple[Verdict, ...]:
    """A verdict for every held copy. Suspect and unfinished copies are neither counted nor judged."""
    groups: dict[tuple[str, Scope], list[Copy]] = defaultdict(list)
    for copy in copies:
        if copy.state is CopyState.HELD:
            groups[copy.repository, scope(copy.title)].append(copy)
    by_product: dict[str, list[Want]] = defaultdict(list)
    for want in wants:
        by_product[want.subscription.selector.product].append(want)
    verdicts: list[Verdict] = []
    for (repository, (product, *_)), group in groups.items():
        concerned = [want for want in by_product[product] if repository in want.subscription.repositories]
        judged = [_judge(copy, group, concerned, selects, now) for copy in group]
        verdicts += _keep_the_last(judged, concerned, selects)
    return tuple(_guarded(verdicts, guards))


def _judge(copy: Copy, group: Sequence[Copy], wants: Sequence[Want], selects: Selects, now: datetime) -> Verdict:
    if not copy.source.startswith(SUBSCRIPTION_SOURCE):
        return Verdict(copy, True, ("it was added by hand, not by a subscription",))
    concerned = [want for want in wants if selects(want.subscription, copy.title)]
    if not concerned:
        return Verdict(copy, True, ("no subscription selects it, and nothing replaces it",))
    claims = [claim for want in concerned for claim in _claims(copy, group, want, selects, now)]
    if claims:
        return Verdict(copy, True, tuple(dict.fromkeys(claims)))
    newest = max(_competitors(group, concerned[0], selects), key=lambda one: one.title.version)
    told = " and ".join(str(want.subscription.selector) for want in concerned)
    return Verdict(
        copy, False, (f"{newest.title.version} replaces it: {told} keeps {concerned[0].subscription.keep.last}",)
    )


def _claims(copy: Copy, group: Sequence[Copy], want: Want, selects: Selects, now: datetime) -> Iterable[str]:
    """Why this subscription wants the copy to stay; nothing when it has let it go."""
    subscription = want.subscription
    name, keep = str(subscription.selector), subscription.keep
    if subscription.old == "keep":
        yield f"{name} keeps every old version"
    if not want.resolutions:
        yield f"{name} was not asked about in this run"
    elif not want.is_answered:
        yield f"upstream did not answer for {name}: nothing of it is retired"
    if str(copy.title) in want.current_titles:
        yield f"it is what {name} selects now"
    competitors = _competitors(group, want, selects)
    versions = sorted({one.title.version for one in competitors}, reverse=True)
    if copy.title.version in versions[: keep.last]:
        yield f"among the newest {keep.last} of {name}" if keep.last > 1 else f"the newest of {name}"
    if keep.days and (copy.proved_at or copy.created_at) > now - timedelta(days=keep.days):
        yield f"{name} keeps what was proved in the last {keep.days} days"
    if not _replacement_is_held(copy.title, competitors, want):
        yield f"the replacement for {name} is not published and proved yet"


def _competitors(group: Sequence[Copy], want: Want, selects: Selects) -> list[Copy]:
    return [one for one in group if selects(want.subscription, one.title)]


def _replacement_is_held(title: Title, competitors: Sequence[Copy], want: Want) -> bool:
    """Whether what the subscription selects now, for the same architecture and language, is among the held copies."""
    current = {str(one.title) for one in want.resolutions if one.title is not None and scope(one.title) == scope(title)}
    return bool(current) and any(str(one.title) in current for one in competitors)


def _keep_the_last(group: Sequence[Verdict], wants: Sequence[Want], selects: Selects) -> list[Verdict]:
    """Never let a subscription lose its last proved copy, whatever the rules above said."""
    changed = list(group)
    for want in wants:
        places = [place for place, one in enumerate(changed) if selects(want.subscription, one.copy.title)]
        if places and not any(changed[place].stays for place in places):
            newest = max(places, key=lambda place: changed[place].copy.title.version)
            copy = changed[newest].copy
            told = f"the last proved copy of {want.subscription.selector} in {copy.repository}"
            changed[newest] = Verdict(copy, True, (told,))
    return changed


def _guarded(verdicts: Sequence[Verdict], guards: Guards) -> Iterable[Verdict]:
    going: dict[str, int] = {}
    for verdict in sorted(verdicts, key=lambda one: (one.copy.repository, one.copy.title.version)):
        repository = verdict.copy.repository
        if verdict.stays:
            yield verdict
        elif guards.frozen:
            yield Verdict(verdict.copy, True, ("the library is frozen: nothing is deleted anywhere", verdict.reason))
        elif repository not in guards.listed:
            told = f"{repository} could not be listed, or its listing is empty: nothing of it is deleted"
            yield Verdict(verdict.copy, True, (told, verdict.reason))
        elif going.get(repository, 0) >= guards.max_deletes:
            told = (
                f"this run may retire {guards.max_deletes} copies of {repository} (max_deletes); the next run goes on"
            )
            yield Verdict(verdict.copy, True, (told, verdict.reason))
        else:
            going[repository] = going.get(repository, 0) + 1
            yield verdict
