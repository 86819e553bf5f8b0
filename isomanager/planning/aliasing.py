"""Which copies the aliases of a repository stand for; one of each for everything of a title but its version. Pure.

latest, stable   the newest release that is no pre-release
lts              the newest release with long support, where the product has such
previous         the newest release of an earlier series than that of `latest`

Only what is held and proved can be one: neither a suspect copy nor one of which nobody knows anything (assurance `none`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from isomanager.model import Assurance, Copy, CopyState, Title
from isomanager.planning.shelf import Turn, turn_of
from isomanager.planning.verdicts import Reason
from isomanager.planning.wanting import Scope, scope

Alias = Literal["latest", "stable", "lts", "previous"]
ALIASES: tuple[Alias, ...] = ("latest", "stable", "lts", "previous")

InChannel = Callable[[Literal["stable", "lts"], Title], bool]
"""Whether a title is of that channel of its product."""

SeriesOf = Callable[[Title], tuple[object, ...]]
"""The release series of a title."""


def aliased(
    copies: Iterable[Copy], names: Sequence[str], in_channel: InChannel, series_of: SeriesOf
) -> Mapping[tuple[Scope, str], Copy]:
    """The copy of each alias in one repository; the newest bytes where a version was published twice."""
    groups: dict[Scope, list[Copy]] = defaultdict(list)
    for copy in copies:
        if copy.state is CopyState.HELD and copy.assurance is not Assurance.NONE:
            groups[scope(copy.title)].append(copy)
    found: dict[tuple[Scope, str], Copy] = {}
    for here, group in groups.items():
        group.sort(key=_age, reverse=True)
        for name in names:
            chosen = _chosen(name, group, in_channel, series_of)
            if chosen is not None:
                found[here, name] = chosen
    return found


def _chosen(name: str, newest_first: Sequence[Copy], in_channel: InChannel, series_of: SeriesOf) -> Copy | None:
    """The first that fits; those behind it are not asked about."""
    if name == "lts":
        return next((one for one in newest_first if in_channel("lts", one.title)), None)
    released = (one for one in newest_first if in_channel("stable", one.title))
    latest = next(released, None)
    if name != "previous" or latest is None:
        return latest
    return next((one for one in released if series_of(one.title) != series_of(latest.title)), None)


def _age(copy: Copy) -> tuple[Turn, datetime]:
    return turn_of(copy.title.version), copy.created_at


def alias_reasons(chosen: Mapping[tuple[Scope, str], Copy]) -> dict[str, tuple[Reason, ...]]:
    """Why the copies that aliases stand for stay, by their ids."""
    told: dict[str, list[str]] = defaultdict(list)
    for (_, name), copy in chosen.items():
        told[copy.id].append(name)
    change = "a newer version, or other names in the setting `aliases`"
    return {key: (Reason("aliased", _told(names), change),) for key, names in told.items()}


def _told(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"the alias {names[0]} stands for it"
    return f"the aliases {', '.join(names[:-1])} and {names[-1]} stand for it"
