"""Which held images are no longer supported by their vendors, or soon will not be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from isomanager.catalogue.support import end_of_support
from isomanager.library.opening import Library
from isomanager.model import Copy, Title

SOON = timedelta(days=183)


def end_of(library: Library, title: Title) -> date | None:
    """The last day of the title's support, None where nobody knows."""
    product = library.product_of(title)
    return end_of_support(product, title.version) if product else None


def ending(library: Library, copies: Iterable[Copy]) -> tuple[tuple[Copy, date], ...]:
    """Those of which the support has ended, or ends within half a year, with the day; the longest ended first."""
    limit = (library.now() + SOON).date()
    known = ((copy, end_of(library, copy.title)) for copy in copies)
    found = [(copy, end) for copy, end in known if end is not None and end <= limit]
    return tuple(sorted(found, key=lambda one: (one[1], one[0].path)))


def ended_before_grace(library: Library, title: Title) -> date | None:
    """The last day of a support that ended longer ago than the grace of the settings; None otherwise, or where no grace is set."""
    days = library.settings.eol_grace_days
    end = end_of(library, title) if days else None
    return end if end is not None and end + timedelta(days=days) < library.now().date() else None
