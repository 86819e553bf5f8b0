"""The ways to a verified file that are measured beside each other."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from bench.serving import NAME, Site
from isomanager.settings import Settings
from isomanager.storage.local import LocalStore
from isomanager.transfer.download import Limits, Request, download
from isomanager.transfer.http import FetchPolicy, open_client
from isomanager.transfer.resuming import partial_named

OURS = "isomanager"

Way = Callable[[Site, str, str, Path], str]
"""Fetches (site, file, its SHA-256) into an empty folder; returns what its digest was found to be."""


@dataclass(frozen=True)
class Taken:
    """Seconds by the clock, and of the processor."""

    seconds: float
    processor: float


def ours(connections: int = 4) -> Way:
    """The engine, from a fresh client to the published, durable file."""

    def fetch(site: Site, name: str, sha256: str, folder: Path) -> str:
        settings = Settings(connections_per_host=connections, ca_file=site.certificate)
        store, request = LocalStore(folder), request_for(site, name, sha256)
        with open_client(settings) as client:
            received = download(request, store, client, limits=Limits.of(settings))
        unfinished = partial_named(store, "key")
        assert unfinished is not None
        store.reopen(unfinished).publish(received.size)
        return received.sha256

    return fetch


def request_for(site: Site, name: str, sha256: str, key: str = "key") -> Request:
    """What the engine is asked for."""
    expected = {"sha256": sha256}
    return Request((f"{site.url}/{name}",), name, key, expected=expected, policy=FetchPolicy(True, True))


def command(site: Site, name: str, sha256: str, folder: Path) -> str:
    """The command line, its start included."""
    environment = {
        **os.environ,
        "ISOMANAGER_DATA_FOLDER": str(folder / "data"),
        "ISOMANAGER_CONFIG": str(folder / "none"),
    }
    if site.certificate:
        environment["ISOMANAGER_CA_FILE"] = str(site.certificate)
    words = ["download", "--url", f"{site.url}/{name}", "--to", str(folder / name), "--sha256", sha256, "--no-register"]
    subprocess.run(
        [sys.executable, "-m", "cli.main", *words, "--json"], check=True, capture_output=True, env=environment
    )
    return sha256  # it refuses what has another


def aria2(connections: int) -> Way:
    """aria2c, which compares the digest itself."""

    def fetch(site: Site, name: str, sha256: str, folder: Path) -> str:
        trust = [f"--ca-certificate={site.certificate}"] if site.certificate else []
        many = [f"-x{connections}", f"-s{connections}", "-k1M", "--file-allocation=none", "-q"]
        words = ["aria2c", *many, *trust, f"--checksum=sha-256={sha256}", "-d", str(folder), "-o", name]
        subprocess.run([*words, f"{site.url}/{name}"], check=True)
        return sha256  # it fails where it is another

    return fetch


def curl(site: Site, name: str, sha256: str, folder: Path) -> str:  # noqa: ARG001 - compared by the caller
    """curl, then OpenSSL's digest, as a script does it."""
    _curl(site, name, folder)
    return _openssl(folder / name)


def curl_flushed(site: Site, name: str, sha256: str, folder: Path) -> str:  # noqa: ARG001 - compared by the caller
    """curl, then the file flushed to the disk as ours is, then OpenSSL's digest."""
    _curl(site, name, folder)
    subprocess.run(["sync", str(folder / name)], check=True)
    return _openssl(folder / name)


def _curl(site: Site, name: str, folder: Path) -> None:
    trust = ["--cacert", str(site.certificate)] if site.certificate else []
    subprocess.run(["curl", "-sf", *trust, "-o", str(folder / name), f"{site.url}/{name}"], check=True)


def _openssl(file: Path) -> str:
    told = subprocess.run(["openssl", "dgst", "-sha256", "-r", str(file)], check=True, capture_output=True)
    return told.stdout.decode().split()[0]


ARIA1, ARIA16, CURL, CURL_FLUSHED = (
    "aria2c -x1 --checksum",
    "aria2c -x16 --checksum",
    "curl, openssl",
    "curl, sync, openssl",
)
PEERS: Mapping[str, Way] = {ARIA1: aria2(1), ARIA16: aria2(16), CURL: curl, CURL_FLUSHED: curl_flushed}


def require_programs() -> None:
    """Say what is missing."""
    missing = [one for one in ("nginx", "aria2c", "curl", "openssl", "sync") if shutil.which(one) is None]
    if missing:
        raise SystemExit(f"Missing: {', '.join(missing)}. Run scripts/install_bench_programs.sh as root.")


def measure(way: Way, site: Site, name: str, sha256: str, folder: Path) -> Taken:
    """What one fetch takes; the files are gone afterwards, and what they left for the disk to write is written."""
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        os.sync()
        started, used = monotonic(), sum(os.times()[:4])
        found = way(site, name, sha256, Path(fresh))
        taken = Taken(monotonic() - started, sum(os.times()[:4]) - used)
    if found != sha256:
        raise SystemExit(f"a wrong digest: {found} instead of {sha256}")
    return taken


def compare(ways: Mapping[str, Way], site: Site, sha256: str, rounds: int, folder: Path) -> dict[str, list[Taken]]:
    """What every round took by way, in turns, after one round that is not counted."""
    taken: dict[str, list[Taken]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            one = measure(way, site, NAME, sha256, folder)
            if number:
                taken[name].append(one)
    return taken


def floor(site: Site, folder: Path) -> dict[str, float]:
    """Seconds that each part alone takes: the network (into nothing), the digest, and the disk (flushed)."""
    trust = ["--cacert", str(site.certificate)] if site.certificate else []
    file, copy = site.folder / NAME, folder / "copy"
    commands = {
        "network": ["curl", "-sf", *trust, "-o", os.devnull, f"{site.url}/{NAME}"],
        "hash": ["openssl", "dgst", "-sha256", "-r", str(file)],
        "disk": ["dd", f"if={file}", f"of={copy}", "bs=1M", "conv=fdatasync", "status=none"],
    }
    found = {}
    for name, words in commands.items():
        runs = []
        for _ in range(3):
            started = monotonic()
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
            runs.append(monotonic() - started)
        found[name] = statistics.median(runs)
    copy.unlink(missing_ok=True)
    return found


def ratios(taken: Mapping[str, list[Taken]], to: str, first: str = OURS) -> list[float]:
    """Our seconds by those of the way `to`, round by round."""
    return [own.seconds / its.seconds for own, its in zip(taken[first], taken[to], strict=True)]


def table(taken: Mapping[str, list[Taken]], first: str = OURS) -> Iterable[str]:
    """Lines: median, best, the middle of the ratios of ours to each within its round (below 1.00 we are faster), processor."""
    yield f"{'way':<26}{'median s':>10}{'best s':>9}{'ours/its':>10}{'cpu s':>8}"
    for name, rounds in taken.items():
        seconds = [one.seconds for one in rounds]
        processor = statistics.median(one.processor for one in rounds)
        middle, ratio = statistics.median(seconds), statistics.median(ratios(taken, name, first))
        yield f"{name:<26}{middle:>10.2f}{min(seconds):>9.2f}{ratio:>10.2f}{processor:>8.2f}"
