"""Which copies stay and which may go, each with the reason. Pure; computed when a plan is made and again as it is applied.

A copy goes only if a subscription brought it, every subscription that selects it has something newer that is published and
proved, no rule keeps it, and the guards allow it. Whatever is in doubt stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from isomanager.model import Copy, CopyState
from isomanager.planning.wanting import Guards, Scope, Selects, Want, scope
from isomanager.version import Version

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


@dataclass(frozen=True)
class _Contest:
    """One subscription and the copies of a group that it selects, which compete for its favour."""

    want: Want
    copies: tuple[Copy, ...]

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(one.id for one in self.copies)

    @cached_property
    def kept_versions(self) -> frozenset[Version]:
        """The newest ones, as many as the subscription keeps."""
        newest_first = sorted({one.title.version for one in self.copies}, reverse=True)
        return frozenset(newest_first[: self.want.subscription.keep.last])

    @cached_property
    def newest(self) -> Copy:
        return max(self.copies, key=lambda one: one.title.version)

    @cached_property
    def replacement_is_held(self) -> bool:
        """Whether what the subscription selects now, for the same architecture and language, is among the held copies."""
        here = scope(self.copies[0].title)
        titles = [one.title for one in self.want.resolutions]
        current = {str(title) for title in titles if title is not None and scope(title) == here}
        return bool(current) and any(str(one.title) in current for one in self.copies)


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
        contests = [one for want in concerned if (one := _contest(want, group, selects)).copies]
        verdicts += _keep_the_last([_judge(copy, contests, now) for copy in group], contests)
    return tuple(_guarded(verdicts, guards))


def _contest(want: Want, group: Sequence[Copy], selects: Selects) -> _Contest:
    return _Contest(want, tuple(one for one in group if selects(want.subscription, one.title)))


def _judge(copy: Copy, contests: Sequence[_Contest], now: datetime) -> Verdict:
    if not copy.source.startswith(SUBSCRIPTION_SOURCE):
        return Verdict(copy, True, ("it was added by hand, not by a subscription",))
    concerned = [one for one in contests if copy.id in one.ids]
    if not concerned:
        return Verdict(copy, True, ("no subscription selects it, and nothing replaces it",))
    claims = [claim for one in concerned for claim in _claims(copy, one, now)]
    if claims:
        return Verdict(copy, True, tuple(dict.fromkeys(claims)))
    newest = concerned[0].newest
    told = " and ".join(str(one.want.subscription.selector) for one in concerned)
    keep = concerned[0].want.subscription.keep.last
    return Verdict(copy, False, (f"{newest.title.version} replaces it: {told} keeps {keep}",))


def _claims(copy: Copy, contest: _Contest, now: datetime) -> Iterable[str]:
    """Why this subscription wants the copy to stay; nothing when it has let it go."""
    want, subscription = contest.want, contest.want.subscription
    name, keep = str(subscription.selector), subscription.keep
    if subscription.old == "keep":
        yield f"{name} keeps every old version"
    if not want.resolutions:
        yield f"{name} was not asked about in this run"
    elif not want.is_answered:
        yield f"upstream did not answer for {name}: nothing of it is retired"
    if str(copy.title) in want.current_titles:
        yield f"it is what {name} selects now"
    if copy.title.version in contest.kept_versions:
        yield f"among the newest {keep.last} of {name}" if keep.last > 1 else f"the newest of {name}"
    if keep.days and (copy.proved_at or copy.created_at) > now - timedelta(days=keep.days):
        yield f"{name} keeps what was proved in the last {keep.days} days"
    if not contest.replacement_is_held:
        yield f"the replacement for {name} is not published and proved yet"


def _keep_the_last(group: Sequence[Verdict], contests: Sequence[_Contest]) -> list[Verdict]:
    """Never let a subscription lose its last proved copy, whatever the rules above said."""
    changed = list(group)
    for contest in contests:
        places = [place for place, one in enumerate(changed) if one.copy.id in contest.ids]
        if not any(changed[place].stays for place in places):
            newest = max(places, key=lambda place: changed[place].copy.title.version)
            copy = changed[newest].copy
            told = f"the last proved copy of {contest.want.subscription.selector} in {copy.repository}"
            changed[newest] = Verdict(copy, True, (told,))
    return changed


def _guarded(verdicts: Sequence[Verdict], guards: Guards) -> Iterable[Verdict]:
    yield from (one for one in verdicts if one.stays)
    going: dict[str, int] = {}
    leaving = (one for one in verdicts if not one.stays)
    for verdict in sorted(leaving, key=lambda one: (one.copy.repository, one.copy.title.version)):
        repository = verdict.copy.repository
        if guards.frozen:
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
