"""Leases: who may write what, until when. A writer that cannot renew its lease stops itself.

Times are compared with the writer's own clock: machines that share a database need clocks that agree within a fraction of
the lease's duration.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, insert, select, tuple_, update

from isomanager.errors import InventoryError, InventoryUnavailable, LeaseLost
from isomanager.inventory.database import Clash
from isomanager.inventory.rows import slices
from isomanager.inventory.tables import LEASES
from isomanager.inventory.transactions import Transactions

DEFAULT_TTL = timedelta(seconds=60)
"""Long enough to survive a busy machine, short enough that a crashed run's work is taken up within a minute."""


@dataclass(frozen=True)
class Lease:
    """The right to write what `key` names. `token` tells this holder from every other, before and after."""

    key: str
    owner: str
    token: str
    ttl: timedelta
    expires_at: datetime


@dataclass(frozen=True)
class SeenLease:
    """A lease as others see it: who holds `key`, when that one was last heard of, and whether it still counts."""

    key: str
    owner: str
    heard_at: datetime
    live: bool


class LeaseRecords(Transactions):
    """Acquiring, renewing and releasing leases."""

    def acquire(self, key: str, owner: str, ttl: timedelta = DEFAULT_TTL) -> Lease | None:
        """A lease on `key`, or None while somebody else's is live. One that has run out is taken over, with a new token."""
        leases = self.acquire_all((key,), owner, ttl)
        return leases[0] if leases else None

    def acquire_all(self, keys: Sequence[str], owner: str, ttl: timedelta = DEFAULT_TTL) -> tuple[Lease, ...]:
        """A lease on each of `keys`, by one commit; none while somebody else has one of them."""
        now = self._clock()
        leases = tuple(Lease(key, owner, secrets.token_hex(16), ttl, now + ttl) for key in keys)
        try:
            with self._writing() as connection:
                _take(connection, leases, now)
        except Clash:  # a key is there, and live
            return ()
        return leases

    def renew_all(self, leases: Sequence[Lease]) -> tuple[Lease, ...]:
        """The same leases for another `ttl` from now, by one commit.

        Raises LeaseLost when one was taken over or released, and also when it has run out and nobody took it: from that
        moment on others may have decided that its holder is dead.
        """
        now = self._clock()
        renewed = tuple(replace(one, expires_at=now + one.ttl) for one in leases)
        with self._writing() as connection:
            for one in renewed:
                values = {"expires_at": one.expires_at, "heartbeat_at": now}
                if not connection.execute(update(LEASES).where(_live(one, now)).values(**values)).rowcount:
                    raise _lost(one)
        return renewed

    def release(self, lease: Lease) -> None:
        """Give a lease back; if it was lost meanwhile, nothing happens to the one who has it now."""
        self.release_all((lease,))

    def release_all(self, leases: Sequence[Lease]) -> None:
        """Give leases back, by one commit."""
        mine = tuple_(LEASES.c.key, LEASES.c.token).in_([(one.key, one.token) for one in leases])
        with self._writing() as connection:
            connection.execute(delete(LEASES).where(mine))

    def release_owner(self, owner: str) -> int:
        """Give back every lease of a holder who is known to be dead; how many that were."""
        with self._writing() as connection:
            return int(connection.execute(delete(LEASES).where(LEASES.c.owner == owner)).rowcount)

    def has_lease(self, prefix: str) -> bool:
        """Whether somebody holds a key that begins so."""
        begins = LEASES.c.key.startswith(prefix, autoescape=True)
        with self._reading() as connection:
            query = select(LEASES.c.key).where(begins, LEASES.c.expires_at > self._clock())
            return connection.execute(query).first() is not None

    def leases(self) -> tuple[SeenLease, ...]:
        """Every lease that is kept, live or not, by key."""
        with self._reading() as connection:
            rows = connection.execute(select(LEASES).order_by(LEASES.c.key)).all()
        now = self._clock()
        return tuple(SeenLease(row.key, row.owner, row.heartbeat_at, row.expires_at > now) for row in rows)

    def holder(self, key: str) -> str | None:
        """Who holds `key` now, None when nobody does."""
        with self._reading() as connection:
            query = select(LEASES.c.owner).where(LEASES.c.key == key, LEASES.c.expires_at > self._clock())
            return connection.execute(query).scalar_one_or_none()


def _take(connection: Connection, leases: Sequence[Lease], now: datetime) -> None:
    connection.execute(delete(LEASES).where(LEASES.c.key.in_([one.key for one in leases]), LEASES.c.expires_at <= now))
    told = [
        {"key": one.key, "owner": one.owner, "token": one.token, "expires_at": one.expires_at, "heartbeat_at": now}
        for one in leases
    ]
    connection.execute(insert(LEASES), told)


_LIVE = (
    select(LEASES.c.key, LEASES.c.token)
    .where(
        LEASES.c.key.in_(bindparam("keys", expanding=True)),
        LEASES.c.expires_at > bindparam("now", type_=LEASES.c.expires_at.type),
    )
    .order_by(LEASES.c.key)
    .with_for_update(read=True)
)
"""Made once: a group of small images asks for each of them, and making the question costs more than the answer."""


def require_live(connection: Connection, leases: Sequence[Lease], now: datetime) -> None:
    """LeaseLost unless all leases are live, in the caller's own transaction: none can be taken over before that one ends."""
    for some in slices(leases):
        asked = {"keys": [one.key for one in some], "now": now}
        live = {(row.key, row.token) for row in connection.execute(_LIVE, asked)}
        for one in some:
            if (one.key, one.token) not in live:
                raise _lost(one)


def live_owner(connection: Connection, token: str, now: datetime) -> str | None:
    """Who holds the lease with `token` now, None when it is released or has run out."""
    if not token:
        return None
    query = select(LEASES.c.owner).where(LEASES.c.token == token, LEASES.c.expires_at > now)
    return connection.execute(query).scalar_one_or_none()


def _live(lease: Lease, now: datetime) -> ColumnElement[bool]:
    return and_(LEASES.c.key == lease.key, LEASES.c.token == lease.token, LEASES.c.expires_at > now)


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(
        f"The lease on {lease.key} is no longer {lease.owner}'s: it ran out or was taken over.",
        hint="Start again; what is durable is kept.",
        key=lease.key,
        owner=lease.owner,
    )


class HeldLeases:
    """Leases that a thread keeps alive for as long as a `with` block lasts.

    When they cannot be renewed, `lost` is set, which transfers look at between chunks, and the block's next transaction under
    a lease raises LeaseLost. A database that does not answer is asked again until the leases have run out.
    """

    def __init__(
        self,
        leases: LeaseRecords,
        keys: Sequence[str],
        owner: str,
        *,
        ttl: timedelta = DEFAULT_TTL,
        lost: threading.Event | None = None,
    ) -> None:
        self.lost = lost or threading.Event()
        self.trouble = ""
        self._leases, self._keys, self._owner, self._ttl = leases, tuple(keys), owner, ttl
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._held: tuple[Lease, ...] = ()

    def __enter__(self) -> tuple[Lease, ...]:
        """The leases, in the order of their keys; LeaseLost when somebody else holds a key."""
        if self._keys:
            self._held = self._leases.acquire_all(self._keys, self._owner, self._ttl)
            if not self._held:
                raise self._refused()
            told = f"lease {self._keys[0]}" + ("" if len(self._keys) == 1 else f" and {len(self._keys) - 1} more")
            self._thread = threading.Thread(target=self._beat, args=(self._held,), name=told, daemon=True)
            self._thread.start()
        return self._held

    def _refused(self) -> LeaseLost:
        holders = ((key, self._leases.holder(key)) for key in self._keys)
        key, other = next((one for one in holders if one[1]), (self._keys[0], "another process"))
        return LeaseLost(f"{key} is being worked on by {other}.", hint="Try again when it is done.", key=key)

    def _beat(self, leases: tuple[Lease, ...]) -> None:
        try:
            while not self._ended.wait(self._ttl.total_seconds() / 3):
                leases = self._renewed(leases)
        except LeaseLost as error:
            self.trouble = error.message
        finally:  # whatever ended the heartbeat, the work must not go on without it
            if not self._ended.is_set():
                self.lost.set()

    def _renewed(self, leases: tuple[Lease, ...]) -> tuple[Lease, ...]:
        try:
            return self._leases.renew_all(leases)
        except (InventoryError, InventoryUnavailable) as error:
            first = leases[0]
            if self._leases._clock() >= first.expires_at:
                raise LeaseLost(
                    f"The lease on {first.key} could not be renewed: {error.message}", key=first.key
                ) from error
            self.trouble = error.message
            return leases

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._held:
            self._leases.release_all(self._held)
