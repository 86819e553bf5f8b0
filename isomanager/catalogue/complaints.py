"""What went wrong while resolving, said as one error: the most telling answer, and every other beside it."""

from __future__ import annotations

from isomanager.catalogue.wanted import Wanted
from isomanager.errors import FetchRefused, IsoManagerError, ResolveError

_GONE = (404, 410)
_TELLING = (
    "no-release",
    "beta-only",
    "unavailable",
    "torrent-only",
    "not-an-iso",
    "blocked",
    "configuration",
    "asked-today",
    "language-not-offered",
    "architecture-not-offered",
    "edition-not-offered",
    "implausible",
    "ambiguous",
)
"""Codes of answers that upstream gave to the very question; they say more than an entry that had no answer."""


def is_broken(error: IsoManagerError) -> bool:
    """Whether an upstream failed to answer at all, rather than answering that it has no such thing."""
    if not isinstance(error, FetchRefused):
        return False
    return error.code != "http-status" or error.data.get("status") not in _GONE


def combined(complaints: list[IsoManagerError], one: Wanted) -> IsoManagerError:
    """One error for all that was said: the most telling answer, and in `data["tried"]` every other."""
    if not complaints:
        return ResolveError(
            f"No entry of {one.product.name} is about {one}.",
            hint="Its product file has no place for this flavor, architecture, channel or version.",
            product=one.product.id,
        )
    best = min(complaints, key=_rank)
    tried = list(dict.fromkeys(f"{error.code}: {error.message}" for error in complaints))
    if len(tried) > 1:
        best.data["tried"] = tried
    return best


def _rank(error: IsoManagerError) -> int:
    if error.code in _TELLING:
        return _TELLING.index(error.code)
    if is_broken(error):
        return 20
    return {"external": 25, "manual": 25, "not-found": 30, "http-status": 40}.get(error.code, 50)
