"""Dated snapshots in a repository: what they are called, and which of them have had their time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta

REPORTS = "reports"
_DATED = re.compile(rf"{REPORTS}/(?:inventory|repository-report)-(\d{{8}})\.(?:json|html)")


def inventory_snapshot(now: datetime) -> str:
    """Where the day's inventory lies."""
    return f"{REPORTS}/inventory-{now:%Y%m%d}.json"


def report_snapshot(now: datetime, ending: str) -> str:
    """Where the day's report lies; `ending` is json or html."""
    return f"{REPORTS}/repository-report-{now:%Y%m%d}.{ending}"


def outlived(paths: Iterable[str], now: datetime, days: int) -> tuple[str, ...]:
    """The snapshots that are older than `days`. What is called otherwise is nobody's but the user's; the newest always stays."""
    dated = sorted((found[1], path) for path in paths if (found := _DATED.fullmatch(path)) and _day(found[1]))
    newest = dated[-1][0] if dated else ""
    first = f"{now - timedelta(days=days):%Y%m%d}"
    return tuple(path for day, path in dated if day < first and day != newest)


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
