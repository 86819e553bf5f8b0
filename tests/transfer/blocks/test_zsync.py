"""The .zsync format, as the real zsyncmake writes it; and hostile ones."""

from __future__ import annotations

import random
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from isomanager.errors import Cancelled, FetchRefused
from isomanager.transfer.blocks.checking import good_blocks
from isomanager.transfer.blocks.matching import SECTOR, find_blocks
from isomanager.transfer.blocks.segments import MISSING, Places, nowhere
from isomanager.transfer.blocks.zsync import BlockSums, md4, read_zsync, zsync_matches

CONTENT = random.Random(3).randbytes(300 * 2048 + 77)
NEVER = threading.Event()

Sums = Callable[..., BlockSums]


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., bytes]:
    def make(content: bytes, block: int = 2048) -> bytes:
        file = tmp_path / "x.iso"
        file.write_bytes(content)
        line = ["zsyncmake", "-b", str(block), "-u", "x.iso", "-o", f"{file}.zsync", str(file)]
        subprocess.run(line, check=True, capture_output=True)
        return Path(f"{file}.zsync").read_bytes()

    return make


@pytest.fixture
def sums(made: Callable[..., bytes]) -> Sums:
    return lambda content=CONTENT, block=2048: read_zsync(made(content, block), "x")


def found(of: BlockSums, old: bytes, stride: int = SECTOR) -> Places:
    places = nowhere(of.count)
    find_blocks(
        of, lambda start, length: old[start : start + length], len(old), places=places, stop=NEVER, stride=stride
    )
    return places


def test_md4_is_that_of_rfc_1320() -> None:
    assert md4(b"message digest").hex() == "d9130a8164549fe818874806e1c7014b"


@pytest.mark.parametrize("block", [1024, 2048, 4096])
def test_the_header_and_every_sum_are_read(block: int, sums: Sums) -> None:
    read = sums(CONTENT, block)
    assert (read.filename, read.block, read.size) == ("x.iso", block, len(CONTENT))
    matches = zsync_matches(read)
    good = good_blocks(lambda start, length: CONTENT[start : start + length], read.size, block, matches, stop=NEVER)
    assert MISSING not in good
    assert not matches(1, CONTENT[:block])


@pytest.mark.parametrize("stride", [1, SECTOR])
@pytest.mark.parametrize("block", [1024, 2048, 4096])
def test_a_file_finds_all_of_itself(block: int, stride: int, sums: Sums) -> None:
    assert list(found(sums(CONTENT, block), CONTENT, stride)) == list(range(0, len(CONTENT), block))


def test_what_moved_by_sectors_is_found_where_it_is_now(sums: Sums) -> None:
    old = b"new" * SECTOR + CONTENT[: 100 * SECTOR] + CONTENT[120 * SECTOR :]
    places = found(sums(), old)
    for number, at in enumerate(places):
        if at != MISSING:
            content = CONTENT[number * SECTOR : (number + 1) * SECTOR]
            assert old[at : at + len(content)] == content
    assert [number for number, at in enumerate(places) if at == MISSING] == list(range(100, 120))


def test_what_moved_by_some_bytes_is_found_only_by_a_thorough_search(sums: Sums) -> None:
    old = b"odd" + CONTENT
    assert set(found(sums(), old)) == {MISSING}
    assert MISSING not in found(sums(), old, stride=1)


def test_blocks_that_are_all_the_same_are_found_in_reasonable_time(sums: Sums) -> None:
    emptyish = bytes(4 << 20) + CONTENT
    assert MISSING not in found(sums(emptyish), bytes(8 << 20) + CONTENT, stride=1)


@pytest.mark.parametrize("stride", [1, SECTOR])
def test_what_is_there_once_serves_wherever_it_is_wanted(stride: int, sums: Sums) -> None:
    part = CONTENT[: 20 * SECTOR]
    twice = part + CONTENT[40 * SECTOR : 60 * SECTOR] + part + CONTENT[80 * SECTOR : 100 * SECTOR]
    places = found(sums(twice), part, stride)
    assert list(places[:20]) == list(places[40:60]) == [number * SECTOR for number in range(20)]
    assert set(places[20:40]) == set(places[60:]) == {MISSING}


def test_a_run_that_breaks_off_is_taken_up_where_it_goes_on(sums: Sums) -> None:
    shuffled = [CONTENT[start : start + 3 * SECTOR] for start in range(0, 90 * SECTOR, 3 * SECTOR)]
    random.Random(1).shuffle(shuffled)
    old = b"".join(b"?" * (number % 3) + part for number, part in enumerate(shuffled))
    places = found(sums(), old, 1)
    assert all(places[number] != MISSING for number in range(90))
    for number, at in enumerate(places[:90]):
        assert old[at : at + SECTOR] == CONTENT[number * SECTOR : (number + 1) * SECTOR]


def test_sums_that_are_all_alike_end_the_search_before_it_takes_for_ever() -> None:
    count = 50_000
    alike = b"".join(bytes(2) + number.to_bytes(5, "big") for number in range(count))
    hostile = BlockSums("x", SECTOR, count * SECTOR, 2, 2, 5, alike)
    with pytest.raises(FetchRefused, match="too much alike"):
        found(hostile, bytes(1 << 20), stride=1)


def test_nothing_in_common_and_nothing_at_all_are_no_trouble(sums: Sums) -> None:
    for old in (b"", b"short", random.Random(9).randbytes(5 << 20)):
        assert set(found(sums(), old)) == {MISSING}


def test_a_stop_ends_the_search(sums: Sums) -> None:
    stop = threading.Event()
    stop.set()
    of = sums()
    with pytest.raises(Cancelled):
        find_blocks(of, lambda _start, _length: CONTENT, len(CONTENT), places=nowhere(of.count), stop=stop)


def header(**said: object) -> bytes:
    lines = {"zsync": "0.6.2", "Blocksize": 2048, "Length": 2048, "Hash-Lengths": "2,2,5", **said}
    told = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in lines.items() if value is not None)
    return told.encode() + b"\n" + bytes(7)


def test_the_smallest_one_is_read() -> None:
    assert read_zsync(header(), "x").count == 1


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"<!doctype html>\n\n",
        b"zsync: 0.6.2\n" * 10_000,
        header(Blocksize=None),
        header(Blocksize=3000),
        header(Blocksize=256),
        header(Blocksize=1 << 30),
        header(Length="-5"),
        header(Length=0),
        header(Length=5000),
        header(Length=10**30),
        header(Hash_Lengths="3,2,5") + b"x",
        header(**{"Hash-Lengths": "3,2,5"}),
        header(**{"Hash-Lengths": "2,9,5"}),
        header(**{"Hash-Lengths": "2,2"}),
        header(**{"Hash-Lengths": "2,2,2"}),
        header(**{"Z-Map2": "5"}),
        header() + b"more",
    ],
)
def test_what_contradicts_itself_is_refused(hostile: bytes) -> None:
    with pytest.raises(FetchRefused) as refused:
        read_zsync(hostile, "x.zsync")
    assert refused.value.code == "bad-data"
