"""What an update lets go: the oldest of each repository first, as far as the limits of a run let them. Pure.

The judge is asked only about what may matter. A group of copies that every subscription clings to is not read, and of the rest no
more than have their turn before the repository may lose nothing more.
"""

from __future__ import annotations

import heapq
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from isomanager.model import Copy
from isomanager.planning.deciding import Rules
from isomanager.planning.guarding import Tally, forbidden, let_go
from isomanager.planning.retention import clings, judge_unguarded
from isomanager.planning.shelf import Shelf, Turn, turn_of
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

    def add(self, here: Scope, oldest: Turn, coming: Iterable[Copy]) -> None:
        """One scope more."""
        self.scopes.add(here)
        self.oldest = min(self.oldest, oldest)
        self.coming += coming


def leaving(asked: Asked, coming: Sequence[Copy], shelf: Shelf, rules: Rules, now: datetime) -> Iterable[Verdict]:
    """Why copies go, by repository, once what is `coming` is published."""
    held = Counter(shelf.held_counts()) + Counter(one.repository for one in coming)
    names = {name for wants in asked.values() for want in wants for name in want.subscription.repositories}
    may_lose = [name for name in sorted(names) if forbidden(name, Tally(held[name]), 0, rules.guards) is None]
    doubtful = _doubtful(asked, coming, may_lose, shelf, rules)
    for name in may_lose:
        in_turn = _in_turn(name, asked, doubtful, shelf, rules, now)
        yield from let_go(name, in_turn, rules.guards, held[name])


def going_in_turn(repository: str, asked: Asked, shelf: Shelf, rules: Rules, now: datetime) -> Iterator[Verdict]:
    """The verdicts that let copies of one repository go, the oldest version first, before the limits of a run are asked."""
    yield from _in_turn(repository, asked, _doubtful(asked, (), [repository], shelf, rules), shelf, rules, now)


_Places = Mapping[tuple[str, str], _Doubtful]


def _doubtful(asked: Asked, coming: Iterable[Copy], repositories: Sequence[str], shelf: Shelf, rules: Rules) -> _Places:
    """By repository and product; what all subscriptions cling to is left out."""
    arriving: dict[tuple[str, Scope], list[Copy]] = defaultdict(list)
    for copy in coming:
        arriving[copy.repository, scope(copy.title)].append(copy)
    fewest = _fewest_kept(asked, rules.guards)
    if fewest is None or not repositories:
        return {}
    crowd = max(0, fewest - max(map(len, arriving.values()), default=0))
    places: dict[tuple[str, str], _Doubtful] = defaultdict(_Doubtful)

    def weigh(repository: str, here: Scope, held: int, oldest: Turn | None) -> None:
        come = arriving.pop((repository, here), [])
        turns = [turn_of(one.title.version) for one in come] + ([] if oldest is None else [oldest])
        count = held + len(come)
        if turns and any(_may_let_go(want, repository, here, count, rules) for want in asked.get(here[0], ())):
            places[repository, here[0]].add(here, min(turns), come)

    for group in shelf.groups(asked.keys(), repositories, crowd):
        weigh(group.repository, group.scope, group.count, group.oldest)
    for repository, here in list(arriving):  # of which no more is held than makes no crowd
        weigh(repository, here, crowd, None)
    return places


def _fewest_kept(asked: Asked, guards: Guards) -> int | None:
    """How many copies the most frugal subscription keeps; None where none lets anything go."""
    wants = [want for here in asked.values() for want in here]
    loose = [want.subscription.keep.last for want in wants if not clings(want, sys.maxsize, guards)]
    if not loose:
        return None
    return 0 if guards.are_ended else min(loose)


def _may_let_go(want: Want, repository: str, here: Scope, count: int, rules: Rules) -> bool:
    return (
        repository in want.subscription.repositories
        and rules.reaches(want.subscription, here)
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
