"""What the library knows from before of the answers it asks for: copies that are held, and the last good answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from isomanager.errors import InventoryUnavailable
from isomanager.library.opening import Library
from isomanager.model import CopyState, Expectation, Offer, Subscription, Title
from isomanager.planning.plausibility import Known
from isomanager.planning.wanting import scope
from isomanager.trust.urls import without_secrets

_log = logging.getLogger(__name__)


def known_before(library: Library, subscription: Subscription, title: Title) -> tuple[Known, ...]:
    """What was the newest before, in the title's scope and as the subscription asks for it."""
    held = (
        Known(copy.title.version, copy.created_at, "held", copy.size)
        for copy in library.inventory.copies(states={CopyState.HELD}, product=title.product)
        if scope(copy.title) == scope(title) and library.selects(subscription, copy.title)
    )
    last = library.inventory.last_good(subscription.selector)
    told = [(one, last.at) for one in last.offers] if last else []
    answered = (
        Known(offer.title.version, at, f"the last good answer, of {at:%Y-%m-%d}", offer.size)
        for offer, at in told
        if scope(offer.title) == scope(title)
    )
    return (*held, *answered)


def remember(library: Library, subscription: Subscription, judged: Sequence[Expectation]) -> None:
    """Keep a whole answer that was believed, for the next time. A database that is busy costs only that."""
    try:
        library.inventory.remember_offers(subscription.selector, [_offer(one) for one in judged])
    except InventoryUnavailable as wrong:
        _log.warning("The answer for %s is not remembered: %s", subscription.selector, wrong)


def _offer(judged: Expectation) -> Offer:
    """The offer with the size that its evidence gives, and without what may carry a secret (signed links) or is not needed."""
    offer = judged.offer
    return offer.model_copy(
        update={
            "size": judged.size if judged.size is not None else offer.size,
            "urls": tuple(map(without_secrets, offer.urls)),
            "listed_at": tuple(map(without_secrets, offer.listed_at)),
            "torrent": None,
            "proofs": (),
        }
    )


def last_good_told(library: Library, subscription: Subscription, now: datetime) -> str:
    """What the last good answer was and how old it is; "" when there never was one."""
    last = library.inventory.last_good(subscription.selector)
    if last is None:
        return ""
    versions = ", ".join(dict.fromkeys(str(offer.title.version) for offer in last.offers))
    return f"the last good answer was {versions}, {age_told(last.at, now)}"


def age_told(at: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that says enough."""
    seconds = max(0.0, (now - at).total_seconds())
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"
