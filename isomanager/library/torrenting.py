"""Torrent: an image from a swarm, into local staging; from there it goes on, and is held against its evidence, like any other.

A torrent's own hashes keep damaged pieces out and prove nothing of the image: whoever wrote the .torrent chose them.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from isomanager.errors import FetchRefused
from isomanager.library.opening import Library
from isomanager.library.torrent_stage import TorrentStage
from isomanager.model import Digests, Expectation, Family, Offer, Received, Torrent
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.documents import HttpDocuments
from isomanager.transfer.download import Request
from isomanager.transfer.policy import FetchPolicy, reaches_private
from isomanager.transfer.progress import Progress, Stop
from isomanager.transfer.storing import file_pieces
from isomanager.transfer.torrent.magnet import Magnet, is_magnet, read_magnet
from isomanager.transfer.torrent.metainfo import MAX_TORRENT_BYTES, Metainfo, read_metainfo, wanted_file
from isomanager.transfer.torrent.presence import is_installed, require_possible
from isomanager.transfer.torrent.session import SEED_SCHEMES, TRACKER_SCHEMES, allowed_addresses
from isomanager.transfer.torrent.swarm import Task
from isomanager.trust.urls import without_secrets

_log = logging.getLogger(__name__)


def wants_torrent(library: Library, expectation: Expectation) -> bool:
    """Whether a torrent is to be tried first: always where there is no other way or a person named one; else if it is preferred,
    and there is something to hold the bytes against."""
    torrent, setting = expectation.offer.torrent, library.settings.torrent
    if torrent is None:
        return False
    if torrent.asked or not expectation.offer.urls:
        return True
    provable = bool(expectation.digests) or expectation.file_signature is not None
    found = bool(torrent.url) or library.settings.torrent_dht
    return setting == "preferred" and provable and found and is_installed()


@contextmanager
def by_torrent(
    library: Library,
    expectation: Expectation,
    request: Request,
    progress: Progress,
    stop: Stop,
    *,
    prepare: Callable[[Path], None] | None = None,
) -> Iterator[tuple[Path, Received]]:
    """The file of the torrent in the staging folder, and what was taken of it there; it is gone after the block, unless it is
    to be given to others. `prepare` may lay down what there is of the file already; only its bad pieces are fetched then.

    Raises FetchRefused when the torrent is not of that image, Stalled when its swarm gives nothing within the patience of the
    settings, ConfigurationError when there is nothing that speaks BitTorrent; Cancelled, StoreError.
    """
    torrent = _usable(library, expectation.offer)
    told = _told(torrent)
    task = _task(library, expectation, request, torrent, stop)
    with _room_for(library, task, request.final):
        if prepare is not None:
            prepare(task.file)
        fetched = library.swarm.fetch(task, key=request.key, progress=progress, stop=stop, told=told)
    try:
        digests = digests_of(file_pieces(task.file), request.algorithms)
        _refuse_another_image(expectation, digests, told)
        _log.info("%s: %d bytes from %s, %d were there", request.final, fetched.came, told, fetched.found)
        keep_metainfo(library, digests["sha256"], task.metainfo.content)
        yield (
            task.file,
            Received(partial=request.key, size=task.wanted.size, digests=digests, url=told, resumed_at=fetched.found),
        )
    finally:
        if not library.swarm.seeds.holds(request.key):
            shutil.rmtree(task.folder, ignore_errors=True)


@contextmanager
def _room_for(library: Library, task: Task, name: str) -> Iterator[None]:
    """Room in the staging folder for what of the file is not there yet, and the folder for it."""
    stage, size = _stage(library), task.wanted.size
    with library.space.reserved(stage, task.folder.name, f"{name} by torrent", size, library.now()):
        stage.folder(task.folder.name, size)
        yield


def _task(library: Library, expectation: Expectation, request: Request, torrent: Torrent, stop: Stop) -> Task:
    policy = _widened(request.policy, user_policy(torrent))
    metainfo, magnet = obtain(library, torrent, policy, stop)
    filename = "" if expectation.offer.title.family is Family.CUSTOM else expectation.offer.filename
    wanted = wanted_file(metainfo, filename, expectation.size, _told(torrent))
    return Task(
        metainfo,
        wanted,
        _stage(library).root / f"{request.key}-{metainfo.info_hash[:16]}",
        trackers=allowed_addresses((*metainfo.trackers, *magnet.trackers), policy, TRACKER_SCHEMES),
        web_seeds=allowed_addresses((*metainfo.web_seeds, *request.urls), policy, SEED_SCHEMES),
        peers=magnet.peers,
        allow_private=policy.allow_private,
    )


def _usable(library: Library, offer: Offer) -> Torrent:
    if offer.torrent is None:
        raise FetchRefused(f"{offer.filename} has no torrent.", code="bad-data")
    require_possible(library.settings, offer.filename)
    return offer.torrent


def _told(torrent: Torrent) -> str:
    """The torrent without secrets: a tracker's pass key may stand in a magnet link."""
    if torrent.url and not is_magnet(torrent.url):
        return without_secrets(torrent.url)
    return f"urn:btih:{read_magnet(torrent.url or torrent.info_hash).info_hash}"


def _widened(policy: FetchPolicy, more: FetchPolicy) -> FetchPolicy:
    return FetchPolicy(policy.allow_http or more.allow_http, policy.allow_private or more.allow_private)


def user_policy(torrent: Torrent) -> FetchPolicy:
    """What a torrent that a person named needs: private networks may be reached if it was taken from there, or is here."""
    near = not torrent.url or is_magnet(torrent.url) or reaches_private(urlsplit(torrent.url).hostname or "")
    here = torrent.asked and near
    return FetchPolicy(allow_http=torrent.asked and torrent.url.lower().startswith("http://"), allow_private=here)


def obtain(library: Library, torrent: Torrent, policy: FetchPolicy, stop: Stop) -> tuple[Metainfo, Magnet]:
    """What the torrent holds, kept from earlier, or fetched from its address, or asked of its swarm; and what its link says."""
    told = _told(torrent)
    link = torrent.url if is_magnet(torrent.url) else ""
    magnet = read_magnet(link or torrent.info_hash) if link or torrent.info_hash else Magnet("")
    kept = kept_metainfo(library, magnet.info_hash)
    if kept is not None:
        return kept, magnet
    if torrent.url and not link:
        document = HttpDocuments(library.client, policy).fetch(torrent.url, max_bytes=MAX_TORRENT_BYTES)
        found = read_metainfo(document.content, told)
    else:
        trackers = allowed_addresses(magnet.trackers, policy, TRACKER_SCHEMES)
        asked = Magnet(magnet.info_hash, magnet.name, trackers, magnet.peers)
        found = library.swarm.metainfo(
            asked, _stage(library).root, stop=stop, told=told, allow_private=policy.allow_private
        )
    if magnet.info_hash not in ("", found.info_hash):
        raise FetchRefused(f"{told} is another torrent than the one that is listed.", code="bad-data", url=told)
    if magnet.info_hash:
        keep_metainfo(library, found.info_hash, found.content)  # the next run need not ask for it again
    return found, magnet


def keep_metainfo(library: Library, name: str, content: bytes) -> None:
    """Remember a .torrent under its info hash or its image's SHA-256: a copy that decays is mended by its pieces."""
    folder = library.settings.data_folder / "torrents"
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{name}.new"
    fresh.write_bytes(content)
    fresh.replace(folder / f"{name}.torrent")


def kept_metainfo(library: Library, name: str) -> Metainfo | None:
    """What was remembered under `name`, None when nothing was, or it can no longer be read."""
    file = library.settings.data_folder / "torrents" / f"{name}.torrent"
    if not name or not file.is_file():
        return None
    try:
        return read_metainfo(file.read_bytes(), file.name)
    except FetchRefused as damaged:
        _log.warning("%s is passed over: %s", file, damaged.message)
        return None


def _stage(library: Library) -> TorrentStage:
    return TorrentStage(library.settings.data_folder / "staging" / "torrents")


def let_go_of(library: Library, key: str) -> None:
    """Remove what a torrent left in the staging folder for the image of that key: it came in another way."""
    for folder in (library.settings.data_folder / "staging" / "torrents").glob(f"{key}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_another_image(expectation: Expectation, taken: Digests, told: str) -> None:
    """A torrent of other bytes than the evidence demands speaks against the torrent, not against the image at its addresses."""
    wrong = [name for name, digest in expectation.digests.items() if taken.get(name) != digest]
    if wrong and expectation.offer.urls:
        name = expectation.offer.filename
        raise FetchRefused(f"{told} is a torrent of other bytes than those of {name}.", code="bad-data", url=told)
