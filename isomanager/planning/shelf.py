"""What a plan asks about the copies there are, so that no more of a large library is read than may matter. Pure.

`Shelf` is the contract; the inventory honours it in its database, `CopiesOnHand` over copies that are there already.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from isomanager.model import Copy, CopyState, Expectation, Title
from isomanager.planning.wanting import Scope, same_bytes, scope
from isomanager.version import Version

SUBSCRIPTION_SOURCE = "subscription:"
"""How a copy's `source` begins when a subscription brought it in."""

Turn = tuple[int, str]
"""A version's epoch and sort text: sorts as versions do, in a database too."""


def turn_of(version: Version) -> Turn:
    """What sorts as versions do."""
    return version.epoch, version.sort_text


@dataclass(frozen=True)
class Group:
    """The held copies of one scope in one repository: how many, and a version than which none that a subscription brought is
    older; None where none did."""

    repository: str
    scope: Scope
    count: int
    oldest: Turn | None


class Shelf(Protocol):
    """Copies in the order of repository and path, as everywhere. Where a question says `may`, too many copies do no harm."""

    def held_counts(self) -> Mapping[str, int]:
        """How many copies each repository holds."""

    def twins(self, expectations: Sequence[Expectation]) -> Sequence[Copy]:
        """The held copies that may be bytes of one of the expectations."""

    def rivals(self, title: Title) -> Sequence[Copy]:
        """The live copies of the title's scope that may be no older than it, and the newest that each repository holds of it."""

    def newest_first(self, repository: str, product: str) -> Iterable[Copy]:
        """The held copies of the product, the newest version first."""

    def groups(self, products: Collection[str], repositories: Collection[str], more_than: int) -> Iterable[Group]:
        """The groups of more than so many held copies."""

    def held_of(self, repository: str, product: str, scopes: Collection[Scope]) -> Sequence[Copy]:
        """The held copies of the product that may be of these scopes: all of a scope or none."""


class CopiesOnHand:
    """A shelf of copies that are there already."""

    def __init__(self, copies: Iterable[Copy]) -> None:
        self._live: dict[tuple[str, str], list[Copy]] = defaultdict(list)
        for copy in copies:
            if copy.state not in (CopyState.TRASHED, CopyState.GONE):
                self._live[copy.repository, copy.title.product].append(copy)

    def held_counts(self) -> Mapping[str, int]:
        """How many copies each repository holds."""
        return Counter(repository for repository, product in self._live for _ in self._held(repository, product))

    def twins(self, expectations: Sequence[Expectation]) -> Sequence[Copy]:
        """The held copies of the products that are expected."""
        products = {one.offer.title.product for one in expectations}
        return [one for place in self._live if place[1] in products for one in self._held(*place)]

    def rivals(self, title: Title) -> Sequence[Copy]:
        """The live copies of the title's scope."""
        places = [copies for (_, product), copies in self._live.items() if product == title.product]
        return [one for copies in places for one in copies if scope(one.title) == scope(title)]

    def newest_first(self, repository: str, product: str) -> Iterable[Copy]:
        """The held copies of the product, the newest version first."""
        return sorted(self._held(repository, product), key=lambda one: turn_of(one.title.version), reverse=True)

    def groups(self, products: Collection[str], repositories: Collection[str], more_than: int) -> Iterable[Group]:
        """The groups of more than so many held copies."""
        for repository, product in self._live:
            if repository not in repositories or product not in products:
                continue
            scopes: dict[Scope, list[Copy]] = defaultdict(list)
            for copy in self._held(repository, product):
                scopes[scope(copy.title)].append(copy)
            for here, copies in scopes.items():
                turns = [turn_of(one.title.version) for one in copies if one.source.startswith(SUBSCRIPTION_SOURCE)]
                if len(copies) > more_than:
                    yield Group(repository, here, len(copies), min(turns, default=None))

    def held_of(self, repository: str, product: str, scopes: Collection[Scope]) -> Sequence[Copy]:
        """The held copies of these scopes."""
        return [one for one in self._held(repository, product) if scope(one.title) in scopes]

    def _held(self, repository: str, product: str) -> list[Copy]:
        return [one for one in self._live.get((repository, product), ()) if one.state is CopyState.HELD]


class Near:
    """What decisions ask of a shelf, by repository, each thing asked for once."""

    def __init__(self, shelf: Shelf, expectations: Sequence[Expectation]) -> None:
        self._shelf = shelf
        self._twins = _by_repository(shelf.twins(expectations)) if expectations else {}
        self._rivals: dict[Title, Mapping[str, Sequence[Copy]]] = {}

    def twin(self, repository: str, expectation: Expectation) -> Copy | None:
        """The first held copy of the product that is what is expected."""
        product = expectation.offer.title.product
        here = (one for one in self._twins.get(repository, ()) if one.title.product == product)
        return next((one for one in here if same_bytes(one, expectation)), None)

    def rivals(self, repository: str, title: Title) -> Sequence[Copy]:
        """The live copies of the title's scope that may be no older than it, and the newest of its held copies."""
        if title not in self._rivals:
            self._rivals[title] = _by_repository(self._shelf.rivals(title))
        return self._rivals[title].get(repository, ())

    def newest_first(self, repository: str, product: str) -> Iterable[Copy]:
        """The held copies of the product, the newest version first."""
        return self._shelf.newest_first(repository, product)


def _by_repository(copies: Iterable[Copy]) -> Mapping[str, Sequence[Copy]]:
    found: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        found[copy.repository].append(copy)
    return found
