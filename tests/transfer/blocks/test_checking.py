"""Which blocks are good: at their own places, whatever happened to the rest of the file."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from isomanager.errors import Cancelled
from isomanager.transfer.blocks.checking import good_blocks, torrent_matches
from isomanager.transfer.blocks.segments import MISSING, ReadAt
from isomanager.transfer.torrent.metainfo import read_metainfo, wanted_file
from peers import PIECE, make_torrent

CONTENT = bytes(range(251)) * 2000
NEVER = threading.Event()


def reading(content: bytes) -> ReadAt:
    return lambda start, length: content[start : start + length]


def by_digest(number: int, content: bytes) -> bool:
    return hashlib.sha256(content).digest() == hashlib.sha256(CONTENT[number * 1000 : number * 1000 + 1000]).digest()


def good_of(content: bytes) -> list[int]:
    found = good_blocks(reading(content), len(CONTENT), 1000, by_digest, stop=NEVER)
    assert len(found) == 502
    return [number for number, at in enumerate(found) if at != MISSING]


def test_only_blocks_that_are_whole_and_in_their_place_are_good() -> None:
    everything = list(range(502))
    assert good_of(CONTENT) == everything
    assert good_of(CONTENT + b"more") == everything
    assert good_of(CONTENT[:3000] + b"!" + CONTENT[3001:]) == [one for one in everything if one != 3]
    assert good_of(CONTENT[:5500]) == [0, 1, 2, 3, 4]
    assert good_of(b"") == []
    assert good_of(b"x" + CONTENT) == []


def test_a_stop_ends_the_looking() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        good_blocks(reading(CONTENT), len(CONTENT), 1000, by_digest, stop=stop)


@pytest.mark.parametrize("beside", [False, True])
def test_a_torrent_s_pieces_judge_the_file_and_shared_pieces_count_as_bad(beside: bool, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "b.iso").write_bytes(CONTENT)
    if beside:
        (folder / "a.txt").write_bytes(b"a" * 100)
        (folder / "c.txt").write_bytes(b"c" * 100)
    metainfo = read_metainfo(make_torrent(folder if beside else folder / "b.iso"), "t")
    wanted = wanted_file(metainfo, "b.iso", None, "t")
    first, matches = torrent_matches(metainfo, wanted)
    assert first == (wanted.offset % PIECE if beside else 0)
    damaged = bytearray(CONTENT)
    damaged[3 * PIECE + 5] ^= 1
    found = good_blocks(reading(bytes(damaged)), len(CONTENT), PIECE, matches, stop=NEVER, first=first)
    bad = [number for number, at in enumerate(found) if at == MISSING]
    hurt = (3 * PIECE + 5 + first) // PIECE
    shared = {0} if first else set()
    assert bad == sorted({*shared, hurt, len(found) - 1} if beside else {hurt})
