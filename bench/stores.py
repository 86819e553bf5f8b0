"""Our stores beside each protocol's own best client: one file up and down, side by side in one run.

    .venv/bin/python bench/stores.py [--mib 1024] [--rounds 3] [--folder DIR] [--only s3,smb,nfs]

Each server runs on this machine and keeps its files on the same disk. Up is from a local file in the page cache to the server, down
is into a fresh local file. The clients:

    isomanager   the store: up ends with the file flushed and published under its final name, down is read ahead by ranges
    boto3        Amazon's multipart upload and download with its usual settings, beside the S3 store (SeaweedFS)
    rclone       the same with rclone's usual settings, where it can reach the server
    smbclient    Samba's own client, beside the SMB store (Samba); it flushes nothing, and what goes up may end in the page cache
    smb flushed  the same, and then the file flushed on the server, as ours is
    nfs-cp       libnfs's own client, beside the direct NFS store (NFS-Ganesha; root only)
    cp           a copy on this disk, for scale

The rounds take turns, so that a busy machine disturbs all alike, and what the one before left for the disk to write is written
first. Told are the best and the median of each way in MiB a second, the ratio of our median to its (above 1.00 we are faster;
the goal is 0.90), and the median of the processor's seconds that the client itself took, without the server's: where other
programs run beside it, those say more than the clock.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from isomanager.storage.contract import Store, Validators
from isomanager.storage.durable import PositionedFile
from isomanager.storage.local import LocalStore
from isomanager.storage.nfs import open_nfs
from isomanager.storage.s3 import S3Store
from isomanager.storage.s3_bucket import S3Access
from isomanager.storage.smb import open_smb
from isomanager.storage.smb_session import SmbAccess
from isomanager.storage.sources import look_up
from isomanager.transfer.reading import file_ranges
from store_servers import ganesha_can_run, ganesha_nfs, s3_client, s3_server, smb_server

MIB = 1 << 20
Way = Callable[[], object]


def upload(store: Store, file: Path, name: str) -> None:
    """A local file into a store, under its final name."""
    source = look_up(LocalStore(file.parent), file.name)
    partial = store.begin(name, source.size, Validators(), key="bench")
    offset = 0
    for piece in file_ranges(source, piece=max(4 * MIB, store.traits.granule)):
        partial.write(offset, piece)
        offset += len(piece)
    partial.publish(source.size)
    partial.discard()


def download(store: Store, name: str, to: Path) -> None:
    """A file of a store into a local one, written as our local store writes; writes of megabytes cost more here."""
    file, offset = PositionedFile(to, create=True), 0
    for piece in file_ranges(look_up(store, name), piece=max(4 * MIB, store.traits.granule)):
        offset += file.write_at(offset, piece)
    file.close()


def ours(store: Store, file: Path, down: Path) -> dict[str, tuple[Way, Way]]:
    """Our two ways."""
    return {"isomanager": (lambda: upload(store, file, "ours.iso"), lambda: download(store, "ours.iso", down))}


def run(*command: str, cwd: Path | None = None, environment: dict[str, str] | None = None) -> None:
    """A program that must succeed."""
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, env={**os.environ, **(environment or {})})


@contextmanager
def s3(folder: Path, file: Path, down: Path) -> Iterator[tuple[Store, dict[str, tuple[Way, Way]]]]:
    """SeaweedFS, boto3, rclone."""
    with s3_server(folder / "s3") as server:
        access = S3Access(endpoint=server.endpoint, region="us-east-1", key=server.key, secret=server.secret)
        store, client = S3Store(server.bucket, "bench", access), s3_client(server)
        ways = ours(store, file, down)
        ways["boto3"] = (
            lambda: client.upload_file(str(file), server.bucket, "bench/peer.iso"),
            lambda: client.download_file(server.bucket, "bench/peer.iso", str(down)),
        )
        rclone = shutil.which("rclone") or str(Path(sys.executable).parent / "rclone")
        told = {
            "RCLONE_S3_PROVIDER": "Other",
            "RCLONE_S3_ENDPOINT": server.endpoint,
            "RCLONE_S3_ACCESS_KEY_ID": server.key,
            "RCLONE_S3_SECRET_ACCESS_KEY": server.secret,
            "RCLONE_CONFIG": "/dev/null",
        }
        remote = f":s3:{server.bucket}/bench/rclone.iso"
        ways["rclone"] = (
            lambda: run(rclone, "copyto", str(file), remote, environment=told),
            lambda: run(rclone, "copyto", remote, str(down), environment=told),
        )
        yield store, ways


@contextmanager
def smb(folder: Path, file: Path, down: Path) -> Iterator[tuple[Store, dict[str, tuple[Way, Way]]]]:
    """Samba and its own client."""
    with smb_server(folder / "smb") as server:
        store = open_smb(server.url, create=True, access=SmbAccess(server.user, server.password))
        ways = ours(store, file, down)
        client = [
            "smbclient",
            "//127.0.0.1/isos",
            "-p",
            str(server.port),
            "-U",
            f"{server.user}%{server.password}",
            "-c",
        ]
        ways["smbclient"] = (
            lambda: run(*client, f"put {file} peer.iso"),
            lambda: run(*client, f"get peer.iso {down}"),
        )
        ways["smb flushed"] = (
            lambda: (run(*client, f"put {file} peer.iso"), run("sync", str(server.folder / "isos" / "peer.iso"))),
            lambda: run(*client, f"get peer.iso {down}"),
        )
        yield store, ways
        store.session.close()


@contextmanager
def nfs(folder: Path, file: Path, down: Path) -> Iterator[tuple[Store, dict[str, tuple[Way, Way]]]]:
    """NFS-Ganesha and libnfs's client."""
    with ganesha_nfs(folder / "nfs") as server:
        store = open_nfs(server.at("bench"), create=True)
        ways = ours(store, file, down)
        place = f"nfs://{urlsplit(server.url).hostname}{server.folder}/bench/peer.iso?version=3"
        ways["nfs-cp"] = (lambda: run("nfs-cp", str(file), place), lambda: run("nfs-cp", place, str(down)))
        yield store, ways
        store.close()


SERVERS = {"s3": s3, "smb": smb, "nfs": nfs}


@dataclass(frozen=True)
class Taken:
    """Seconds by the clock, and of the processor."""

    clock: float
    processor: float


def timed(way: Way) -> Taken:
    """What it took; the processor's share is this process's and that of programs it ran to their end, so no server's."""
    os.sync()
    started, busy = monotonic(), processor()
    way()
    return Taken(monotonic() - started, processor() - busy)


def processor() -> float:
    """Seconds that this process and the programs it ran have taken so far."""
    taken = os.times()
    return taken.user + taken.system + taken.children_user + taken.children_system


def measure(
    ways: dict[str, tuple[Way, Way]], store: Store, down: Path, size: int, rounds: int
) -> dict[str, list[list[Taken]]]:
    """What each way took, up and down, round by round. Wrong bytes end the run."""
    rates: dict[str, list[list[Taken]]] = {name: [[], []] for name in ways}
    for _ in range(rounds):
        for name, (up, get) in ways.items():
            for old in ("ours.iso", "peer.iso", "rclone.iso"):  # a client that finds its file there may send nothing
                if not (old == "peer.iso" and name == "isomanager"):
                    store.delete(old)
            down.unlink(missing_ok=True)
            rates[name][0].append(timed(up))
            rates[name][1].append(timed(get))
            assert down.stat().st_size == size, f"{name} brought {down.stat().st_size} bytes"
    return rates


def tell(server: str, taken: dict[str, list[list[Taken]]], size: int) -> None:
    """A table."""
    for direction, number in (("up", 0), ("down", 1)):
        mine = statistics.median(one.clock for one in taken["isomanager"][number])
        for name, both in taken.items():
            clocks = [one.clock for one in both[number]]
            middle, busy = statistics.median(clocks), statistics.median(one.processor for one in both[number])
            rates = f"best {size / MIB / min(clocks):6.0f}  median {size / MIB / middle:6.0f} MiB/s"
            print(f"{server:4} {direction:5} {name:11} {rates}  ours/it {middle / mine:5.2f}  processor {busy:6.2f} s")
    sys.stdout.flush()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--only", default="s3,smb,nfs")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="isomanager-bench-", dir=asked.folder) as place:
        folder = Path(place)
        folder.chmod(0o755)
        file, down = folder / "image.bin", folder / "down.bin"
        with file.open("wb") as image:
            for _ in range(asked.mib):
                image.write(os.urandom(MIB))
        print(f"cp {asked.mib / timed(lambda: shutil.copyfile(file, down)).clock:.0f} MiB/s")
        for name in asked.only.split(","):
            if name == "nfs" and not ganesha_can_run():
                print("nfs: the server needs root")
                continue
            with SERVERS[name](folder, file, down) as (store, ways):
                size = file.stat().st_size
                tell(name, measure(ways, store, down, size, asked.rounds), size)


if __name__ == "__main__":
    main()
