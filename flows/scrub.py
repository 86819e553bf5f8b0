"""Scrub: prove again what was not proved for longest, night after night, and mend what failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from time import monotonic

from prefect import flow

from flows.reporting import finish
from flows.running import awaited, image_threads, running
from flows.verify import repaired
from isomanager.catalogue.fields import parse_size
from isomanager.errors import UsageError
from isomanager.library.checking import CHECKED, unchecked_outcome
from isomanager.library.indexing import refresh_indexes
from isomanager.library.opening import Library
from isomanager.library.outcomes import RunReport
from isomanager.library.recording import recorded
from isomanager.library.recovering import recover
from isomanager.model import Copy, Outcome
from isomanager.planning.scrubbing import due, within
from tasks.check import check


@flow(name="scrub", flow_run_name="scrub {budget}", task_runner=image_threads(), persist_result=False)
def scrub(
    budget: str = "50GiB",
    minutes: float = 0,
    repositories: list[str] = [],  # noqa: B006 - never changed
    repair: bool = True,
) -> RunReport:
    """Prove images again, those first that were not proved for longest. What fails is set aside, and mended.

    Args:
        budget: How much to read at most, such as 50GiB; 0 means no limit.
        minutes: Begin no further image after so many minutes; 0 means no limit.
        repositories: Only these; none means all of them.
        repair: Mend what failed, from another copy or from upstream.
    """
    started = monotonic()
    with running() as library, recorded(library, "scrub") as record:
        found = recover(library)
        waves = _in_time(_chosen(library, _bytes(budget), repositories), library, started, minutes)
        outcomes = record(tuple(outcome for wave in waves for outcome in _proved(wave, repair)))
        indexes = refresh_indexes(library)
        report = RunReport(outcomes=outcomes, recovered=found, indexes=indexes, seconds=monotonic() - started)
        return finish(library, report)


def _bytes(text: str) -> int:
    try:
        return int(parse_size(text))
    except ValueError as wrong:
        raise UsageError(f"The budget '{text}' is no size: {wrong}.", hint="Write 50GiB, or 0 for no limit.") from wrong


def _chosen(library: Library, budget: int, repositories: Sequence[str]) -> Iterator[Copy]:
    names = [library.inventory.repository(name).name for name in repositories]
    copies = [one for one in library.inventory.copies(states=CHECKED) if not names or one.repository in names]
    return within(due(copies), budget)


def _in_time(copies: Iterable[Copy], library: Library, started: float, minutes: float) -> Iterator[tuple[Copy, ...]]:
    """As many at once as images may be; no further ones when the time is over."""
    waiting = iter(copies)
    while wave := tuple(islice(waiting, library.settings.images_at_once)):
        if minutes and monotonic() - started > minutes * 60:
            return
        yield wave


def _proved(wave: Sequence[Copy], repair: bool) -> tuple[Outcome, ...]:
    asked = [(copy, check.submit(str(copy.title), copy, False)) for copy in wave]
    found = [(copy, awaited(future, partial(unchecked_outcome, copy))) for copy, future in asked]
    return repaired(found) if repair else tuple(outcome for _, outcome in found)
