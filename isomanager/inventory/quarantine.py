"""What was refused, remembered until the evidence changes: a wrong digest upstream must not cost a download every night."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, delete, insert, select

from isomanager.inventory.database import Clash
from isomanager.inventory.rows import title_key
from isomanager.inventory.tables import QUARANTINE
from isomanager.inventory.transactions import Transactions
from isomanager.model import Quarantined, Title


class QuarantineRecords(Transactions):
    """Adding, asking, listing and releasing."""

    def quarantine(self, refused: Quarantined) -> None:
        """Remember a refusal; a newer one of the same evidence and title replaces the older."""
        try:
            self._put_refusal(refused)
        except Clash:  # another process refused the same in between; ours replaces it
            self._put_refusal(refused)

    def _put_refusal(self, refused: Quarantined) -> None:
        with self._writing() as connection:
            connection.execute(delete(QUARANTINE).where(_is(refused.fingerprint, refused.title)))
            connection.execute(
                insert(QUARANTINE).values(
                    fingerprint=refused.fingerprint,
                    title_key=title_key(refused.title),
                    at=refused.at,
                    body=refused.model_dump(mode="json"),
                )
            )

    def is_quarantined(self, fingerprint: str, title: Title) -> Quarantined | None:
        """The refusal of this very evidence for this title, if there was one."""
        with self._reading() as connection:
            body = connection.execute(select(QUARANTINE.c.body).where(_is(fingerprint, title))).scalar_one_or_none()
        return None if body is None else Quarantined.model_validate(body)

    def refused_fingerprints(self) -> frozenset[str]:
        """The fingerprints of all evidence that was ever refused, whatever it was for."""
        with self._reading() as connection:
            return frozenset(connection.execute(select(QUARANTINE.c.fingerprint)).scalars())

    def quarantined(self) -> tuple[Quarantined, ...]:
        """Everything refused, the newest first."""
        query = select(QUARANTINE.c.body).order_by(QUARANTINE.c.at.desc(), QUARANTINE.c.title_key)
        with self._reading() as connection:
            bodies = connection.execute(query).scalars().all()
        return tuple(Quarantined.model_validate(body) for body in bodies)

    def release_quarantined(self, fingerprint: str, title: Title) -> bool:
        """Forget a refusal, so that it is tried again; False when there was none."""
        with self._writing() as connection:
            return connection.execute(delete(QUARANTINE).where(_is(fingerprint, title))).rowcount > 0


def _is(fingerprint: str, title: Title) -> ColumnElement[bool]:
    return and_(QUARANTINE.c.fingerprint == fingerprint, QUARANTINE.c.title_key == title_key(title))
