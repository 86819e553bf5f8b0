"""What an update lets go: the oldest of each repository first, as far as the limits of a run let them. Pure.

The judge is asked only about what may matter. A group of copies that every subscription clings to is not read, and of the rest no
more than have their turn before the repository may lose nothing more.
"""

from __future__ import annotations

import heapq
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from isomanager.model import Copy
from isomanager.planning.deciding import Rules
from isomanager.planning.guarding import Tally, forbidden, let_go
from isomanager.planning.retention import clings, judge_unguarded
from isomanager.planning.shelf import Group, Shelf, Turn, turn_of
from isomanager.planning.verdicts import Verdict
from isomanager.planning.wanting import Guards, Scope, Want, scope

Asked = Mapping[str, Sequence[Want]]
"""The wants of each product that upstream was asked about."""

_LAST: Turn = (sys.maxsize, "")


@dataclass
class _Doubtful:
    """Of one product in one repository: scopes that may lose a copy, a version that none is older than, and what is coming."""

    scopes: set[Scope] = field(default_factory=set)
    oldest: Turn = _LAST
    coming: list[Copy] = field(default_factory=list)

    def add(self, here: Scope, oldest: Turn) -> None:
        """One scope more."""
        self.scopes.add(here)
        self.oldest = min(self.oldest, oldest)


def leaving(asked: Asked, coming: Sequence[Copy], shelf: Shelf, rules: Rules, now: datetime) -> Iterable[Verdict]:
    """Why copies go, by repository, once what is `coming` is published."""
    held = Counter(shelf.held_counts()) + Counter(one.repository for one in coming)
    names = {name for wants in asked.values() for want in wants for name in want.subscription.repositories}
    may_lose = [name for name in sorted(names) if forbidden(name, Tally(held[name]), 0, rules.guards) is None]
    doubtful = _doubtful(asked, coming, may_lose, shelf, rules)
    for name in may_lose:
        in_turn = _in_turn(name, asked, doubtful, shelf, rules, now)
        yield from let_go(name, in_turn, rules.guards, held[name])


_Places = Mapping[tuple[str, str], _Doubtful]


def _doubtful(asked: Asked, coming: Iterable[Copy], repositories: Sequence[str], shelf: Shelf, rules: Rules) -> _Places:
    """By repository and product; what all subscriptions cling to is left out."""
    places: dict[tuple[str, str], _Doubtful] = defaultdict(_Doubtful)
    more = Counter((copy.repository, scope(copy.title)) for copy in coming)
    for copy in coming:
        here = places[copy.repository, copy.title.product]
        here.add(scope(copy.title), turn_of(copy.title.version))
        here.coming.append(copy)
    for group in _crowded(asked, repositories, max(more.values(), default=0), shelf, rules.guards):
        product, count = group.scope[0], group.count + more[group.repository, group.scope]
        if any(_may_let_go(want, group, count, rules) for want in asked[product]):
            places[group.repository, product].add(group.scope, group.oldest)
    return places


def _crowded(asked: Asked, repositories: Sequence[str], more: int, shelf: Shelf, guards: Guards) -> Iterable[Group]:
    """The groups that have more copies than the most frugal subscription keeps, where there is one that may let go at all;
    with `more` copies that are to come into each."""
    loose = [want for wants in asked.values() for want in wants if not clings(want, sys.maxsize, guards)]
    if not loose or not repositories:
        return ()
    fewest = 0 if guards.are_ended else min(want.subscription.keep.last for want in loose)
    return shelf.groups({want.subscription.selector.product for want in loose}, repositories, max(0, fewest - more))


def _may_let_go(want: Want, group: Group, count: int, rules: Rules) -> bool:
    return (
        group.repository in want.subscription.repositories
        and rules.reaches(want.subscription, group.scope)
        and not clings(want, count, rules.guards)
    )


def _in_turn(
    repository: str, asked: Asked, doubtful: _Places, shelf: Shelf, rules: Rules, now: datetime
) -> Iterable[Verdict]:
    """The verdicts that let copies of a repository go, the oldest version first; products are judged when their turn comes."""
    products = [product for product in asked if (repository, product) in doubtful]
    queue: list[tuple[Turn, int, int, Verdict | None]] = [
        (doubtful[repository, product].oldest, which, -1, None) for which, product in enumerate(products)
    ]
    heapq.heapify(queue)
    while queue:
        _, which, _, verdict = heapq.heappop(queue)
        if verdict is not None:
            yield verdict
            continue
        product = products[which]
        there = doubtful[repository, product]
        copies = [*shelf.held_of(repository, product, there.scopes), *there.coming]
        judged = judge_unguarded(copies, asked[product], selects=rules.selects, guards=rules.guards, now=now)
        for place, one in enumerate(one for one in judged if not one.stays):
            heapq.heappush(queue, (turn_of(one.copy.title.version), which, place, one))
