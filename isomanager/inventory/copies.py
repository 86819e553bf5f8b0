"""Copies: reserving a path, going from state to state, asking what is held.

Every change is a compare-and-set: it names the states it was decided from, and is refused when another process was quicker.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

from pydantic import AwareDatetime, ValidationError
from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from isomanager.errors import InventoryError, LeaseLost
from isomanager.inventory.claims import claiming, name_taken, require_free
from isomanager.inventory.column_types import folded
from isomanager.inventory.database import Clash
from isomanager.inventory.leases import Lease, live_owner, require_live
from isomanager.inventory.life import FOLLOWS, LIVE, RESTING, check_result, check_step
from isomanager.inventory.receipts import write_receipts
from isomanager.inventory.rows import (
    COPY_COLUMNS,
    COPY_ORDER,
    collector_resting,
    copy_columns,
    copy_of,
    slices,
    title_columns,
)
from isomanager.inventory.tables import COPIES, REPOSITORIES
from isomanager.inventory.transactions import Transactions
from isomanager.model import Assurance, Copy, CopyState, Digests, Receipt, Title

_log = logging.getLogger(__name__)

# Made once: a group of small images needs them for each, and making a statement costs more than what it does.
_LOCKED = (
    select(*COPY_COLUMNS, COPIES.c.lease_token)
    .where(COPIES.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(COPIES.c.id)
    .with_for_update()
)
_STILL = update(COPIES).where(COPIES.c.id == bindparam("copy_id"), COPIES.c.state == bindparam("still"))


class CopyChanges(TypedDict, total=False):
    """What may be noted with a step."""

    path: str
    title: Title
    sha256: str | None
    size: int | None
    assurance: Assurance
    digests: Digests
    fingerprint: str
    filename: str
    source: str
    partial: str
    trash_path: str
    reason: str
    metadata: dict[str, str]
    proved_at: AwareDatetime | None


class CopyRecords(Transactions):
    """Changing and asking for copies."""

    def reserve(self, copy: Copy, lease: Lease | None = None) -> Copy:
        """Claim a path for a copy in state reserved, before its first byte.

        Raises InventoryError: `name-taken` when a live copy has that path (case and Unicode composition do not count),
        `unknown-repository`, `copy-exists` when the id is used; LeaseLost when `lease` is no longer live.
        """
        if copy.state != CopyState.RESERVED:
            raise InventoryError(f"A copy begins as reserved, not as {copy.state}.", code="illegal-transition")
        try:
            with self._writing() as connection:
                if lease is not None:
                    require_live(connection, [lease], self._clock())
                connection.execute(insert(COPIES).values(**copy_columns(copy, lease.token if lease else "")))
        except Clash as clash:
            raise self._why_refused(copy) from clash
        return copy

    def transition(
        self,
        copy_id: str,
        to: CopyState,
        *,
        expected: CopyState | Collection[CopyState],
        through: CopyState | None = None,
        lease: Lease | None = None,
        **changes: Unpack[CopyChanges],
    ) -> Copy:
        """Bring a copy from one of the `expected` states to state `to`, noting `changes`; the copy as it is then. From a state that
        `to` does not follow, it goes by way of `through`, and nobody sees it there.

        Staying in a state only notes the changes. Raises InventoryError: `state-changed` when the copy is in no expected
        state, `illegal-transition` when its life has no such step, `unknown-copy`, `name-taken` when it would claim a path
        that another has; LeaseLost when `lease` is no longer live, or when another live lease works on the copy.
        """
        wanted = {expected} if isinstance(expected, CopyState) else set(expected)
        with self._writing() as connection:
            if through is not None:
                (before,) = self._locked(connection, [(copy_id, lease)])
                if before.state in wanted and to not in FOLLOWS[before.state] | {before.state}:
                    self._moved(connection, copy_id, through, wanted, lease, {**changes})
                    wanted = {through}
            return self._moved(connection, copy_id, to, wanted, lease, {**changes})

    def _moved(
        self,
        connection: Connection,
        copy_id: str,
        to: CopyState,
        wanted: set[CopyState],
        lease: Lease | None,
        changes: dict[str, Any],
    ) -> Copy:
        (before,) = self._locked(connection, [(copy_id, lease)])
        check_step(before, to, wanted, proved=False)
        after = changed(before, {**changes, "state": to, "changed_at": self._clock()})
        return self._write(connection, [(before, after, lease)])[0]

    def record_published(self, copy_id: str, receipt: Receipt, lease: Lease) -> Copy:
        """Make a published copy held: image, receipt and state in one transaction, under a lease that is live in it.

        A repeat with the same image succeeds. Raises as `transition` does, and InventoryError(code="image-differs") when the
        receipt speaks of other bytes than were received.
        """
        return self.record_all(((copy_id, receipt, lease),))[0]

    def record_all(self, published: Sequence[tuple[str, Receipt, Lease]]) -> tuple[Copy, ...]:
        """As `record_published`, for several copies in one transaction. All or none."""
        if not published:
            return ()
        with self._writing() as connection:
            befores = self._locked(connection, [(copy_id, lease) for copy_id, _, lease in published])
            for before, (_, receipt, _) in zip(befores, published, strict=True):
                _require_proof(before, receipt)
            write_receipts(connection, [receipt for _, receipt, _ in published])
            now = self._clock()
            changes = [
                (before, changed(before, {**_proved_by(receipt), "state": CopyState.HELD, "changed_at": now}), lease)
                for before, (_, receipt, lease) in zip(befores, published, strict=True)
            ]
            return self._write(connection, changes)

    def _locked(self, connection: Connection, asked: Sequence[tuple[str, Lease | None]]) -> list[Copy]:
        """The copies, locked until the transaction ends, after seeing that nobody else is working on them."""
        now = self._clock()
        require_live(connection, [lease for _, lease in asked if lease is not None], now)
        found = {
            row.id: row
            for some in slices([copy_id for copy_id, _ in asked])
            for row in connection.execute(_LOCKED, {"ids": some})
        }
        for copy_id, lease in asked:
            if copy_id not in found:
                raise _unknown(copy_id)
            _require_unattended(connection, found[copy_id], lease, now)
        return [copy_of(found[copy_id][:-1]) for copy_id, _ in asked]

    def _write(self, connection: Connection, changes: Sequence[tuple[Copy, Copy, Lease | None]]) -> tuple[Copy, ...]:
        rows = []
        for before, after, lease in changes:
            check_result(before, after)
            columns = copy_columns(after, lease.token if lease and after.state not in RESTING else "")
            claims = columns["claimed_path"]
            if claims is not None and (before.state not in LIVE or claims != folded(before.path)):
                require_free(connection, after)
            rows.append({**columns, "copy_id": before.id, "still": before.state.value})
        if connection.execute(_STILL, rows).rowcount < len(rows):
            for before, after, _ in changes:  # pragma: no cover - where rows cannot be locked
                check_step(before, after.state, (), proved=False)
        for before, after, _ in changes:
            if after.state is not before.state:
                _log.info("%s: %s: %s -> %s", after.repository, after.path, before.state, after.state)
        return tuple(after for _, after, _ in changes)

    def _why_refused(self, copy: Copy) -> InventoryError:
        """The reason a row could not be added, in the words of who wanted to."""
        with self._reading() as connection:
            names = connection.execute(select(REPOSITORIES.c.name)).scalars().all()
            if copy.repository not in names:
                return InventoryError(
                    f"There is no repository named {copy.repository}.",
                    code="unknown-repository",
                    repository=copy.repository,
                )
            if connection.execute(select(COPIES.c.id).where(COPIES.c.id == copy.id)).first() is not None:
                return InventoryError(f"There is a copy {copy.id} already.", code="copy-exists", copy_id=copy.id)
            return name_taken(copy, claiming(connection, copy.repository, copy.path))

    def copy(self, copy_id: str) -> Copy:
        """The copy of that id; InventoryError(code="unknown-copy") when there is none."""
        with self._reading() as connection:
            row = connection.execute(select(*COPY_COLUMNS).where(COPIES.c.id == copy_id)).one_or_none()
        if row is None:
            raise _unknown(copy_id)
        return copy_of(row)

    def copies_of(self, ids: Sequence[str]) -> Iterator[Copy]:
        """The copies of those ids that there are."""
        for some in slices(ids):
            yield from self._listed(select(*COPY_COLUMNS).where(COPIES.c.id.in_(some)))

    def copy_at(self, repository: str, path: str) -> Copy | None:
        """The live copy that claims a path, whatever the path's case; None when the path is free."""
        with self._reading() as connection:
            return claiming(connection, repository, path)

    def copies(
        self,
        repository: str | None = None,
        *,
        states: Collection[CopyState] | None = None,
        family: str | None = None,
        product: str | None = None,
        flavor: str | None = None,
        sha256: str | None = None,
    ) -> tuple[Copy, ...]:
        """The copies that fit everything given, by repository and path; in any state, gone ones too, when `states` is None."""
        given = {"repository": repository, "family": family, "product": product, "flavor": flavor, "sha256": sha256}
        query = select(*COPY_COLUMNS).where(
            *(COPIES.c[name] == value for name, value in given.items() if value is not None)
        )
        if states is not None:
            query = query.where(COPIES.c.state.in_([state.value for state in states]))
        return self._listed(query)

    def _listed(self, query: Select[Any]) -> tuple[Copy, ...]:
        """The copies that a query of COPY_COLUMNS finds, as they are listed."""
        with self._reading() as connection, collector_resting():
            # sorted here, because databases do not agree on how text is ordered; each row is let go once it is a copy
            rows = sorted(connection.execute(query), key=COPY_ORDER)
            rows.reverse()
            return tuple(copy_of(rows.pop()) for _ in range(len(rows)))

    def held(self, title: Title, repository: str | None = None) -> tuple[Copy, ...]:
        """The held copies of exactly this title; versions compare as versions, so 04.10 finds 4.10."""
        asked = {**title_columns(title), "version_key": title.version.sort_text, "state": CopyState.HELD.value}
        del asked["version_text"]
        if repository is not None:
            asked["repository"] = repository
        return self._listed(select(*COPY_COLUMNS).where(*(COPIES.c[name] == value for name, value in asked.items())))


def _proved_by(receipt: Receipt) -> dict[str, Any]:
    return {
        "title": receipt.title,
        "sha256": receipt.sha256,
        "size": receipt.size,
        "digests": receipt.digests,
        "assurance": receipt.assurance,
        "fingerprint": receipt.fingerprint,
        "filename": receipt.filename,
        "proved_at": receipt.proved_at,
        "partial": "",
    }


def changed(before: Copy, changes: dict[str, Any]) -> Copy:
    """The copy with other values; InventoryError(code="invalid-change") for such as a copy cannot have."""
    try:
        return Copy.model_validate({**dict(before), **changes})
    except ValidationError as error:
        raise InventoryError(
            f"The copy {before.path} cannot be changed so: {error.errors()[0]['msg']}.",
            code="invalid-change",
            copy_id=before.id,
        ) from error


def _require_proof(before: Copy, receipt: Receipt) -> None:
    check_step(before, CopyState.HELD, {CopyState.PUBLISHING, CopyState.HELD}, proved=True)
    if (before.sha256, before.size) != (receipt.sha256, receipt.size):
        raise InventoryError(
            f"The receipt for {before.path} proves {receipt.sha256} ({receipt.size} bytes), "
            f"but {before.sha256} ({before.size} bytes) were received.",
            code="image-differs",
            copy_id=before.id,
        )


def _require_unattended(connection: Connection, row: Row[Any], lease: Lease | None, now: datetime) -> None:
    token = row.lease_token
    other = None if lease and token == lease.token else live_owner(connection, token, now)
    if other is not None:
        raise LeaseLost(
            f"The copy {row.path} in repository {row.repository} is being worked on by {other}.",
            hint="Try again when it is done.",
            copy_id=row.id,
        )


def _unknown(copy_id: str) -> InventoryError:
    return InventoryError(f"There is no copy {copy_id}.", code="unknown-copy", copy_id=copy_id)
