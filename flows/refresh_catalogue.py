"""Refresh the catalogue: ask upstream what it offers for what is subscribed to, keep the answers, and publish them."""

from __future__ import annotations

from prefect import flow

from flows.gathering import answered
from flows.running import named, running
from isomanager.library.catalogue_document import publish_document
from isomanager.library.choosing import chosen_subscriptions
from isomanager.model import Value


class Refreshed(Value):
    """How many subscriptions were answered well, why others were not, and where the document was published."""

    answered: int
    unanswered: tuple[str, ...] = ()
    published: tuple[str, ...] = ()


@flow(name="refresh-catalogue", flow_run_name=named("refresh-catalogue"), persist_result=False)
def refresh_catalogue(
    what: list[str] = [],  # noqa: B006 - never changed
    publish: list[str] = [],  # noqa: B006
    only_old: bool = False,
) -> Refreshed:
    """Ask upstream about what is subscribed to, so that updates find fresh answers. Fetches no image.

    Args:
        what: Families, products, selectors, tags, groups or conditions of subscriptions; none means all.
        publish: Names of repositories into which catalogue.json is written, for other servers to read.
        only_old: Ask only about what is older than the setting catalogue_max_age says.
    """
    with running() as library:
        wants = answered(library, chosen_subscriptions(library, what), refresh=not only_old)
        told = tuple(
            f"{want.subscription.selector}: {one.error or (one.refusal.reason if one.refusal else 'only by hand')}"
            for want in wants
            for one in want.resolutions
            if one.expectation is None
        )
        good = sum(want.is_answered for want in wants)
        return Refreshed(answered=good, unanswered=told, published=publish_document(library, publish))
