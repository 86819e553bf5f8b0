"""Gather: what upstream answers for subscriptions, from the kept catalogue document or by asking many products at once."""

from __future__ import annotations

from collections.abc import Sequence

from prefect.futures import PrefectFuture

from flows.running import resolving_threads
from isomanager.errors import IsoManagerError
from isomanager.library.catalogue_document import fresh_wants, keep_answers
from isomanager.library.choosing import by_product
from isomanager.library.opening import Library, current_library
from isomanager.library.resolving import failed_resolution
from isomanager.model import Subscription
from isomanager.planning.wanting import Want
from tasks.resolve import resolve
from tasks.retrying import patient


def answered(
    library: Library, subscriptions: Sequence[Subscription], *, refresh: bool = False, accept: bool = False
) -> tuple[Want, ...]:
    """What upstream answers, asked only about what the catalogue document does not know or is too old for; `refresh` asks about
    everything. Good answers are kept in the document."""
    awake = [one for one in subscriptions if not one.paused]
    fresh = () if refresh else fresh_wants(library, awake)
    known = {want.subscription.id for want in fresh}
    asked = gather([one for one in awake if one.id not in known], accept=accept)
    keep_answers(library, asked)
    return (*fresh, *asked)


def gather(subscriptions: Sequence[Subscription], *, accept: bool = False) -> tuple[Want, ...]:
    """Ask upstream about every product at the same time; one that stays silent becomes an answer that says so."""
    groups = by_product([one for one in subscriptions if not one.paused])
    if not groups:
        return ()
    assert current_library().client  # noqa: S101 - made here, once, before threads share it
    with resolving_threads(len(groups)) as threads:  # not those of the images: asking costs no disk and little network
        asked = [
            (group, threads.submit(patient(resolve), {"product": product, "subscriptions": group, "accept": accept}))
            for product, group in groups.items()
        ]
        return tuple(want for group, future in asked for want in _answers(group, future))


def _answers(group: tuple[Subscription, ...], future: PrefectFuture[tuple[Want, ...]]) -> tuple[Want, ...]:
    try:
        return future.result()
    except IsoManagerError as wrong:
        return tuple(Want(one, (failed_resolution(wrong),)) for one in group)
