"""The figures of a report, from the copies that are held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import AwareDatetime, Field

from isomanager.model import Assurance, Copy, CopyState, Title, Value

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


def build_figures(
    copies: Sequence[Copy],
    *,
    now: datetime,
    name: str = "isomanager",
    names: Mapping[str, str] | None = None,
    offered: Mapping[str, Title] | None = None,
    ends: Mapping[str, str] | None = None,
    room: Sequence[Room] = (),
) -> Figures:
    """The figures of `copies`, of which those that are held count and those that are suspect are named.

    `names` are products' display names; `offered` is what upstream last offered, by what `line_of` tells of a title; `ends` is
    until when a release is supported, by `product version`.
    """
    held = [one for one in copies if one.state is CopyState.HELD]
    by_time = sorted(held, key=lambda one: one.created_at)
    total = sum(one.size or 0 for one in held)
    levels = [one.value for one in reversed(Assurance)]
    ages = [*(told for _, told in PROOF_AGES), LONGER_AGO, NEVER]
    lately = sum(one.size or 0 for one in held if _proof_age(one, now) == PROOF_AGES[0][1])
    return Figures(
        generated=now,
        name=name,
        images=len(held),
        size=total,
        families=_parts((one.title.family.value, one) for one in held),
        products=_largest(_parts(((names or {}).get(one.title.product, one.title.product), one) for one in held)),
        versions=_largest(_parts((f"{one.title.product} {one.title.version}", one) for one in held)),
        assurances=_in_order(_parts((one.assurance.value, one) for one in held), levels),
        proofs=_in_order(_parts((_proof_age(one, now), one) for one in held), ages),
        proved_lately=lately / total if total else 0.0,
        oldest=_named(by_time[0]) if by_time else None,
        newest=_named(by_time[-1]) if by_time else None,
        suspect=tuple(_named(one, one.reason) for one in copies if one.state is CopyState.SUSPECT),
        outdated=tuple(_outdated(held, offered or {})),
        ending=tuple(_ending(held, ends or {}, now)),
        room=tuple(_with_sizes(one, held) for one in room),
    )


def line_of(title: Title) -> str:
    """What versions of one image have in common."""
    words = (f"{title.product}/{title.flavor}", title.architecture, title.language, title.edition)
    return " ".join(word for word in words if word)


def _parts(named: Iterable[tuple[str, Copy]]) -> tuple[Part, ...]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, copy in named:
        sums[name][0] += 1
        sums[name][1] += copy.size or 0
    parts = (Part(name=name, images=images, size=size) for name, (images, size) in sums.items())
    return tuple(sorted(parts, key=lambda one: (-one.size, one.name)))


def _largest(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The largest ones, and the rest as one."""
    rest = parts[MOST_PRODUCTS:]
    if not rest:
        return parts
    others = Part(
        name=f"{len(rest)} others", images=sum(one.images for one in rest), size=sum(one.size for one in rest)
    )
    return (*parts[:MOST_PRODUCTS], others)


def _in_order(parts: tuple[Part, ...], names: Sequence[str]) -> tuple[Part, ...]:
    known = {one.name: one for one in parts}
    return tuple(known[name] for name in names if name in known)


def _proof_age(copy: Copy, now: datetime) -> str:
    if copy.proved_at is None:
        return NEVER
    age = now - copy.proved_at
    return next((told for days, told in PROOF_AGES if age <= timedelta(days=days)), LONGER_AGO)


def _named(copy: Copy, told: str = "") -> Named:
    return Named(image=str(copy.title), path=copy.path, when=copy.created_at, told=told)


def _outdated(held: Sequence[Copy], offered: Mapping[str, Title]) -> Iterable[Named]:
    """The newest held version of each line of which upstream offers a newer one."""
    newest: dict[str, Copy] = {}
    for copy in held:
        line = line_of(copy.title)
        if line not in newest or copy.title.version > newest[line].title.version:
            newest[line] = copy
    for line, copy in sorted(newest.items()):
        there = offered.get(line)
        if there is not None and there.version > copy.title.version:
            yield _named(copy, f"upstream has {there.version}")


def _ending(held: Sequence[Copy], ends: Mapping[str, str], now: datetime) -> Iterable[Named]:
    """What is no longer supported, or will not be in half a year."""
    limit = f"{now + timedelta(days=183):%Y-%m-%d}"
    today = f"{now:%Y-%m-%d}"
    for copy in held:
        end = ends.get(f"{copy.title.product} {copy.title.version}")
        if end is not None and end <= limit:
            yield _named(copy, f"{'support ended' if end < today else 'support ends'} {end}")


def _with_sizes(room: Room, held: Sequence[Copy]) -> Room:
    here = [one for one in held if one.repository == room.repository]
    return room.model_copy(update={"images": len(here), "size": sum(one.size or 0 for one in here)})
