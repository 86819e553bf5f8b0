"""A swarm: one libtorrent session a process, and the torrents that it fetches and gives to others.

Pieces are checked against the torrent's hashes before they count, and a peer that sends others is banned by libtorrent. That
keeps bad bytes out; it proves nothing of the image, which is held against its evidence like any other.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

import httpx

from isomanager.errors import Cancelled, Stalled, StoreError
from isomanager.settings import Settings
from isomanager.transfer.bandwidth import bandwidth_of
from isomanager.transfer.progress import Progress, Stop
from isomanager.transfer.torrent.announcing import Announcer
from isomanager.transfer.torrent.magnet import Magnet
from isomanager.transfer.torrent.metainfo import Contained, Metainfo, read_metainfo
from isomanager.transfer.torrent.metering import Meter, opening_limit
from isomanager.transfer.torrent.seeding import Seeds
from isomanager.transfer.torrent.session import open_session

if TYPE_CHECKING:
    import libtorrent

_POLL_SECONDS = 0.2
_FLUSH_SECONDS = 120.0


IMAGE = "image"
"""What the file is called in its folder. The torrent's own names are never used as paths."""


@dataclass(frozen=True)
class Task:
    """What to fetch: one file of a torrent into a folder of its own, and where its swarm may be met.

    `web_seeds` are addresses of that very file, `peers` hosts and ports known beforehand; `allow_private` lets trackers name
    peers in private networks.
    """

    metainfo: Metainfo
    wanted: Contained
    folder: Path
    trackers: tuple[str, ...] = ()
    web_seeds: tuple[str, ...] = ()
    peers: tuple[tuple[str, int], ...] = ()
    allow_private: bool = False

    @property
    def file(self) -> Path:
        """Where the file is."""
        return self.folder / IMAGE


@dataclass(frozen=True)
class Fetched:
    """What came: how many bytes of the file were there at the beginning, and how many came from peers and web seeds."""

    found: int
    came: int
    seconds: float


class Swarm:
    """Opened when first needed. Safe to use from several threads."""

    def __init__(self, settings: Settings, client: httpx.Client) -> None:
        self._settings, self._client = settings, client
        self._session = open_session(settings)
        self._lock = threading.Lock()
        self._allowance = bandwidth_of(client)
        self._told: defaultdict[str, set[str]] = defaultdict(set)
        self.seeds = Seeds(settings, self._remove)

    def metainfo(self, magnet: Magnet, folder: Path, *, stop: Stop, told: str, allow_private: bool) -> Metainfo:
        """What the magnet's swarm says the torrent is. Stalled when nobody says so within the patience of the settings."""
        import libtorrent

        params = libtorrent.parse_magnet_uri(magnet.address)
        params.save_path = str(folder)
        params.flags |= libtorrent.torrent_flags.default_dont_download
        with (
            self._added(params, magnet.peers, magnet.trackers) as handle,
            self._announcing(magnet.trackers, magnet.info_hash, handle, allow_private),
        ):
            self._wait(handle, lambda status: status.has_metadata, lambda _status: 0, stop, told)
            info = handle.torrent_file()
            assert info is not None  # noqa: S101 - has_metadata says so
            content = b"d4:info" + bytes(info.info_section()) + b"e"
        return read_metainfo(content, told)

    def fetch(self, task: Task, *, key: str, progress: Progress, stop: Stop, told: str) -> Fetched:
        """Bring the whole wanted file into the task's folder; what an earlier run left there is checked and kept.

        Where the settings ask for seeding, it is then kept for that under `key`. Raises Stalled when no new byte
        comes within the patience of the settings, Cancelled soon after `stop` says so, StoreError when the disk refuses.
        """
        started, found = monotonic(), -1
        handle = self._add(self._params(task), task.peers, task.trackers)

        def advanced(status: libtorrent.torrent_status) -> int:
            nonlocal found
            if _is_checking(status):
                return -1
            found = status.total_wanted_done if found < 0 else found
            progress(status.total_wanted_done, task.wanted.size)
            return int(status.total_wanted_done)

        try:
            with self._announcing(task.trackers, task.metainfo.info_hash, handle, task.allow_private):
                self._wait(handle, _is_whole, advanced, stop, told)
            status = handle.status()
            self._flush(handle, stop, told)
        except BaseException:
            self._remove(handle)
            raise
        self._keep(key, handle, task)
        return Fetched(max(found, 0), int(status.total_payload_download), monotonic() - started)

    def _keep(self, key: str, handle: libtorrent.torrent_handle, task: Task) -> None:
        """Keep it for giving, paused until its image is proved; or let it go at once."""
        if self.seeds.are_wanted:
            self.seeds.keep(key, handle, task.wanted.size, task.folder)
        else:
            self._remove(handle)

    def _params(self, task: Task) -> libtorrent.add_torrent_params:
        import libtorrent

        params = libtorrent.load_torrent_buffer(task.metainfo.essence)
        info = params.ti
        assert info is not None  # noqa: S101 - the buffer held one
        layout, count = info.layout(), info.num_files()
        is_wanted = [  # by its place: libtorrent counts the padding between files of version 2 too
            (layout.file_offset(one), layout.file_size(one)) == (task.wanted.offset, task.wanted.size)
            for one in range(count)
        ]
        params.save_path = str(task.folder)
        params.renamed_files = {one: "image" if is_wanted[one] else f"other-{one}" for one in range(count)}
        params.file_priorities = [4 if wanted else 0 for wanted in is_wanted]
        params.url_seeds = list(task.web_seeds) if task.metainfo.is_single else []
        return params

    def _add(
        self, params: libtorrent.add_torrent_params, peers: tuple[tuple[str, int], ...], trackers: tuple[str, ...]
    ) -> libtorrent.torrent_handle:
        import libtorrent

        flags = libtorrent.torrent_flags
        params.trackers = list(trackers) if self._settings.torrent_listen else []
        params.flags &= ~(flags.paused | flags.auto_managed)
        params.flags |= flags.duplicate_is_error
        if not self._settings.torrent_dht:
            params.flags |= flags.disable_dht
        if not self._settings.torrent_lsd:
            params.flags |= flags.disable_lsd
        params.download_limit = opening_limit(self._allowance)
        handle = self._session.add_torrent(params)
        for peer in peers:
            handle.connect_peer(peer)
        return handle

    @contextmanager
    def _added(
        self, params: libtorrent.add_torrent_params, peers: tuple[tuple[str, int], ...], trackers: tuple[str, ...]
    ) -> Iterator[libtorrent.torrent_handle]:
        handle = self._add(params, peers, trackers)
        try:
            yield handle
        finally:
            self._remove(handle)

    def _announcing(
        self, trackers: tuple[str, ...], info_hash: str, handle: libtorrent.torrent_handle, allow_private: bool
    ) -> Announcer:
        """Ask the trackers while the block lasts; where there is a port of our own, libtorrent does, and tells them of it."""
        asked = () if self._settings.torrent_listen else trackers
        return Announcer(asked, info_hash, handle.connect_peer, self._client, allow_private=allow_private)

    def _remove(self, handle: libtorrent.torrent_handle) -> None:
        with suppress(RuntimeError):  # it is gone already
            self._session.remove_torrent(handle)

    def _wait(
        self,
        handle: libtorrent.torrent_handle,
        done: Callable[[libtorrent.torrent_status], bool],
        advanced: Callable[[libtorrent.torrent_status], int],
        stop: Stop,
        told: str,
    ) -> None:
        """Until `done`; `advanced` tells a number that grows while all is well."""
        furthest, since = -1, monotonic()
        meter = Meter(handle, self._allowance, f"torrent://{handle.info_hashes().get_best()}")
        while True:
            self._hear()
            status = handle.status()
            _raise_errors(status, told)
            owed = meter.look(int(status.total_payload_download), stop)
            reached = advanced(status)
            if done(status):
                return
            # reading what is there is no stall, and neither is a while in which nothing may come
            if reached > furthest or _is_checking(status) or owed:
                furthest, since = max(reached, furthest), monotonic()
            if stop.is_set():
                raise Cancelled(f"{told}: stopped; the next run goes on from what is there.", url=told)
            if monotonic() - since > self._settings.torrent_patience:
                raise _stalled(status, told, self._settings.torrent_patience)
            pause = min(owed or _POLL_SECONDS, _POLL_SECONDS)
            self._session.wait_for_alert(int(pause * 1000))
            sleep(pause / 4)

    def _flush(self, handle: libtorrent.torrent_handle, stop: Stop, told: str) -> None:
        """Wait until every byte can be read from the file."""
        name = str(handle.info_hashes().get_best())
        until = monotonic() + _FLUSH_SECONDS
        with self._lock:
            self._told[name].discard("cache_flushed_alert")
        handle.flush_cache()
        while monotonic() < until and not stop.is_set():
            self._session.wait_for_alert(int(_POLL_SECONDS * 1000))
            self._hear()
            if "cache_flushed_alert" in self._told[name]:
                return
        if stop.is_set():
            raise Cancelled(f"{told}: stopped; the next run goes on from what is there.", url=told)
        raise StoreError(f"{told}: its bytes could not be written within {_FLUSH_SECONDS:.0f} s.", code="no-space")

    def _hear(self) -> None:
        """Note what the session says: its alerts are for every thread, and told once."""
        with self._lock:
            for alert in self._session.pop_alerts():
                handle = getattr(alert, "handle", None)
                if handle is not None and handle.is_valid():
                    self._told[str(handle.info_hashes().get_best())].add(type(alert).__name__)

    @property
    def listen_port(self) -> int:
        """The port at which peers may connect; 0 when there is none."""
        return int(self._session.listen_port())

    def close(self) -> None:
        """End everything. Nothing is listened on, and nobody asked, after this."""
        self.seeds.close()
        self._session.pause()
        del self._session


def _is_checking(status: libtorrent.torrent_status) -> bool:
    return status.state in (status.states.checking_files, status.states.checking_resume_data)


def _is_whole(status: libtorrent.torrent_status) -> bool:
    return not _is_checking(status) and status.is_finished and status.total_wanted_done == status.total_wanted


def _raise_errors(status: libtorrent.torrent_status, told: str) -> None:
    if status.errc.value():
        said = status.errc.message()
        code = "no-space" if "space" in said.lower() else "no-permission"
        raise StoreError(f"{told}: the torrent's file cannot be written ({said}).", code=code)


def _stalled(status: libtorrent.torrent_status, told: str, patience: float) -> Stalled:
    """What a person needs to know of a swarm that gives nothing."""
    peers = f"{status.num_peers} peers" if status.num_peers else "no peers"
    what = "nobody tells what the torrent holds" if not status.has_metadata else "no new byte came"
    return Stalled(
        f"{told}: {what} within {patience:.0f} s, from {peers}.",
        hint="The setting torrent_patience says how long to wait; a tracker, torrent_dht or an address on the web may help.",
        url=told,
    )
