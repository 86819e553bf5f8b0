"""The last good answer upstream gave: a cache, so that a site that is down or broken does not empty what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select

from isomanager.inventory.database import Clash
from isomanager.inventory.rows import selector_key
from isomanager.inventory.tables import OFFERS
from isomanager.inventory.transactions import Transactions
from isomanager.model import Offer, Selector, Title


@dataclass(frozen=True)
class LastGood:
    """What upstream last offered for a selector, and when."""

    offers: tuple[Offer, ...]
    at: datetime


class OfferRecords(Transactions):
    """Remembering good answers."""

    def remember_offers(self, selector: Selector, offers: Sequence[Offer]) -> None:
        """Keep a good answer in the place of the one before. An empty answer is not good and is not kept."""
        if not offers:
            return
        try:
            self._put_offers(selector, offers)
        except Clash:  # another process resolved the same in between; both answers are good, ours is newer
            self._put_offers(selector, offers)

    def _put_offers(self, selector: Selector, offers: Sequence[Offer]) -> None:
        key = selector_key(selector)
        body = [offer.model_dump(mode="json") for offer in offers]
        with self._writing() as connection:
            connection.execute(delete(OFFERS).where(OFFERS.c.selector_key == key))
            connection.execute(insert(OFFERS).values(selector_key=key, at=self._clock(), body=body))

    def offered_titles(self) -> tuple[Title, ...]:
        """Every title of the last good answers."""
        with self._reading() as connection:
            bodies = connection.execute(select(OFFERS.c.body)).scalars().all()
        return tuple(Title.model_validate(one["title"]) for body in bodies for one in body)

    def last_good(self, selector: Selector) -> LastGood | None:
        """The last good answer for a selector, None when there never was one."""
        with self._reading() as connection:
            row = connection.execute(
                select(OFFERS).where(OFFERS.c.selector_key == selector_key(selector))
            ).one_or_none()
        if row is None:
            return None
        return LastGood(tuple(Offer.model_validate(one) for one in row.body), row.at)
