"""Addresses that hold for a day: asked for when a download begins, and told to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from isomanager.catalogue.microsoft.connector import Connector, connector_for
from isomanager.catalogue.wanted import wanted
from isomanager.errors import CatalogueError, FetchRefused
from isomanager.library.opening import Library
from isomanager.model import DayLink, Offer, Selector


def addresses(library: Library, offer: Offer) -> tuple[str, ...]:
    """Where the offer's file can be fetched from now: its own addresses, or the signed one of the moment, a secret.

    Raises as the connector does, when Microsoft has to be asked and does not answer.
    """
    if offer.link is None:
        return offer.urls
    return (_connector(library, offer, offer.link).address(offer.link, offer.filename),)


@contextmanager
def day_link_of(library: Library, offer: Offer) -> Iterator[None]:
    """While the offer's file is fetched: a signed address that is refused is forgotten, and the error says what comes next."""
    try:
        yield
    except FetchRefused as refused:
        if offer.link is not None and refused.data.get("status") in (401, 403, 410):
            _connector(library, offer, offer.link).forget(offer.link)
            refused.hint = (
                "Microsoft's link no longer holds. A new one is asked for when a day has passed since the last; what was fetched "
                "so far is kept, and goes on from there."
            )
        raise


def _connector(library: Library, offer: Offer, link: DayLink) -> Connector:
    """The conversation that the offer came from, by the product file as it is now."""
    title, product = offer.title, library.product_of(offer.title)
    entries = [one for one in product.offers if one.strategy == "download-connector"] if product else []
    entry = next((one for one in entries if link.page in one.steps[0].url), None)
    if product is None or entry is None:
        raise CatalogueError(
            f"The catalogue no longer says how to get a link for {title}.",
            hint="Run the update again.",
            field="connector",
        )
    selector = Selector(
        product=product.id,
        flavor=title.flavor,
        architectures=(title.architecture,),
        languages=(title.language,) if title.language else (),
        editions=(title.edition,) if title.edition else (),
    )
    return connector_for(entry, wanted(product, selector)[0], library.documents(product), library.links)
