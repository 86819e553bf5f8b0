"""Verdicts on a few copies of a large library, as if everything that is held had been judged. Pure.

Of the rest no more is asked of the shelf than the limits of a run need: whose turn to go comes before theirs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from isomanager.model import Copy
from isomanager.planning.deciding import Rules
from isomanager.planning.guarding import in_their_turn
from isomanager.planning.leaving import Asked, going_in_turn
from isomanager.planning.retention import judge_unguarded
from isomanager.planning.shelf import Shelf
from isomanager.planning.verdicts import Verdict
from isomanager.planning.wanting import Scope, Want, scope


def judge_retention(
    copies: Iterable[Copy], wants: Sequence[Want], shelf: Shelf, rules: Rules, *, now: datetime
) -> dict[str, Verdict]:
    """A verdict by id for each of these copies that is on the shelf as held; suspect and unfinished ones have none."""
    by_product: dict[str, list[Want]] = defaultdict(list)
    for want in wants:
        by_product[want.subscription.selector.product].append(want)
    judge = _Judge(by_product, shelf, rules, now)
    places: dict[str, dict[str, set[Scope]]] = defaultdict(lambda: defaultdict(set))
    ids = set()
    for copy in copies:
        ids.add(copy.id)
        places[copy.repository][copy.title.product].add(scope(copy.title))
    return {
        one.copy.id: one
        for repository, products in places.items()
        for one in judge.guarded(repository, [one for one in judge.judged(repository, products) if one.copy.id in ids])
    }


@dataclass(frozen=True)
class _Judge:
    """What every verdict is judged by."""

    wants: Asked
    shelf: Shelf
    rules: Rules
    now: datetime

    def judged(self, repository: str, products: Mapping[str, set[Scope]]) -> Iterator[Verdict]:
        """The verdicts on these scopes of a repository, before the limits of a run are asked."""
        selects, guards = self.rules.selects, self.rules.guards
        for product, scopes in products.items():
            held = self.shelf.held_of(repository, product, scopes)
            wants = self.wants.get(product, ())
            yield from judge_unguarded(held, wants, selects=selects, guards=guards, now=self.now)

    def guarded(self, repository: str, judged: Sequence[Verdict]) -> Iterator[Verdict]:
        """The verdicts as the limits of a run leave them; nothing else is looked at where all of them stay."""
        yield from (one for one in judged if one.stays)
        going = [one for one in judged if not one.stays]
        if going:
            asked = {product: here for product, here in self.wants.items() if any(one.resolutions for one in here)}
            in_turn = going_in_turn(repository, asked, self.shelf, self.rules, self.now)
            held = self.shelf.held_counts().get(repository, 0)
            yield from in_their_turn(repository, going, in_turn, self.rules.guards, held)
