"""Plausibility before belief: which answers of upstream are surprising, and whether others bear them out. Pure.

An answer surprises when, for what is asked (the newest of a flavor, architecture, language and edition):

older        it is older than what is held, or than the last good answer
jump         its series is further from the newest known one than 1, and 1 more for every 60 days since that was true. A series
             is as many leading numbers as the product says; the first of them that differs is compared
future       its version is a date (24.04, 2026.09.01, 20260901) more than 62 days ahead
pre-release  its version announces a release, and none was asked for
size         it is more than 4 times as large, or less than a quarter as large, as the image known from before; or of a size that
             no ISO image has, which nobody can bear out

A surprising answer is believed only if independent witnesses were found, at least one of them agrees, and none disagrees. That
nothing newer exists, only a witness can say that knows every release.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from isomanager.catalogue.patterns import match_whole
from isomanager.catalogue.product import Product
from isomanager.model import Offer
from isomanager.version import Version

Kind = Literal["older", "jump", "future", "pre-release", "size"]

DAYS_A_SERIES = 60
AHEAD = timedelta(days=62)
SIZE_FACTOR = 4
SMALLEST_ISO = 18 * 2048
"""16 sectors that ISO 9660 leaves to the system, the primary descriptor and the terminator (ECMA-119, 6.2.1 and 8)."""
LARGEST_IMAGE = 64 << 30


@dataclass(frozen=True)
class Known:
    """A version that was the newest at `at`; `source` says how that is known: "held", "the last good answer"."""

    version: Version
    at: datetime
    source: str
    size: int | None = None


@dataclass(frozen=True)
class Asked:
    """What the question allows: pre-releases; older versions too (an exact version, the channel `previous`)."""

    pre_release: bool = False
    older: bool = False


@dataclass(frozen=True)
class Surprise:
    """What is surprising about an answer; nobody can bear out what is `impossible`."""

    kind: Kind
    said: str
    impossible: bool = False


@dataclass(frozen=True)
class Opinion:
    """What a witness said: whether it knows the very answer, and whether nothing newer exists; None where it cannot tell."""

    witness: str
    agrees: bool | None
    said: str
    newest: bool | None = None

    def __str__(self) -> str:
        stance = {True: "agrees", False: "disagrees", None: "cannot tell"}[self.agrees]
        return f"{self.witness} {stance} ({self.said})"


def surprises(
    offer: Offer, known: Sequence[Known], product: Product, asked: Asked, *, now: datetime
) -> tuple[Surprise, ...]:
    """Everything surprising about an offer, beside what is known from before; () for most of them."""
    return tuple(_surprises(offer, known, product, asked, now))


def _surprises(
    offer: Offer, known: Sequence[Known], product: Product, asked: Asked, now: datetime
) -> Iterator[Surprise]:
    version = offer.title.version
    pre = product.version.pre
    if not asked.pre_release and (version.is_pre_release or bool(pre and match_whole(pre, version.text) is not None)):
        yield Surprise("pre-release", f"{version} announces a release, and none was asked for")
    dated = date_of(version)
    if dated is not None and dated > now + AHEAD and not asked.pre_release:
        yield Surprise("future", f"{version} names a date that is still to come")
    yield from _impossible_size(offer)
    newest = max(known, key=lambda one: one.version, default=None)
    if newest is None or asked.older:
        return
    if version < newest.version:
        yield Surprise("older", f"{version} is older than {newest.version} ({newest.source})")
    elif dated is None and (steps := _steps(newest.version, version, product.version.series)):
        allowed = 1 + max(0, (now - newest.at).days) // DAYS_A_SERIES
        if steps > allowed:
            yield Surprise("jump", f"{version} is {steps} series beyond {newest.version} ({newest.source})")
    yield from _other_size(offer, newest)


def _impossible_size(offer: Offer) -> Iterator[Surprise]:
    size, name = offer.size, offer.filename.lower()
    if size is None:
        return
    if size > LARGEST_IMAGE or (size < SMALLEST_ISO and name.endswith(".iso") and offer.packing is None):
        yield Surprise("size", f"{offer.filename} is said to be {size} bytes, which no image is", impossible=True)


def _other_size(offer: Offer, known: Known) -> Iterator[Surprise]:
    if not offer.size or not known.size or offer.packing is not None:
        return
    if not known.size <= offer.size * SIZE_FACTOR or not offer.size <= known.size * SIZE_FACTOR:
        yield Surprise(
            "size", f"{offer.filename} is {offer.size} bytes; {known.version} ({known.source}) is {known.size}"
        )


def date_of(version: Version) -> datetime | None:
    """The month or day that a version names, by its form: 24.04, 2026.09.01, 2026-09, 20260901; None for other versions."""
    first, *rest = re.split(r"[.\-_\s]", version.text)
    if not first.isdigit():
        return None
    if len(first) == 8:
        return _day(first[:4], first[4:6], first[6:])
    if len(first) == 4 and not rest:
        return _day(str(int(first) - 1), "1", "1")  # what is called after a year is out before it begins
    if len(first) == 4:
        month, day = [*rest, "1", "1"][:2]
        return _day(first, month, day)
    if len(first) == 2 and rest and len(rest[0]) == 2:
        return _day(f"20{first}", rest[0], "1")
    return None


def _day(year: str, month: str, day: str) -> datetime | None:
    try:
        found = datetime(int(year), int(month), int(day), tzinfo=UTC)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2100 else None


def _steps(old: Version, new: Version, series: int) -> int:
    """How many series lie between two versions: the difference of the first of the leading `series` numbers that differs."""
    for before, after in zip(old.parts[:series], new.parts[:series], strict=False):
        if before != after:
            return after - before if isinstance(before, int) and isinstance(after, int) else 0
    return 0


def objections(found: Sequence[Surprise], opinions: Sequence[Opinion]) -> tuple[Surprise, ...]:
    """The surprises that the witnesses do not bear out; () when the answer is to be believed."""
    return tuple(one for one in found if one.impossible or not _is_borne_out(one, opinions))


def _is_borne_out(surprise: Surprise, opinions: Sequence[Opinion]) -> bool:
    asked = [one.newest if surprise.kind == "older" else one.agrees for one in opinions]
    told = [one for one in asked if one is not None]
    return bool(told) and all(told)


def why_held_back(against: Sequence[Surprise], opinions: Sequence[Opinion], product: str) -> str:
    """What a person is told: what surprises, what each witness said, what can be done."""
    told = "; ".join(one.said for one in against)
    heard = "; ".join(map(str, opinions)) or "there is no witness to ask: the product file names none"
    return (
        f"Not believed yet: {told}. Second opinion: {heard}. Nothing is fetched and nothing retired; the next update asks again. "
        f"If you know that it is right, `isomanager update {product} --accept` (or download) believes it once."
    )
