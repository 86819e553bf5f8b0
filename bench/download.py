"""Our download beside the usual programs: one file over loopback to disk, with its SHA-256, side by side in one run.

    .venv/bin/python bench/download.py [--mib 512] [--rounds 3] [--folder DIR]

A server in a process of its own sends a file of random bytes from the page cache. Each way fetches it into a fresh folder of the
same disk and ends with the bytes flushed (ours by itself, the others by `sync FILE`) and the SHA-256 compared:

    isomanager           the engine into a local repository, hashing as the bytes pass, published under its final name
    curl, sha256sum      one after the other, as a script does it
    curl, openssl        the same with OpenSSL's digest, which knows the processor's instructions
    curl | tee, openssl  both at once: a digest in one pass, by a pipe
    aria2c, sha256sum    with four connections, where aria2c is installed

The rounds take turns, so that a busy machine disturbs all alike. Told are the best and the median of each way in seconds, the
median relative to ours (above 1.00 we are faster), and the median of the processor's seconds, the server's not counted.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from isomanager.settings import Settings
from isomanager.storage.local import LocalStore
from isomanager.transfer.download import Request, download
from isomanager.transfer.http import FetchPolicy, open_client
from isomanager.transfer.resuming import partial_named

NAME = "image.iso"
Way = Callable[[str, Path], str]
"""Fetches an address into an empty folder and returns the SHA-256."""


def ours(url: str, folder: Path) -> str:
    """The engine, from a closed client to the published file."""
    store = LocalStore(folder)
    with open_client(Settings()) as client:
        received = download(Request((url,), NAME, "key", policy=FetchPolicy(True, True)), store, client)
    unfinished = partial_named(store, "key")
    assert unfinished is not None
    store.reopen(unfinished).publish(received.size)
    return received.sha256


def run(command: str, folder: Path, url: str) -> str:
    """A shell command in the folder; the first word of the last line it prints."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command, "bench", url, NAME],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip().splitlines()[-1].split()[0]


COMMANDS = {
    "curl, sha256sum": 'curl -sfo "$2" "$1"; sync "$2"; sha256sum "$2"',
    "curl, openssl": 'curl -sfo "$2" "$1"; sync "$2"; openssl dgst -sha256 -r "$2"',
    "curl | tee, openssl": 'curl -sf "$1" | tee "$2" | openssl dgst -sha256 -r; sync "$2"',
    "aria2c, sha256sum": 'aria2c -q -x4 -s4 --file-allocation=none -o "$2" "$1"; sync "$2"; sha256sum "$2"',
}


def ways() -> dict[str, Way]:
    """Ours, and what is installed here."""
    found: dict[str, Way] = {"isomanager": ours}
    for name, command in COMMANDS.items():
        programs = [one.split()[0] for one in name.replace("|", ",").split(",")]
        if all(shutil.which(one) for one in programs):
            found[name] = lambda url, folder, command=command: run(command, folder, url)  # type: ignore[misc]
    return found


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server of `folder` in a process of its own."""
    arguments = [sys.executable, str(Path(__file__).with_name("file_server.py")), str(folder)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@dataclass(frozen=True)
class Taken:
    """Seconds by the clock, and of the processor."""

    seconds: float
    processor: float


def processor_seconds() -> float:
    """What this process and its finished children have used so far."""
    return sum(os.times()[:4])


def measure(way: Way, url: str, expected: str, folder: Path) -> Taken:
    """What one fetch takes; the files are gone afterwards."""
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        started, used = monotonic(), processor_seconds()
        found = way(url, Path(fresh))
        taken = Taken(monotonic() - started, processor_seconds() - used)
    if found != expected:
        raise SystemExit(f"a wrong digest: {found} instead of {expected}")
    return taken


def make_file(file: Path, mib: int) -> str:
    """A file of random bytes; its SHA-256."""
    digest = hashlib.sha256()
    with file.open("wb") as out:
        for _ in range(mib):
            piece = os.urandom(1 << 20)
            digest.update(piece)
            out.write(piece)
    return digest.hexdigest()


def compare(mib: int, rounds: int, folder: Path) -> dict[str, list[Taken]]:
    """What every round took by way, after one round that is not counted."""
    site = folder / "site"
    site.mkdir()
    expected = make_file(site / NAME, mib)
    taken: dict[str, list[Taken]] = {name: [] for name in ways()}
    with serving(site) as address:
        for number in range(rounds + 1):
            for name, way in ways().items():
                one = measure(way, f"{address}/{NAME}", expected, folder)
                if number:
                    taken[name].append(one)
    return taken


def middle(numbers: Iterable[float]) -> float:
    """The median."""
    return statistics.median(list(numbers))


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mib", type=int, default=512, help="size of the file in MiB")
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds")
    parser.add_argument(
        "--folder", type=Path, help="a folder on the disk to measure (default: the system's temporary one)"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="isomanager-bench-", dir=asked.folder) as folder:
        taken = compare(asked.mib, asked.rounds, Path(folder))
    print(f"{asked.mib} MiB over loopback, {asked.rounds} rounds, {os.cpu_count()} processors")
    print(f"{'way':<22}{'best s':>9}{'median s':>10}{'MiB/s':>8}{'ratio':>8}{'cpu s':>8}")
    own = middle(one.seconds for one in taken["isomanager"])
    for name, rounds in taken.items():
        seconds, best = middle(one.seconds for one in rounds), min(one.seconds for one in rounds)
        processor = middle(one.processor for one in rounds)
        rate, ratio = asked.mib / seconds, seconds / own
        print(f"{name:<22}{best:>9.2f}{seconds:>10.2f}{rate:>8.0f}{ratio:>8.2f}{processor:>8.2f}")


if __name__ == "__main__":
    main()
