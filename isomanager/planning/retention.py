"""Which copies stay and which may go, each with the reasons. Pure; computed when a plan is made and again as it is applied.

A copy goes only if a subscription brought it, every subscription that selects it has something newer that is published and
proved, no rule keeps it, nobody pinned, holds, aliases or uses it, and the guards allow it. Whatever is in doubt stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from isomanager.model import Copy, CopyState
from isomanager.planning.keeping import kept_versions, policy_told
from isomanager.planning.shelf import SUBSCRIPTION_SOURCE
from isomanager.planning.verdicts import Reason, Verdict
from isomanager.planning.wanting import Guards, Scope, Selects, Want, scope
from isomanager.version import Version


@dataclass(frozen=True)
class _Contest:
    """One subscription and the copies of a group that it selects, which compete for its favour."""

    want: Want
    copies: tuple[Copy, ...]

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(one.id for one in self.copies)

    @cached_property
    def kept_versions(self) -> Mapping[Version, tuple[str, ...]]:
        """Those that a rule keeps, and which ones do."""
        return kept_versions({one.title.version for one in self.copies}, self.want.subscription.keep)

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


def judge_unguarded(
    copies: Sequence[Copy], wants: Sequence[Want], *, selects: Selects, guards: Guards, now: datetime
) -> list[Verdict]:
    """A verdict for every held copy, before the limits of a run are asked, which depend on everything that would go (`judging`,
    `leaving`). Copies come by whole scopes. Suspect and unfinished ones are neither counted nor judged."""
    held = [copy for copy in copies if copy.state is CopyState.HELD]
    aliased = guards.aliased(held)
    groups: dict[tuple[str, Scope], list[Copy]] = defaultdict(list)
    for copy in held:
        groups[copy.repository, scope(copy.title)].append(copy)
    by_product: dict[str, list[Want]] = defaultdict(list)
    for want in wants:
        by_product[want.subscription.selector.product].append(want)
    verdicts: list[Verdict] = []
    for (repository, (product, *_)), group in groups.items():
        concerned = [want for want in by_product[product] if repository in want.subscription.repositories]
        contests = [one for want in concerned if (one := _contest(want, group, selects)).copies]
        judged = [
            _protected(
                _judge(one, contests, now, guards), (*guards.protected.get(one.id, ()), *aliased.get(one.id, ()))
            )
            for one in group
        ]
        verdicts += _keep_the_last(judged, contests)
    return verdicts


def clings(want: Want, count: int, guards: Guards) -> bool:
    """Whether the subscription keeps whatever it selects of so many copies of one scope: such copies need not even be read.

    It says yes only where `_claims` has one of these reasons for every copy, and nothing outweighs it.
    """
    codes = {claim.code for claim in _claims_on_all(want)}
    if count <= want.subscription.keep.last:
        codes.add("kept")
    return bool(codes - _GIVE_WAY if guards.are_ended else codes)


def _contest(want: Want, group: Sequence[Copy], selects: Selects) -> _Contest:
    return _Contest(want, tuple(one for one in group if selects(want.subscription, one.title)))


def _judge(copy: Copy, contests: Sequence[_Contest], now: datetime, guards: Guards) -> Verdict:
    if not copy.source.startswith(SUBSCRIPTION_SOURCE):
        return Verdict(copy, True, (_BY_HAND,))
    concerned = [one for one in contests if copy.id in one.ids]
    if not concerned:
        return Verdict(copy, True, (_UNSELECTED,))
    claims = [claim for one in concerned for claim in _claims(copy, one, now)]
    ended = guards.unsupported(copy.title)
    if ended is not None and all(claim.code in _GIVE_WAY for claim in claims):
        text = f"its vendor's support ended on {ended}, longer ago than the grace"
        return Verdict(copy, False, (Reason("unsupported", text, f"`isomanager pin {copy.path}`, or eol_grace_days"),))
    if claims:
        return Verdict(copy, True, tuple(dict.fromkeys(claims)))
    subscriptions = [one.want.subscription for one in concerned]
    told = " and ".join(f"{one.want.name} keeps {policy_told(one.want.subscription.keep)}" for one in concerned)
    text = f"{concerned[0].newest.title.version} replaces it: {told}"
    change = f"`isomanager pin {copy.path}` keeps it; so does `isomanager subscribe ... --keep` with a larger number"
    archives = dict.fromkeys(one.archive for one in subscriptions if one.old == "archive" and one.archive)
    return Verdict(copy, False, (Reason("replaced", text, change),), tuple(archives))


_GIVE_WAY = frozenset({"kept", "keeps-old", "recent"})
"""Reasons to stay that the end of support outweighs, if a person set a grace; what is selected now is not among them."""

_BY_HAND = Reason("by-hand", "it was added by hand, not by a subscription", "only a person lets it go")
_UNSELECTED = Reason(
    "unselected",
    "no subscription selects it, and nothing replaces it",
    "a subscription that selects it, and something newer than it",
)


def _claims_on_all(want: Want) -> Iterable[Reason]:
    """Why this subscription wants everything to stay that it selects."""
    name = want.name
    if want.subscription.old == "keep":
        change = f"`isomanager subscribe {name} --old trash`"
        yield Reason("keeps-old", f"{name} keeps every old version", change)
    if not want.resolutions:
        yield Reason("not-asked", f"{name} was not asked about in this run", f"`isomanager update {name}`")
    elif not want.is_answered:
        text = f"upstream did not answer for {name}: nothing of it is retired"
        yield Reason("unanswered", text, "an answer of upstream's")


def _claims(copy: Copy, contest: _Contest, now: datetime) -> Iterable[Reason]:
    """Why this subscription wants the copy to stay; nothing when it has let it go."""
    want, name, keep = contest.want, contest.want.name, contest.want.subscription.keep
    yield from _claims_on_all(want)
    if str(copy.title) in want.current_titles:
        yield Reason("current", f"it is what {name} selects now", "a newer release upstream")
    for rule in contest.kept_versions.get(copy.title.version, ()):
        yield Reason("kept", f"{rule} of {name}", f"newer versions, or `isomanager subscribe {name} --keep N`")
    until = (copy.proved_at or copy.created_at) + timedelta(days=keep.days)
    if keep.days and until > now:
        text = f"{name} keeps what was proved in the last {keep.days} days"
        yield Reason("recent", text, f"time: that ends on {until:%Y-%m-%d}")
    if not contest.replacement_is_held:
        text = f"the replacement for {name} is not published and proved yet"
        yield Reason("unreplaced", text, f"`isomanager update {name}`")


def _protected(verdict: Verdict, reasons: tuple[Reason, ...]) -> Verdict:
    """What a person or a program needs stays, whatever the subscriptions say; a copy that stays anyway has one reason more."""
    if not reasons:
        return verdict
    return replace(verdict, stays=True, archives=(), reasons=(*reasons, *(verdict.reasons if verdict.stays else ())))


def _keep_the_last(group: Sequence[Verdict], contests: Sequence[_Contest]) -> list[Verdict]:
    """Never let a subscription lose its last proved copy, whatever the rules above said."""
    changed = list(group)
    for contest in contests:
        places = [place for place, one in enumerate(changed) if one.copy.id in contest.ids]
        if not any(changed[place].stays for place in places):
            newest = max(places, key=lambda place: changed[place].copy.title.version)
            copy = changed[newest].copy
            text = f"the last proved copy of {contest.want.subscription.selector} in {copy.repository}"
            changed[newest] = Verdict(copy, True, (Reason("last-proved", text, "another proved copy beside it"),))
    return changed
