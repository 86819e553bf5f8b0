"""What scans have looked at. A file that is still the same (size, time, inode: the store's etag) need not be read again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select

from isomanager.inventory.database import Clash
from isomanager.inventory.tables import SEEN_FILES
from isomanager.inventory.transactions import Transactions
from isomanager.model import Value


class SeenFile(Value):
    """A file as it was when it was looked at. `sha256` is "" when it was not read whole; `found` is what it was taken for."""

    path: str
    etag: str
    size: int
    sha256: str = ""
    found: dict[str, Any] = {}  # noqa: RUF012 - pydantic copies it


class SeenRecords(Transactions):
    """Remembering what scans saw, by the place that was scanned."""

    def seen(self, place: str) -> dict[str, SeenFile]:
        """What was seen at a place (a store's address), by path."""
        columns = (SEEN_FILES.c.path, SEEN_FILES.c.etag, SEEN_FILES.c.size, SEEN_FILES.c.sha256, SEEN_FILES.c.body)
        with self._reading() as connection:
            rows = connection.execute(select(*columns).where(SEEN_FILES.c.place == place)).all()
        return {
            path: SeenFile(path=path, etag=etag, size=size, sha256=sha256, found=body)
            for path, etag, size, sha256, body in rows
        }

    def note_seen(self, place: str, file: SeenFile) -> None:
        """Keep what was seen in the place of what was seen before."""
        try:
            self._put_seen(place, file)
        except Clash:  # another scan looked at the same file in between; ours is newer
            self._put_seen(place, file)

    def _put_seen(self, place: str, file: SeenFile) -> None:
        told = file.model_dump(exclude={"found"}) | {"place": place, "at": self._clock(), "body": file.found}
        with self._writing() as connection:
            connection.execute(delete(SEEN_FILES).where(SEEN_FILES.c.place == place, SEEN_FILES.c.path == file.path))
            connection.execute(insert(SEEN_FILES).values(**told))

    def forget_seen(self, place: str, paths: set[str]) -> None:
        """Forget files that are no longer there."""
        with self._writing() as connection:
            for path in sorted(paths):
                gone = (SEEN_FILES.c.place == place, SEEN_FILES.c.path == path)
                connection.execute(delete(SEEN_FILES).where(*gone))
