"""The policy of what is kept: which versions each rule keeps, and in which words. Pure.

The style is restic's `forget`: every rule is asked about every version, newest first, and one that any rule keeps stays, with the
names of all that keep it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import lru_cache

from isomanager.model import Keep
from isomanager.version import Version


def kept_versions(versions: Collection[Version], keep: Keep) -> Mapping[Version, tuple[str, ...]]:
    """The versions that rules over versions keep, each with every rule that does."""
    newest_first = sorted(set(versions), reverse=True)
    kept: dict[Version, list[str]] = defaultdict(list)
    for version in newest_first[: keep.last]:
        kept[version].append(f"among the newest {keep.last}" if keep.last > 1 else "the newest")
    for rule, length, count in (("major", 1, keep.per_major), ("minor", 2, keep.per_minor)):
        for series, version in _newest_of_series(newest_first, length)[:count] if count else ():
            kept[version].append(f"the newest of {series} (kept for each of {count} {rule} versions)")
    return {version: tuple(rules) for version, rules in kept.items()}


def _newest_of_series(newest_first: Collection[Version], length: int) -> list[tuple[str, Version]]:
    """Each series with its newest version, the newest series first. A version without that many parts is a series of its own."""
    series: dict[Version, tuple[str, Version]] = {}
    for version in newest_first:
        name = ".".join(map(str, version.pieces[:length])) or version.text
        series.setdefault(_version(name), (name, version))
    return list(series.values())


@lru_cache(maxsize=4096)
def _version(text: str) -> Version:
    return Version(text)


def policy_told(keep: Keep) -> str:
    """The whole policy in words: what stays when newer versions come."""
    rules = [f"{keep.last}"]
    if keep.days:
        rules.append(f"{keep.days} days")
    rules += [
        f"one for each of {count} {name} versions"
        for name, count in (("major", keep.per_major), ("minor", keep.per_minor))
        if count
    ]
    return ", ".join(rules)
