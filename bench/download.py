"""Our download beside aria2 and curl: seconds to a verified file, side by side in one run. `bench/README.md` tells of each row.

    .venv/bin/python -m bench.download [--only ROW]... [--rounds N] [--size MIB] [--folder DIR]

Rows: loopback, https, throttled, delayed, lossy (as root), four, memory, resume; without `--only` all of them, in this order.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from bench.killed import resume
from bench.peak_memory import memory
from bench.serving import NAME, Site, delayed, lossy, make_file, nginx
from bench.ways import (
    ARIA1,
    ARIA16,
    CURL,
    OURS,
    PEERS,
    Taken,
    Way,
    aria2,
    command,
    compare,
    curl,
    floor,
    measure,
    ours,
    ratios,
    request_for,
    require_programs,
    table,
)
from isomanager.settings import Settings
from isomanager.storage.local import LocalStore
from isomanager.transfer.download import download
from isomanager.transfer.http import open_client


@dataclass(frozen=True)
class Asked:
    """What a row is measured with: a file of `mib` MiB, `rounds` that count, in the folder `work`."""

    work: Path
    mib: int
    rounds: int


@dataclass(frozen=True)
class Figure:
    """What a row found, beside the most it should be."""

    what: str
    value: float
    goal: float | None = None

    def __str__(self) -> str:
        verdict = "" if self.goal is None else f"  goal {self.goal:g}: {'met' if self.value <= self.goal else 'MISSED'}"
        return f"{self.value:>8.2f}  {self.what}{verdict}"


def figures(taken: Mapping[str, list[Taken]], goals: Mapping[str, float | None]) -> list[Figure]:
    """One comparison as a table, printed; and how ours stands to the ways in `goals`."""
    print("\n".join(table(taken)), flush=True)
    return [Figure(f"of {name}", statistics.median(ratios(taken, name)), goal) for name, goal in goals.items()]


@contextmanager
def served(asked: Asked, **how: object) -> Iterator[tuple[Site, str]]:
    """nginx with the image in it, and the image's SHA-256."""
    with nginx(asked.work, **how) as site:  # type: ignore[arg-type]
        yield site, make_file(site.folder / NAME, asked.mib)


def loopback(asked: Asked, *, tls: bool = False) -> list[Figure]:
    """A full line."""
    with served(asked, tls=tls) as (site, sha256):
        ways = {OURS: ours(), "isomanager command": command, **PEERS}
        taken = compare(ways, site, sha256, asked.rounds, asked.work)
        found = figures(taken, {ARIA1: 0.35, ARIA16: 0.35, CURL: 0.7, "curl, sync, openssl": None})
        parts = floor(site, asked.work)
    slowest = max(parts, key=lambda name: parts[name])
    print("alone: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in parts.items()))
    own = statistics.median(one.seconds for one in taken[OURS])
    return [*found, Figure(f"of the slowest of network, digest and disk alone ({slowest})", own / parts[slowest], 1.5)]


def https(asked: Asked) -> list[Figure]:
    """The same over TLS."""
    return loopback(asked, tls=True)


def throttled(asked: Asked) -> list[Figure]:
    """A server that gives each connection 4 MiB a second; ours may open 16, as aria2 does."""
    with served(asked, limit="4m") as (site, sha256):
        ways = {OURS: ours(16), ARIA16: aria2(16)}
        return figures(compare(ways, site, sha256, asked.rounds, asked.work), {ARIA16: 1.0})


def delay(asked: Asked) -> list[Figure]:
    """40 ms there and back."""
    with served(asked) as (site, sha256), delayed(int(site.url.rpartition(":")[2]), 20) as port:
        far = Site(f"http://127.0.0.1:{port}", site.folder)
        ways = {OURS: ours(16), **PEERS}
        return figures(compare(ways, far, sha256, asked.rounds, asked.work), {ARIA1: None, ARIA16: 1.0, CURL: None})


def loss(asked: Asked) -> list[Figure]:
    """One packet in a hundred lost each way, 400 Mbit/s, in a network namespace."""
    if os.geteuid() != 0:
        raise SystemExit("network namespaces are made as root only")
    with lossy(1.0, 400) as (host, prefix), served(asked, host=host, prefix=prefix) as (site, sha256):
        ways = {OURS: ours(16), ARIA1: aria2(1), ARIA16: aria2(16), CURL: curl}
        return figures(compare(ways, site, sha256, asked.rounds, asked.work), {ARIA1: None, ARIA16: 1.0, CURL: None})


def four(asked: Asked) -> list[Figure]:
    """Four files at once, each program in its own way."""
    names = [f"{number}.iso" for number in range(4)]
    with nginx(asked.work) as site:
        digests = {name: make_file(site.folder / name, asked.mib) for name in names}
        ways = {
            OURS: four_ours(digests),
            "aria2c -j4": four_aria2(digests),
            "curl, openssl, 4 times": four_curl(digests),
        }
        taken: dict[str, list[Taken]] = {name: [] for name in ways}
        for number in range(asked.rounds + 1):
            for name, way in ways.items():
                one = measure(way, site, NAME, "all", asked.work)
                if number:
                    taken[name].append(one)
    return figures(taken, {"aria2c -j4": 0.35, "curl, openssl, 4 times": 0.7})


def four_ours(digests: dict[str, str]) -> Way:
    """One client, four threads."""

    def fetch(site: Site, _name: str, _sha256: str, folder: Path) -> str:
        store = LocalStore(folder)
        with open_client(Settings()) as client, ThreadPoolExecutor(4) as pool:
            asked = [request_for(site, name, sha256, name[0]) for name, sha256 in digests.items()]
            received = list(pool.map(lambda one: download(one, store, client), asked))
        assert [one.sha256 for one in received] == list(digests.values())
        return "all"

    return fetch


def four_aria2(digests: dict[str, str]) -> Way:
    """One aria2c with a list."""

    def fetch(site: Site, _name: str, _sha256: str, folder: Path) -> str:
        lines = [f"{site.url}/{name}\n checksum=sha-256={sha256}\n out={name}\n" for name, sha256 in digests.items()]
        words = ["aria2c", "-q", "-j4", "-x4", "-s4", "--file-allocation=none", "-d", str(folder), "-i", "-"]
        subprocess.run(words, input="".join(lines), text=True, check=True)
        return "all"

    return fetch


def four_curl(digests: dict[str, str]) -> Way:
    """Four scripts at once."""

    def fetch(site: Site, _name: str, _sha256: str, folder: Path) -> str:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda name: curl(site, name, "", folder), digests))
        assert found == list(digests.values())
        return "all"

    return fetch


def peak(asked: Asked) -> list[Figure]:
    """What the download of a large image adds to the peak memory of a process that runs Prefect flows."""
    return [Figure("MiB above the Prefect baseline", memory(asked.work, asked.mib), 150)]


def killed(asked: Asked) -> list[Figure]:
    """What a kill at nine tenths costs."""
    return [
        Figure("of the whole download, for the run after a kill at 90 %", resume(asked.work, asked.mib, asked.rounds))
    ]


ROWS: dict[str, tuple[Callable[[Asked], list[Figure]], int]] = {
    "loopback": (loopback, 1024),
    "https": (https, 1024),
    "throttled": (throttled, 512),
    "delayed": (delay, 512),
    "lossy": (loss, 128),
    "four": (four, 256),
    "memory": (peak, 8192),
    "resume": (killed, 1024),
}


def run(name: str, asked: Asked) -> list[Figure] | None:
    """Measure one row and print it; None when it failed, which is told, and the next row comes nevertheless."""
    print(f"\n{name}: {asked.mib} MiB, {asked.rounds} rounds, {os.cpu_count()} processors", flush=True)
    began = monotonic()
    try:
        found = ROWS[name][0](asked)
    except (Exception, SystemExit) as wrong:  # noqa: BLE001 - the other rows are still worth measuring
        if not isinstance(wrong, SystemExit):
            traceback.print_exc()
        print(f"{name}: not measured: {wrong}", flush=True)
        return None
    print(f"measured in {monotonic() - began:.0f} s", flush=True)
    return found


def ended(_number: int, _frame: object) -> None:
    """As by Ctrl-C: the servers that were started end too."""
    raise KeyboardInterrupt


def main() -> int:
    """Measure the rows asked for, and print how they stand to the goals; 1 when one could not be measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=ROWS, action="append", help="this row (may be given several times)")
    parser.add_argument("--size", type=int, help="MiB of the file, for every row that is measured")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count, after one that does not")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure (default: the temporary one)")
    given = parser.parse_args()
    require_programs()
    signal.signal(signal.SIGTERM, ended)
    found: dict[str, list[Figure] | None] = {}
    for name in given.only or ROWS:
        with tempfile.TemporaryDirectory(prefix="isomanager-bench-", dir=given.folder) as folder:
            Path(folder).chmod(0o755)
            found[name] = run(name, Asked(Path(folder), given.size or ROWS[name][1], given.rounds))
    print("\nours, in one number each (below 1 is faster):")
    for name, row in found.items():
        print("\n".join(f"{name:<10}{one}" for one in row or ()) if row else f"{name:<10}   not measured")
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
