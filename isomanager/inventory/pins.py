"""What people said must stay: pins, holds, and that nothing at all may be deleted."""

from __future__ import annotations

from sqlalchemy import delete, insert, or_, select, update

from isomanager.inventory.database import Clash
from isomanager.inventory.rows import selector_key
from isomanager.inventory.tables import FREEZES, LEASES, PINS
from isomanager.inventory.transactions import Transactions
from isomanager.model import Freeze, Pin

_LIBRARY = "library"
_ON_COPIES = ("copy:", "reading:")
"""How the keys of leases on a copy begin; its id follows."""


class PinRecords(Transactions):
    """Pinning and releasing, freezing and unfreezing."""

    def add_pin(self, pin: Pin) -> Pin:
        """Remember it. The same kind on the same thing again changes reason and end, and keeps id and time."""
        try:
            return self._put_pin(pin)
        except Clash:  # another process said the same in between
            return self._put_pin(pin)

    def _put_pin(self, pin: Pin) -> Pin:
        target = _target(pin)
        with self._writing() as connection:
            query = select(PINS.c.body).where(PINS.c.target == target).with_for_update()
            body = connection.execute(query).scalar_one_or_none()
            if body is None:
                body = pin.model_dump(mode="json")
                connection.execute(insert(PINS).values(id=pin.id, target=target, created_at=pin.created_at, body=body))
                return pin
            known = Pin.model_validate(body)
            changed = pin.model_copy(update={"id": known.id, "created_at": known.created_at})
            where = PINS.c.id == known.id
            connection.execute(update(PINS).where(where).values(body=changed.model_dump(mode="json")))
            return changed

    def pins(self) -> tuple[Pin, ...]:
        """Every pin and hold that has not ended by itself, the oldest first."""
        with self._reading() as connection:
            bodies = connection.execute(select(PINS.c.body).order_by(PINS.c.created_at, PINS.c.id)).scalars().all()
        now = self._clock()
        found = (Pin.model_validate(body) for body in bodies)
        return tuple(one for one in found if one.until is None or one.until > now)

    def remove_pin(self, pin_id: str) -> bool:
        """Release one; False when there is none of that id."""
        with self._writing() as connection:
            return connection.execute(delete(PINS).where(PINS.c.id == pin_id)).rowcount > 0

    def freeze(self, reason: str = "") -> Freeze:
        """From now on nothing is deleted; frozen again, only the reason changes."""
        frozen = Freeze(reason=reason, at=self._clock())
        try:
            with self._writing() as connection:
                connection.execute(insert(FREEZES).values(name=_LIBRARY, at=frozen.at, reason=reason))
        except Clash:
            with self._writing() as connection:
                connection.execute(update(FREEZES).values(reason=reason))
        return self.frozen() or frozen

    def unfreeze(self) -> bool:
        """Deletions are allowed again; False when they were."""
        with self._writing() as connection:
            return connection.execute(delete(FREEZES)).rowcount > 0

    def frozen(self) -> Freeze | None:
        """Since when nothing may be deleted, and why; None when it may."""
        with self._reading() as connection:
            row = connection.execute(select(FREEZES.c.reason, FREEZES.c.at)).one_or_none()
        return None if row is None else Freeze(reason=row.reason, at=row.at)

    def copies_in_use(self) -> dict[str, str]:
        """The ids of the copies that somebody works on or reads from now, and who."""
        live = LEASES.c.expires_at > self._clock()
        kinds = or_(*(LEASES.c.key.startswith(kind) for kind in _ON_COPIES))
        query = select(LEASES.c.key, LEASES.c.owner).where(live, kinds)
        with self._reading() as connection:
            return {row.key.split(":")[1]: row.owner for row in connection.execute(query)}


def _target(pin: Pin) -> str:
    selected = f"selector:{selector_key(pin.selector)}" if pin.selector else f"image:{pin.repository}:{pin.sha256}"
    return f"{pin.kind}:{selected}"
