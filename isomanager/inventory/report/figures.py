"""The figures of a report, from the copies that are held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import AwareDatetime, Field

from isomanager.model import Assurance, CopyState, Title, Value

PROOF_AGES = ((30, "in the last 30 days"), (90, "30 to 90 days ago"), (365, "90 days to a year ago"))
LONGER_AGO, NEVER = "longer ago", "never"
MOST_PRODUCTS = 15


class Part(Value):
    """A part of the whole: how many images and bytes have this name."""

    name: str
    images: int = 0
    size: int = 0


class Named(Value):
    """One image, for sentences."""

    image: str
    path: str = ""
    when: AwareDatetime | None = None
    told: str = ""


class Room(Value):
    """Bytes of a repository's place; None where it cannot say."""

    repository: str
    url: str
    total: int | None = None
    free: int | None = None
    images: int = 0
    size: int = 0


class Figures(Value):
    """Everything a report says. Sizes are in bytes; parts are ordered, the largest first."""

    generated: AwareDatetime
    name: str = "isomanager"
    images: int = 0
    size: int = 0
    families: tuple[Part, ...] = ()
    products: tuple[Part, ...] = ()
    versions: tuple[Part, ...] = ()
    assurances: tuple[Part, ...] = ()
    proofs: tuple[Part, ...] = ()
    proved_lately: float = Field(default=0.0, ge=0.0, le=1.0)
    oldest: Named | None = None
    newest: Named | None = None
    suspect: tuple[Named, ...] = ()
    outdated: tuple[Named, ...] = ()
    ending: tuple[Named, ...] = ()
    room: tuple[Room, ...] = ()


class Counted(Protocol):
    """What of a copy counts: a `Copy` has it, and so has a row that was read for nothing else."""

    @property
    def state(self) -> CopyState: ...
    @property
    def title(self) -> Title: ...
    @property
    def size(self) -> int | None: ...
    @property
    def assurance(self) -> Assurance: ...
    @property
    def repository(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def proved_at(self) -> datetime | None: ...


EndOf = Callable[[Title], str]
"""Until when a release is supported, as a date; "" where nobody knows."""


def unknown_end(_title: Title) -> str:
    """Nobody knows."""
    return ""


def build_figures(
    copies: Iterable[Counted],
    *,
    now: datetime,
    name: str = "isomanager",
    names: Mapping[str, str] | None = None,
    offered: Mapping[str, Title] | None = None,
    end_of: EndOf = unknown_end,
    room: Sequence[Room] = (),
) -> Figures:
    """The figures of `copies`, of which those that are held count and those that are suspect are named. Each is looked at once and
    let go.

    `names` are products' display names; `offered` is what upstream last offered, by what `line_of` tells of a title.
    """
    sums = _Sums(now, names or {}, end_of)
    for copy in copies:
        sums.add(copy)
    levels = [one.value for one in reversed(Assurance)]
    ages = [*(told for _, told in PROOF_AGES), LONGER_AGO, NEVER]
    lately = sum(one.size for one in sums.proofs.parts() if one.name == PROOF_AGES[0][1])
    return Figures(
        generated=now,
        name=name,
        images=sums.images,
        size=sums.size,
        families=sums.families.parts(),
        products=sums.products.parts(MOST_PRODUCTS),
        versions=sums.versions.parts(MOST_PRODUCTS),
        assurances=_in_order(sums.assurances.parts(), levels),
        proofs=_in_order(sums.proofs.parts(), ages),
        proved_lately=lately / sums.size if sums.size else 0.0,
        oldest=_named(sums.oldest) if sums.oldest else None,
        newest=_named(sums.newest) if sums.newest else None,
        suspect=tuple(sums.suspect),
        outdated=tuple(_outdated(sums.newest_of, offered or {})),
        ending=tuple(sums.ending),
        room=tuple(_with_sizes(one, sums.repositories) for one in room),
    )


class _Parts:
    """How many images and bytes each name has."""

    def __init__(self) -> None:
        self._sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def add(self, name: str, size: int) -> None:
        """One image more."""
        self._sums[name][0] += 1
        self._sums[name][1] += size

    def parts(self, most: int = 0) -> tuple[Part, ...]:
        """All, the largest first; the `most` largest ones only, and the rest as one, if that is not 0."""
        found = sorted((-size, name, images) for name, (images, size) in self._sums.items())
        shown, rest = (found[:most], found[most:]) if most else (found, [])
        parts = tuple(Part(name=name, images=images, size=-size) for size, name, images in shown)
        if not rest:
            return parts
        images, size = sum(one[2] for one in rest), -sum(one[0] for one in rest)
        return (*parts, Part(name=f"{len(rest)} others", images=images, size=size))


class _Sums:
    """What copies add up to, one after the other; of them only those are kept that a report names."""

    def __init__(self, now: datetime, names: Mapping[str, str], end_of: EndOf) -> None:
        self._now, self._names, self._end_of = now, names, end_of
        self._today, self._limit = f"{now:%Y-%m-%d}", f"{now + timedelta(days=183):%Y-%m-%d}"
        self.images = self.size = 0
        self.families, self.products, self.versions, self.assurances = _Parts(), _Parts(), _Parts(), _Parts()
        self.proofs, self.repositories = _Parts(), _Parts()
        self.oldest: Counted | None = None
        self.newest: Counted | None = None
        self.newest_of: dict[str, Counted] = {}
        self.suspect: list[Named] = []
        self.ending: list[Named] = []

    def add(self, copy: Counted) -> None:
        """One copy more."""
        if copy.state is CopyState.SUSPECT:
            self.suspect.append(_named(copy, copy.reason))
        if copy.state is not CopyState.HELD:
            return
        title, size = copy.title, copy.size or 0
        self.images, self.size = self.images + 1, self.size + size
        self.families.add(title.family.value, size)
        self.products.add(self._names.get(title.product, title.product), size)
        self.versions.add(f"{title.product} {title.version}", size)
        self.assurances.add(copy.assurance.value, size)
        self.proofs.add(_proof_age(copy, self._now), size)
        self.repositories.add(copy.repository, size)
        self._compare(copy)
        end = self._end_of(title)
        if end and end <= self._limit:  # no longer supported, or will not be in half a year
            told = f"{'support ended' if end < self._today else 'support ends'} {end}"
            self.ending.append(_named(copy, told))

    def _compare(self, copy: Counted) -> None:
        if self.oldest is None or copy.created_at < self.oldest.created_at:
            self.oldest = copy
        if self.newest is None or copy.created_at >= self.newest.created_at:
            self.newest = copy
        line = line_of(copy.title)
        if line not in self.newest_of or copy.title.version > self.newest_of[line].title.version:
            self.newest_of[line] = copy


def line_of(title: Title) -> str:
    """What versions of one image have in common."""
    words = (f"{title.product}/{title.flavor}", title.architecture, title.language, title.edition)
    return " ".join(word for word in words if word)


def _in_order(parts: tuple[Part, ...], names: Sequence[str]) -> tuple[Part, ...]:
    known = {one.name: one for one in parts}
    return tuple(known[name] for name in names if name in known)


def _proof_age(copy: Counted, now: datetime) -> str:
    if copy.proved_at is None:
        return NEVER
    age = now - copy.proved_at
    return next((told for days, told in PROOF_AGES if age <= timedelta(days=days)), LONGER_AGO)


def _named(copy: Counted, told: str = "") -> Named:
    return Named(image=str(copy.title), path=copy.path, when=copy.created_at, told=told)


def _outdated(newest: Mapping[str, Counted], offered: Mapping[str, Title]) -> Iterable[Named]:
    """The newest held version of each line of which upstream offers a newer one."""
    for line, copy in sorted(newest.items()):
        there = offered.get(line)
        if there is not None and there.version > copy.title.version:
            yield _named(copy, f"upstream has {there.version}")


def _with_sizes(room: Room, repositories: _Parts) -> Room:
    here = next((one for one in repositories.parts() if one.name == room.repository), Part(name=room.repository))
    return room.model_copy(update={"images": here.images, "size": here.size})
