"""How long bringing an older image up to date takes, beside the program zsync and hashing the whole of it; what is fetched for it.

    .venv/bin/python -m bench.patching [--size MIB] [--rounds 5]

Two images of random bytes, of which the newer lacks one part, has another and begins some sectors later; block sums by `zsyncmake`.
The newer one is put together by the same means as an update does, quick and thorough, and by `zsync` (both are the Debian package
zsync, installed by `scripts/install_bench_programs.sh`), from nginx on loopback; then from an older one in which everything stands
three bytes further. Ours proves the SHA-256 of the whole, zsync its SHA-1. All in turns; medians are printed. A line that
brings more a second than the quick figure is better used for the whole image.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Event
from time import perf_counter

from bench.serving import nginx
from isomanager.settings import Settings
from isomanager.transfer.blocks.assembling import assembled
from isomanager.transfer.blocks.matching import SECTOR, find_blocks
from isomanager.transfer.blocks.ranges import HttpRanges
from isomanager.transfer.blocks.segments import nowhere, segments, to_fetch
from isomanager.transfer.blocks.zsync import read_zsync
from isomanager.transfer.http import FetchPolicy, open_client

MIB = 1 << 20
QUICK = "isomanager, quick"


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


def ours(old: Path, new: Path, url: str, stride: int, sha256: bytes) -> int:
    """Put the newer image together and prove it; how many bytes were fetched."""
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
    if digest.digest() != sha256:
        raise SystemExit("what was put together is not the image")
    return to_fetch(plan)


def zsync(old: Path, url: str, folder: Path) -> int:
    """The same by the program; how many bytes were fetched, as it tells."""
    made = folder / "zsync.iso"
    made.unlink(missing_ok=True)
    words = ["zsync", "-i", str(old), "-o", str(made), f"{url}.zsync"]
    run = subprocess.run(words, check=True, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    told = re.search(r"used \d+ local, fetched (\d+)", run.stdout)
    if told is None:
        raise SystemExit(f"zsync says nothing of what it fetched: {run.stdout[-500:]}")
    return int(told[1])


def hashed(new: Path) -> int:
    """The least that any download of the whole costs this machine: hashing it."""
    with new.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    return new.stat().st_size


def measured(ways: dict[str, Callable[[], int]], rounds: int) -> None:
    """Every way in turn, `rounds` times after one that does not count, and what the last round fetched, as a table."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    used: dict[str, list[float]] = {name: [] for name in ways}
    fetched: dict[str, int] = {}
    for number in range(rounds + 1):
        for name, work in ways.items():
            began, processor = perf_counter(), sum(os.times()[:4])
            fetched[name] = work()
            if number:
                times[name].append(perf_counter() - began)
                used[name].append(sum(os.times()[:4]) - processor)
    print(f"{'way':<28}{'median s':>9}{'best s':>8}{'cpu s':>8}{'bytes fetched':>15}{'quick/its':>11}")
    for name, seconds in times.items():
        ratio = statistics.median(own / its for own, its in zip(times[QUICK], seconds, strict=True))
        middle, processor = statistics.median(seconds), statistics.median(used[name])
        print(f"{name:<28}{middle:>9.2f}{min(seconds):>8.2f}{processor:>8.2f}{fetched[name]:>15}{ratio:>11.2f}")


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--size", type=int, default=512, help="MiB of the image")
    asked.add_argument("--rounds", type=int, default=5)
    chosen = asked.parse_args()
    if shutil.which("zsync") is None:
        raise SystemExit("Missing: zsync. Run scripts/install_bench_programs.sh as root.")
    with tempfile.TemporaryDirectory(prefix="isomanager-bench-") as place:
        Path(place).chmod(0o755)
        with nginx(Path(place)) as site:
            old, new = make(site.folder, chosen.size)
            moved = old.with_name("moved.iso")
            moved.write_bytes(b"odd" + old.read_bytes())
            url, sha256 = f"{site.url}/{new.name}", hashlib.sha256(new.read_bytes()).digest()
            print(f"{chosen.size} MiB, {chosen.rounds} rounds", flush=True)
            measured(
                {
                    QUICK: lambda: ours(old, new, url, SECTOR, sha256),
                    "isomanager, thorough": lambda: ours(old, new, url, 1, sha256),
                    "zsync": lambda: zsync(old, url, Path(place)),
                    "thorough, moved by 3 bytes": lambda: ours(moved, new, url, 1, sha256),
                    "zsync, moved by 3 bytes": lambda: zsync(moved, url, Path(place)),
                    "hashing alone": lambda: hashed(new),
                },
                chosen.rounds,
            )


if __name__ == "__main__":
    main()
