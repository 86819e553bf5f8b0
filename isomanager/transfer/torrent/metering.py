"""Holding a torrent to what all downloads may bring together: what came is paid for, and until it is, nothing more comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isomanager.transfer.bandwidth import Bandwidth
from isomanager.transfer.progress import Stop

if TYPE_CHECKING:
    import libtorrent

_CLOSED = 1
"""Bytes a second that stand for none: libtorrent's 0 is no limit."""


def opening_limit(allowance: Bandwidth) -> int:
    """Bytes a second for a torrent that begins now, as libtorrent takes them."""
    return _CLOSED if not allowance.free and allowance.owed("") > 0 else allowance.most or 0


class Meter:
    """One torrent's: its swarm is one source, and draws from the same allowance as every other."""

    def __init__(self, handle: libtorrent.torrent_handle, allowance: Bandwidth, source: str) -> None:
        self._handle, self._allowance, self._source = handle, allowance, source
        self._paid, self._limit = 0, opening_limit(allowance)

    def look(self, came: int, stop: Stop) -> float:
        """Pay for the bytes that came, `came` of them since the torrent was begun; seconds until more may come, 0 when it may.

        Waits, with nothing coming, for a rate that other processes share.
        """
        if self._allowance.free:
            return 0.0
        fresh, self._paid = came - self._paid, came
        self._allowance.take(self._source, fresh)
        if self._allowance.shared is not None:
            self._set(_CLOSED)
            self._allowance.pay_shared(fresh, stop)
        owed = self._allowance.owed(self._source)
        self._set(_CLOSED if owed > 0 else self._allowance.most or 0)
        return max(owed, 0.0)

    def _set(self, limit: int) -> None:
        if limit != self._limit:
            self._handle.set_download_limit(limit)
            self._limit = limit
