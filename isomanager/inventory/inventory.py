"""The inventory: what we hold, want, know and are doing. The only place that speaks SQL.

Its methods take and return the values of `isomanager.model`; each is one short transaction. They may be called from many
threads of many processes at once. Errors: InventoryError and, where another process took over, LeaseLost.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from isomanager.inventory.bulk import BulkRecords
from isomanager.inventory.database import Clock, open_database, utc_now
from isomanager.inventory.groups import GroupRecords
from isomanager.inventory.leases import LeaseRecords
from isomanager.inventory.migration import migrate, revision_of
from isomanager.inventory.offers import OfferRecords
from isomanager.inventory.pairing import PairRecords
from isomanager.inventory.passing import PassingRecords
from isomanager.inventory.pins import PinRecords
from isomanager.inventory.quarantine import QuarantineRecords
from isomanager.inventory.receipts import ReceiptRecords
from isomanager.inventory.repositories import RepositoryRecords
from isomanager.inventory.runs import RunRecords
from isomanager.inventory.seen_files import SeenRecords
from isomanager.inventory.shelf import ShelfRecords
from isomanager.inventory.sites import SiteRecords
from isomanager.inventory.sources import SourceRecords
from isomanager.inventory.subscriptions import SubscriptionRecords


class Inventory(
    RepositoryRecords,
    SubscriptionRecords,
    GroupRecords,
    PairRecords,
    PassingRecords,
    ShelfRecords,
    BulkRecords,
    ReceiptRecords,
    QuarantineRecords,
    OfferRecords,
    SeenRecords,
    SiteRecords,
    RunRecords,
    LeaseRecords,
    SourceRecords,
    PinRecords,
):
    """All parts together, over one database."""

    @classmethod
    def open(cls, place: str, *, backup_folder: Path | None = None, clock: Clock = utc_now) -> Self:
        """Open the database at `place` (URL, or path of an SQLite file), made or migrated first where that is needed.

        Errors are those of `open_database` and `migrate`. Close it, or use it in a `with` block.
        """
        migrate(place, backup_folder, clock=clock)
        return cls(open_database(place), clock)

    def revision(self) -> str:
        """The revision of the database's tables."""
        return revision_of(self._engine)

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
