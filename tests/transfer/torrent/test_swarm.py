"""Swarms of real libtorrent peers on loopback: no DHT, no tracker but our own."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil
import pytest

from isomanager.errors import Cancelled, ConfigurationError, Stalled
from isomanager.sample.folder import ServedFolder
from isomanager.sample.server import SampleServer
from isomanager.settings import Settings
from isomanager.storage.local import LocalStore
from isomanager.transfer.bandwidth import Hours, bandwidth_of
from isomanager.transfer.http import open_client
from isomanager.transfer.progress import silent
from isomanager.transfer.torrent.magnet import Magnet
from isomanager.transfer.torrent.metainfo import read_metainfo, wanted_file
from isomanager.transfer.torrent.session import session_settings
from isomanager.transfer.torrent.swarm import Swarm, Task
from peers import PIECE, make_torrent, seeding, tracking
from transfer.serving import Fetch

CONTENT = random.Random(7).randbytes(40 * PIECE + 1234)
NEVER = threading.Event()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    file = tmp_path / "seed" / "tiny.iso"
    file.parent.mkdir()
    file.write_bytes(CONTENT)
    return file


CLIENT = open_client(Settings())


def swarm_of(**settings: Any) -> Swarm:
    return Swarm(Settings(**settings), CLIENT)


@pytest.fixture
def swarm() -> Iterator[Swarm]:
    opened = swarm_of(torrent_patience=20)
    yield opened
    opened.close()


def task(torrent: bytes, folder: Path, **where: Any) -> Task:
    metainfo = read_metainfo(torrent, "tiny.torrent")
    return Task(metainfo, wanted_file(metainfo, "tiny.iso", None, "tiny.torrent"), folder, allow_private=True, **where)


def bring(swarm: Swarm, one: Task, stop: threading.Event = NEVER, progress: Any = silent, key: str = "key") -> Any:
    return swarm.fetch(one, key=key, progress=progress, stop=stop, told="tiny")


def test_a_file_comes_whole_from_a_peer(swarm: Swarm, image: Path, tmp_path: Path) -> None:
    torrent, moments = make_torrent(image), []
    with seeding(torrent, image.parent) as peer:
        wanted = task(torrent, tmp_path / "here", peers=(peer.address,))
        fetched = bring(swarm, wanted, progress=lambda done, total: moments.append((done, total)))
    assert wanted.file.read_bytes() == CONTENT
    assert (fetched.found, fetched.came >= len(CONTENT)) == (0, True)
    assert moments[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize("kind", ["v2_only", ""])
def test_newer_torrents_are_understood_too(kind: str, swarm: Swarm, image: Path, tmp_path: Path) -> None:
    torrent = make_torrent(image, kind=kind)
    with seeding(torrent, image.parent) as peer:
        wanted = task(torrent, tmp_path / "here", peers=(peer.address,))
        bring(swarm, wanted)
    assert wanted.file.read_bytes() == CONTENT


def test_peers_are_found_by_a_tracker(swarm: Swarm, image: Path, tmp_path: Path) -> None:
    torrent = make_torrent(image)
    with seeding(torrent, image.parent) as peer, tracking(peer.address) as tracker:
        wanted = task(torrent, tmp_path / "here", trackers=(tracker.url,))
        bring(swarm, wanted)
        assert tracker.announced
    assert wanted.file.read_bytes() == CONTENT


def test_a_magnet_tells_the_torrent_and_then_gives_the_file(swarm: Swarm, image: Path, tmp_path: Path) -> None:
    torrent = make_torrent(image)
    expected = read_metainfo(torrent, "tiny")
    with seeding(torrent, image.parent) as peer:
        found = swarm.metainfo(
            Magnet(expected.info_hash, peers=(peer.address,)),
            tmp_path / "meta",
            stop=NEVER,
            told="tiny",
            allow_private=True,
        )
        assert (found.info_hash, found.files, found.essence) == (expected.info_hash, expected.files, expected.essence)
        wanted = Task(found, wanted_file(found, "tiny.iso", None, "tiny"), tmp_path / "here", peers=(peer.address,))
        bring(swarm, wanted)
    assert wanted.file.read_bytes() == CONTENT
    assert not (tmp_path / "meta").exists()


@pytest.mark.parametrize("kind", ["v1_only", "v2_only", ""])
def test_only_the_image_of_a_torrent_with_more_is_fetched_and_no_name_of_it_is_used(
    kind: str, swarm: Swarm, image: Path, tmp_path: Path
) -> None:
    (image.parent / "tiny.iso.sig").write_bytes(b"signature")
    (image.parent / "zz-notes.txt").write_bytes(b"n" * 3 * PIECE)
    torrent = make_torrent(image.parent, kind=kind)
    with seeding(torrent, tmp_path) as peer:
        wanted = task(torrent, tmp_path / "here", peers=(peer.address,))
        bring(swarm, wanted)
    assert wanted.file.read_bytes() == CONTENT
    visible = {one.name for one in (tmp_path / "here").iterdir() if not one.name.startswith(".")}
    assert all(name == "image" or name.startswith("other-") for name in visible)
    assert not list((tmp_path / "here").rglob("*.txt"))


def test_a_peer_that_sends_other_bytes_gets_nothing_in(swarm: Swarm, image: Path, tmp_path: Path) -> None:
    torrent, bad = make_torrent(image), tmp_path / "bad"
    bad.mkdir()
    damaged = bytearray(CONTENT)
    for place in range(0, len(damaged), PIECE):
        damaged[place] ^= 1
    (bad / image.name).write_bytes(damaged)
    with seeding(torrent, bad) as liar, seeding(torrent, image.parent) as peer:
        wanted = task(torrent, tmp_path / "here", peers=(liar.address, peer.address))
        bring(swarm, wanted)
    assert wanted.file.read_bytes() == CONTENT


def test_a_swarm_of_liars_stalls_and_says_so(image: Path, tmp_path: Path) -> None:
    torrent = make_torrent(image)
    image.write_bytes(bytes(len(CONTENT)))
    swarm = swarm_of(torrent_patience=2)
    with seeding(torrent, image.parent) as liar, pytest.raises(Stalled, match="no new byte came within 2 s"):
        bring(swarm, task(torrent, tmp_path / "here", peers=(liar.address,)))
    swarm.close()


def test_a_swarm_without_peers_stalls_and_says_what_may_help(image: Path, tmp_path: Path) -> None:
    swarm = swarm_of(torrent_patience=1)
    with pytest.raises(Stalled) as stalled:
        bring(swarm, task(make_torrent(image), tmp_path / "here"))
    assert "no peers" in str(stalled.value)
    assert "torrent_patience" in stalled.value.hint
    with pytest.raises(Stalled, match="nobody tells what the torrent holds"):
        swarm.metainfo(Magnet("ab" * 20), tmp_path / "meta", stop=NEVER, told="tiny", allow_private=True)
    swarm.close()


def test_addresses_on_the_web_give_what_peers_do_not(swarm: Swarm, image: Path, tmp_path: Path) -> None:
    with SampleServer(ServedFolder(image.parent)) as server:
        wanted = task(make_torrent(image), tmp_path / "here", web_seeds=(f"{server.url}/tiny.iso",))
        fetched = bring(swarm, wanted)
    assert wanted.file.read_bytes() == CONTENT
    assert fetched.came >= len(CONTENT)


def test_a_stop_ends_it_within_a_second_and_the_next_run_goes_on(image: Path, tmp_path: Path) -> None:
    torrent, stop, swarm = make_torrent(image), threading.Event(), swarm_of()
    stopped: list[float] = []

    def enough(done: int, _total: int | None) -> None:
        if done > 8 * PIECE and not stop.is_set():
            stopped.append(monotonic())
            stop.set()

    with seeding(torrent, image.parent, upload_rate_limit=30 * PIECE) as peer:
        wanted = task(torrent, tmp_path / "here", peers=(peer.address,))
        with pytest.raises(Cancelled):
            bring(swarm, wanted, stop, enough)
        assert monotonic() - stopped[0] < 1
    swarm.close()
    again = swarm_of()
    with seeding(torrent, image.parent) as peer:
        fetched = bring(again, task(torrent, tmp_path / "here", peers=(peer.address,)))
    again.close()
    assert fetched.found > 0
    assert fetched.found + fetched.came >= len(CONTENT)
    assert fetched.came < len(CONTENT)
    assert wanted.file.read_bytes() == CONTENT


def test_what_lies_there_damaged_is_found_and_only_that_is_fetched(swarm: Swarm, image: Path, tmp_path: Path) -> None:
    torrent = make_torrent(image)
    with seeding(torrent, image.parent) as peer:
        wanted = task(torrent, tmp_path / "here", peers=(peer.address,))
        wanted.folder.mkdir()
        wanted.file.write_bytes(CONTENT[: 5 * PIECE] + b"!" + CONTENT[5 * PIECE + 1 :])
        fetched = bring(swarm, wanted)
    assert wanted.file.read_bytes() == CONTENT
    assert (fetched.found, fetched.came) == (len(CONTENT) - PIECE, PIECE)


def test_a_swarm_and_other_downloads_share_one_allowance(image: Path, tmp_path: Path) -> None:
    rate, large, stop = 15 * PIECE, tmp_path / "large" / "tiny.iso", threading.Event()
    large.parent.mkdir()
    large.write_bytes(bytes(200 * PIECE))
    torrent, settings = make_torrent(large), Settings(bandwidth=rate)
    with (
        open_client(settings) as client,
        seeding(torrent, large.parent) as peer,
        SampleServer(ServedFolder(image.parent)) as server,
        ThreadPoolExecutor(1) as beside,
    ):
        swarm = Swarm(settings, client)
        bringing = beside.submit(bring, swarm, task(torrent, tmp_path / "here", peers=(peer.address,)), stop)
        wait_until(lambda: peer.uploaded > PIECE)
        before, began = peer.uploaded, monotonic()
        fetched = Fetch(LocalStore(tmp_path / "store"), client)(f"{server.url}/tiny.iso")
        came, took = fetched.size + peer.uploaded - before, monotonic() - began
        stop.set()
        with pytest.raises(Cancelled):
            bringing.result()
        swarm.close()
    assert came < rate * (took + 1)  # half a second may be saved up, and some is on its way


def wait_until(reached: Callable[[], bool]) -> None:
    until = monotonic() + 60
    while not reached():
        assert monotonic() < until
        sleep(0.05)


def test_what_a_swarm_brings_is_held_to_the_limit_of_a_source(image: Path, tmp_path: Path) -> None:
    torrent, settings = make_torrent(image), Settings(bandwidth_per_source=20 * PIECE)
    with open_client(settings) as client, seeding(torrent, image.parent) as peer:
        swarm, began = Swarm(settings, client), monotonic()
        bring(swarm, task(torrent, tmp_path / "here", peers=(peer.address,)))
        assert monotonic() - began > 1
        swarm.close()


def test_when_quiet_hours_end_a_swarm_goes_on(image: Path, tmp_path: Path) -> None:
    torrent, over = make_torrent(image), threading.Event()
    settings = Settings(torrent_patience=20)
    with open_client(settings) as client, seeding(torrent, image.parent) as peer:
        allowance = bandwidth_of(client)
        allowance.hours = (Hours(time(8), time(18), 0),)
        allowance.now = lambda: datetime(2026, 11, 28, 18 if over.is_set() else 12)  # noqa: DTZ001 - the user's time of day
        swarm = Swarm(settings, client)
        threading.Timer(1, over.set).start()
        bring(swarm, task(torrent, tmp_path / "here", peers=(peer.address,)))
        assert over.is_set()
        swarm.close()


def test_in_hours_in_which_nothing_may_come_nothing_does_and_that_is_no_stall(image: Path, tmp_path: Path) -> None:
    torrent, stop = make_torrent(image), threading.Event()
    settings = Settings(quiet_hours={"00:00-24:00": 0}, torrent_patience=0.2)
    with open_client(settings) as client, seeding(torrent, image.parent) as peer:
        swarm = Swarm(settings, client)
        threading.Timer(2, stop.set).start()
        with pytest.raises(Cancelled):
            bring(swarm, task(torrent, tmp_path / "here", peers=(peer.address,)), stop)
        assert peer.uploaded < len(CONTENT) // 2
        swarm.close()


def sockets() -> set[tuple[str, int]]:
    found = psutil.Process().net_connections(kind="inet")
    return {(one.laddr.ip, one.laddr.port) for one in found if one.status in ("LISTEN", "NONE")}


def test_nothing_listens_unless_asked(image: Path, tmp_path: Path) -> None:
    before, torrent, swarm = sockets(), make_torrent(image), swarm_of(torrent_patience=1)
    with pytest.raises(Stalled):
        bring(swarm, task(torrent, tmp_path / "here"))
    assert sockets() <= before
    swarm.close()
    asked = swarm_of(torrent_listen="127.0.0.1:0", torrent_patience=1)
    with pytest.raises(Stalled):
        bring(asked, task(torrent, tmp_path / "there"))
    assert {host for host, _ in sockets() - before} == {"127.0.0.1"}
    asked.close()


def test_ways_of_finding_peers_are_off_and_need_a_port() -> None:
    plain = session_settings(Settings())
    assert not any(plain[f"enable_{name}"] for name in ("dht", "lsd", "upnp", "natpmp", "incoming_tcp", "incoming_utp"))
    assert plain["listen_interfaces"] == ""
    for name in ("torrent_dht", "torrent_lsd", "torrent_port_mapping"):
        with pytest.raises(ConfigurationError, match=name):
            session_settings(Settings(**{name: True}))
    asked = Settings(torrent_listen="127.0.0.1:6881", torrent_dht=True, torrent_lsd=True, torrent_port_mapping=True)
    assert all(session_settings(asked)[f"enable_{name}"] for name in ("dht", "lsd", "upnp", "natpmp", "incoming_tcp"))
    limited = session_settings(Settings(torrent_download_limit=5, torrent_upload_limit=6, torrent_connections=7))
    told = [limited[f"{name}_limit"] for name in ("download_rate", "upload_rate", "connections")]
    assert told == [5, 6, 7]


@pytest.mark.parametrize("listen", ["999.1.1.1:6881", "0.0.0.0", "127.0.0.1:99999", "[::g]:6881", "::1:6881", "6881"])
def test_what_cannot_be_listened_on_is_said(listen: str) -> None:
    with pytest.raises(ConfigurationError, match="torrent_listen"):
        session_settings(Settings(torrent_listen=listen))


@pytest.mark.parametrize("listen", ["0.0.0.0:6881,[::]:6881", "eth0:6881", "127.0.0.1:0", " [fe80::1%eth0]:6881 ", ""])
def test_addresses_with_a_port_are_listened_on(listen: str) -> None:
    assert session_settings(Settings(torrent_listen=listen))["listen_interfaces"] == listen


def leech(torrent: bytes, folder: Path, peer: tuple[str, int]) -> None:
    taker = swarm_of(torrent_patience=20)
    bring(taker, task(torrent, folder, peers=(peer,)))
    taker.close()


def test_what_is_proved_is_given_on_until_the_ratio_is_reached(image: Path, tmp_path: Path) -> None:
    torrent = make_torrent(image)
    giver = swarm_of(torrent_listen="127.0.0.1:0", torrent_seed_ratio=1, torrent_patience=20)
    with seeding(torrent, image.parent) as peer:
        bring(giver, task(torrent, tmp_path / "here", peers=(peer.address,)))
    assert giver.seeds.holds("key")
    giver.seeds.release("key")
    port = giver.listen_port
    over = threading.Thread(target=giver.seeds.give, args=(NEVER,))
    over.start()
    leech(torrent, tmp_path / "taker", ("127.0.0.1", port))
    over.join(60)
    assert not over.is_alive()
    assert (tmp_path / "taker" / "image").read_bytes() == CONTENT
    assert not giver.seeds.holds("key")
    giver.close()


def test_giving_ends_with_its_time_and_its_files_with_it(image: Path, tmp_path: Path) -> None:
    torrent = make_torrent(image)
    giver = swarm_of(torrent_seed_minutes=0.01, torrent_patience=20)
    with seeding(torrent, image.parent) as peer:
        bring(giver, task(torrent, tmp_path / "here", peers=(peer.address,)))
    giver.seeds.release("key")
    began = monotonic()
    giver.seeds.give(NEVER)
    assert monotonic() - began >= 0.5
    assert not (tmp_path / "here").exists()
    giver.close()


def test_what_was_never_proved_is_never_given_and_a_stop_ends_giving(image: Path, tmp_path: Path) -> None:
    torrent, stop = make_torrent(image), threading.Event()
    giver = swarm_of(torrent_listen="127.0.0.1:0", torrent_seed_minutes=60, torrent_patience=20)
    with seeding(torrent, image.parent) as peer:
        bring(giver, task(torrent, tmp_path / "here", peers=(peer.address,)))
    taker = swarm_of(torrent_patience=1)
    with pytest.raises(Stalled):
        bring(taker, task(torrent, tmp_path / "taker", peers=(("127.0.0.1", giver.listen_port),)))
    taker.close()
    began = monotonic()
    giver.seeds.release("key")
    stop.set()
    giver.seeds.give(stop)
    assert monotonic() - began < 10
    assert not giver.seeds.holds("key")
    giver.close()
