"""How long bringing an older image up to date takes, beside hashing the whole of it, and how many bytes that fetches.

    .venv/bin/python -m bench.patching [--size MIB] [--rounds 5]

Two images of random bytes, of which the newer lacks one part, has another and begins some sectors later; block sums by `zsyncmake`
(the Debian package zsync). The newer one is put together by the same means as an update does, quick and thorough, from a server on
loopback. Medians are printed. A line that brings more a second than the quick figure is better used for the whole image.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Event
from time import perf_counter

from isomanager.sample.folder import ServedFolder
from isomanager.sample.server import SampleServer
from isomanager.settings import Settings
from isomanager.transfer.blocks.assembling import assembled
from isomanager.transfer.blocks.matching import SECTOR, find_blocks
from isomanager.transfer.blocks.ranges import HttpRanges
from isomanager.transfer.blocks.segments import nowhere, segments, to_fetch
from isomanager.transfer.blocks.zsync import read_zsync
from isomanager.transfer.http import FetchPolicy, open_client

MIB = 1 << 20


def make(folder: Path, size: int) -> tuple[Path, Path]:
    """The older and the newer image, of `size` MiB, and the newer one's block sums."""
    source = random.Random(7)
    parts = [source.randbytes(MIB) for _ in range(size)]
    old, new = folder / "old.iso", folder / "new.iso"
    old.write_bytes(b"".join(parts))
    cut = size // 2
    new.write_bytes(bytes(3 * SECTOR) + b"".join([*parts[:cut], source.randbytes(2 * MIB), *parts[cut + 1 :]]))
    subprocess.run(["zsyncmake", "-u", new.name, "-o", f"{new}.zsync", str(new)], check=True, capture_output=True)
    return old, new


def ours(old: Path, new: Path, url: str, stride: int) -> int:
    """Put the newer image together and hash it; how many bytes were fetched."""
    sums = read_zsync(Path(f"{new}.zsync").read_bytes(), "new")
    places, size = nowhere(sums.count), old.stat().st_size
    with old.open("rb") as held, open_client(Settings()) as client:

        def read(start: int, length: int) -> bytes:
            held.seek(start)
            return held.read(length)

        find_blocks(sums, read, size, places=places, stop=Event(), stride=stride)
        plan = segments(sums.size, sums.block, places)
        ranges = HttpRanges((url,), sums.size, client, FetchPolicy(allow_http=True), Event())
        digest, made = hashlib.sha256(), new.with_name("ours.iso")
        with made.open("wb") as file:
            for piece in assembled(plan, read, ranges):
                digest.update(piece)
                file.write(piece)
    if digest.digest() != hashlib.sha256(new.read_bytes()).digest():
        raise SystemExit("what was put together is not the image")
    return to_fetch(plan)


def hashed(new: Path) -> int:
    """The least that any download of the whole costs this machine: hashing it."""
    with new.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    return new.stat().st_size


def measured(rounds: int, work: Callable[[], int]) -> tuple[float, int]:
    """The median time in seconds, and what the last round fetched."""
    times, fetched = [], 0
    for _ in range(rounds):
        began = perf_counter()
        fetched = work()
        times.append(perf_counter() - began)
    return statistics.median(times), fetched


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--size", type=int, default=512, help="MiB of the image")
    asked.add_argument("--rounds", type=int, default=5)
    chosen = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="isomanager-bench-") as place:
        old, new = make(Path(place), chosen.size)
        with SampleServer(ServedFolder(Path(place))) as server:
            url = f"{server.url}/{new.name}"
            ways: dict[str, Callable[[], int]] = {
                "hashing alone": lambda: hashed(new),
                "isomanager, quick": lambda: ours(old, new, url, SECTOR),
                "isomanager, thorough": lambda: ours(old, new, url, 1),
            }
            for name, work in ways.items():
                seconds, fetched = measured(chosen.rounds, work)
                print(f"{name:22} {seconds:7.2f} s  {chosen.size / seconds:7.1f} MiB/s  {fetched:>12} bytes fetched")


if __name__ == "__main__":
    main()
