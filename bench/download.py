"""Our download beside aria2 and curl: seconds to a verified file, side by side in one run. `bench/README.md` tells of each scene.

    .venv/bin/python bench/download.py SCENE [--mib N] [--rounds N] [--folder DIR]

Scenes: loopback, https, throttled, delayed, lossy (as root), four, memory, resume.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from serving import NAME, Site, delayed, lossy, make_file, nginx
from ways import PEERS, Way, aria2, command, compare, curl, floor, measure, ours, request_for, require_programs, table

from isomanager.settings import Settings
from isomanager.storage.local import LocalStore
from isomanager.transfer.download import download
from isomanager.transfer.http import open_client

KIB, MIB = 1 << 10, 1 << 20


def shown(site: Site, ways: dict[str, Way], asked: argparse.Namespace, work: Path) -> None:
    """One comparison, as a table."""
    for line in table(compare(ways, site, asked.sha256, asked.rounds, work)):
        print(line)


@contextmanager
def served(work: Path, asked: argparse.Namespace, **how: object) -> Iterator[Site]:
    """nginx with the image in it."""
    with nginx(work, **how) as site:  # type: ignore[arg-type]
        asked.sha256 = make_file(site.folder / NAME, asked.mib)
        yield site


def loopback(work: Path, asked: argparse.Namespace, *, tls: bool = False) -> None:
    """A full line."""
    with served(work, asked, tls=tls) as site:
        ways = {"isomanager": ours(), "isomanager command": command, **PEERS}
        taken = compare(ways, site, asked.sha256, asked.rounds, work)
        for line in table(taken):
            print(line)
        parts = floor(site, work)
        slowest = max(parts, key=lambda name: parts[name])
        own = statistics.median(one.seconds for one in taken["isomanager"])
        print("alone: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in parts.items()))
        print(f"ours is {own / parts[slowest]:.2f} of the slowest of them ({slowest})")


def https(work: Path, asked: argparse.Namespace) -> None:
    """The same over TLS."""
    loopback(work, asked, tls=True)


def throttled(work: Path, asked: argparse.Namespace) -> None:
    """A server that gives each connection 4 MiB a second; ours may open 16, as aria2 does."""
    with served(work, asked, limit="4m") as site:
        shown(site, {"isomanager": ours(16), "aria2c -x16 --checksum": aria2(16)}, asked, work)


def delay(work: Path, asked: argparse.Namespace) -> None:
    """40 ms there and back."""
    with served(work, asked) as site, delayed(int(site.url.rpartition(":")[2]), 20) as port:
        far = Site(f"http://127.0.0.1:{port}", site.folder)
        shown(far, {"isomanager": ours(16), **PEERS}, asked, work)


def loss(work: Path, asked: argparse.Namespace) -> None:
    """One packet in a hundred lost each way, 400 Mbit/s, in a network namespace."""
    with lossy(1.0, 400) as (host, prefix), served(work, asked, host=host, prefix=prefix) as site:
        shown(site, {"isomanager": ours(16), **PEERS}, asked, work)


def four(work: Path, asked: argparse.Namespace) -> None:
    """Four files at once, each program in its own way."""
    names = [f"{number}.iso" for number in range(4)]
    with nginx(work) as site:
        digests = {name: make_file(site.folder / name, asked.mib) for name in names}
        ways = {
            "isomanager": four_ours(digests),
            "aria2c -j4": four_aria2(digests),
            "curl, openssl": four_curl(digests),
        }
        taken = {name: [] for name in ways}
        for number in range(asked.rounds + 1):
            for name, way in ways.items():
                one = measure(way, site, NAME, "all", work)
                if number:
                    taken[name].append(one)
        for line in table(taken):
            print(line)


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


MEMORY = r"""
import re, sys
from pathlib import Path
from isomanager.settings import Settings
from isomanager.storage.local import LocalStore
from isomanager.transfer.download import Request, download
from isomanager.transfer.http import FetchPolicy, open_client
peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) >> 10
with open_client(Settings(connections_per_host=16)) as client:
    before = peak()
    request = Request((sys.argv[1],), "image.iso", "key", policy=FetchPolicy(True, True))
    store = LocalStore(Path(sys.argv[2]))
    received = download(request, store, client)
print(before, peak(), received.size, round(received.seconds, 1))
"""


def memory(work: Path, asked: argparse.Namespace) -> None:
    """The peak memory of a large image, above what the process has before it."""
    with nginx(work) as site:
        with (site.folder / NAME).open("wb") as sparse:
            sparse.truncate(asked.mib * MIB)
        with tempfile.TemporaryDirectory(dir=work) as folder:
            words = [sys.executable, "-c", MEMORY, f"{site.url}/{NAME}", folder]
            told = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    print(
        f"{int(told[2]) >> 20} MiB in {told[3]} s: {int(told[1]) - int(told[0])} MiB above the {told[0]} MiB before it"
    )


RESUME = """
import sys
from pathlib import Path
from isomanager.settings import Settings
from isomanager.storage.local import LocalStore
from isomanager.transfer.download import Request, download
from isomanager.transfer.http import FetchPolicy, open_client
url, folder, sha256 = sys.argv[1:]
def tell(done, total):
    print(done, total, flush=True)
request = Request((url,), "image.iso", "key", expected={"sha256": sha256}, policy=FetchPolicy(True, True))
with open_client(Settings()) as client:
    received = download(request, LocalStore(Path(folder)), client, progress=tell)
print("resumed", received.resumed_at, flush=True)
"""


def resume(work: Path, asked: argparse.Namespace) -> None:
    """What a kill at nine tenths costs: the second run's seconds, and the bytes that come twice."""
    with served(work, asked) as site:
        whole = measure(ours(), site, NAME, asked.sha256, work).seconds
        costs, twice = [], []
        for _ in range(asked.rounds):
            with tempfile.TemporaryDirectory(dir=work) as folder:
                words = [sys.executable, "-c", RESUME, f"{site.url}/{NAME}", folder, asked.sha256]
                done = killed_at(words, 0.9)
                started = monotonic()
                told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
                costs.append(monotonic() - started)
                twice.append(done - int(told.split()[-1]))
    print(
        f"the whole takes {whole:.2f} s; after a kill at 90 % the second run takes {statistics.median(costs):.2f} s, "
    )
    print(f"its start included, and fetches {statistics.median(twice) / MIB:.0f} MiB again")


def killed_at(words: list[str], share: float) -> int:
    """Run until that share is there, kill; the bytes that were there then."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            first, _, total = line.partition(" ")
            if first.isdigit() and int(first) >= share * int(total):
                process.send_signal(signal.SIGKILL)
                return int(first)
    raise SystemExit("it ended before it could be killed: take a larger file")


SCENES: dict[str, tuple[Callable[[Path, argparse.Namespace], None], int]] = {
    "loopback": (loopback, 1024),
    "https": (https, 1024),
    "throttled": (throttled, 512),
    "delayed": (delay, 512),
    "lossy": (loss, 256),
    "four": (four, 256),
    "memory": (memory, 8192),
    "resume": (resume, 1024),
}


def main() -> None:
    """Measure one scene, and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scene", choices=SCENES)
    parser.add_argument("--mib", type=int, help="size of the file in MiB")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure (default: the temporary one)")
    asked = parser.parse_args()
    require_programs()
    scene, size = SCENES[asked.scene]
    asked.mib = asked.mib or size
    with tempfile.TemporaryDirectory(prefix="isomanager-bench-", dir=asked.folder) as folder:
        Path(folder).chmod(0o755)
        print(f"{asked.scene}: {asked.mib} MiB, {asked.rounds} rounds, {os.cpu_count()} processors", flush=True)
        scene(Path(folder), asked)


if __name__ == "__main__":
    main()
