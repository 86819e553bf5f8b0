"""`isomanager download --torrent`: the real command, real peers, and what a person is told when it cannot be."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from command import Isomanager
from peers import PIECE, Peer, make_torrent, seeding, tracking

IMAGE = random.Random(12).randbytes(60 * PIECE + 99)
SHA256 = hashlib.sha256(IMAGE).hexdigest()


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "own.iso").write_bytes(IMAGE)
    return folder


@pytest.fixture
def torrent(seeds: Path) -> bytes:
    return make_torrent(seeds / "own.iso")


@pytest.fixture
def peer(seeds: Path, torrent: bytes) -> Iterator[Peer]:
    with seeding(torrent, seeds) as running:
        yield running


def magnet(peer: Peer) -> str:
    host, port = peer.address
    return f"magnet:?xt=urn:btih:{peer.handle.info_hash()}&dn=own.iso&x.pe={host}:{port}"


def test_a_magnet_becomes_a_proved_file(here: Isomanager, peer: Peer, tmp_path: Path) -> None:
    told = here(
        "download", "--torrent", magnet(peer), "--sha256", SHA256, "--to", tmp_path / "own.iso", "--json"
    ).well()
    assert (told.json["sha256"], told.json["assurance"]) == (SHA256, "pinned")
    assert told.json["url"] == f"urn:btih:{peer.handle.info_hash()}"
    assert (tmp_path / "own.iso").read_bytes() == IMAGE
    wrong = here("download", "--torrent", magnet(peer), "--sha256", "0" * 64, "--to", tmp_path / "other.iso", "--json")
    assert (wrong.code, wrong.json["error"]) == (1, "wrong-digest")
    assert not (tmp_path / "other.iso").exists()


def test_what_a_killed_download_had_is_checked_and_kept(
    isomanager: Isomanager, isomanager_command: list[str], seeds: Path, torrent: bytes, tmp_path: Path
) -> None:
    target, words = tmp_path / "own.iso", ["--sha256", SHA256, "--to", str(tmp_path / "own.iso"), "--json"]
    with tracking() as tracker:
        with seeding(torrent, seeds, upload_rate_limit=15 * PIECE) as slow:
            tracker.peers[:] = [slow.address]
            address = f"magnet:?xt=urn:btih:{slow.handle.info_hash()}&dn=own.iso&tr={tracker.url}"
            line = [*isomanager_command, "download", "--torrent", address, *words]
            process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
            until = monotonic() + 120
            while slow.uploaded < 20 * PIECE and monotonic() < until and process.poll() is None:
                sleep(0.02)
            process.kill()
            process.wait()
        assert not target.exists()
        with seeding(torrent, seeds) as quick:
            tracker.peers[:] = [quick.address]
            told = isomanager("download", "--torrent", address, *words).well()
            assert quick.uploaded < len(IMAGE)
    assert told.json["resumed_at"] > 0
    assert target.read_bytes() == IMAGE


def test_without_libtorrent_a_person_is_told_what_to_install(
    here: Isomanager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "libtorrent", None)  # as if it were not installed
    told = here("download", "--torrent", "ab" * 20, "--to", tmp_path / "x.iso", "--json")
    assert (told.code, told.json["error"]) == (2, "no-libtorrent")
    assert "pip install 'isomanager[torrent]'" in told.json["hint"]


def test_what_upstream_gives_only_as_a_torrent_is_said_to_be_so_and_resolved_on_request(
    here: Isomanager, tmp_path: Path
) -> None:
    page = tmp_path / "index.html"
    name = "kali-linux-2026.3-live-amd64.iso"
    page.write_text(f'<title>Index of /current/</title><a href="{name}.torrent">t</a>')
    url = "https://cdimage.kali.org/current/"
    asked = ["catalogue", "resolve", "kali/live", "--offline", "--json", "--document", f"{url}={page}"]
    told = here(*asked)
    assert (told.code, told.json["error"]) == (1, "torrent-only")
    assert told.json["data"]["torrents"] == [f"{url}{name}.torrent"]
    answer = here(*asked, "--torrent").json
    assert (answer["filename"], answer["url"], answer["torrent"]) == (name, None, f"{url}{name}.torrent")
    assert f"{url}SHA256SUMS" in answer["refused"]["lacking"]
