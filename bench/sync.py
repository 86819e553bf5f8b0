"""Keeping places in step, beside rclone and rsync: 1,000 images of which 1 % changed, nothing to do, and a first copy of 4 GiB.

    .venv/bin/python -m bench.sync [--only local,s3,smb] [--scenes many,large] [--images 1000] [--kib 256] [--mib 4096]
                                   [--files 4] [--rounds 3] [--folder DIR] [--disk btrfs]

From a folder to another one, to S3 (SeaweedFS) and to SMB (Samba), all on this machine and this disk. Who is measured:

    isomanager       a mirror: the library is opened, what both sides hold is compared by recorded digests, bytes are hashed as they
                     pass, flushed, and published with their receipts. Without the start of Python and of Prefect's server, which a
                     command adds once (bench/README.md), whatever the size of the library
    rclone           `rclone sync` with its usual settings (size and time decide, nothing is hashed or flushed)
    rsync            `rsync -a --delete`, to the folder alone: it speaks neither S3 nor SMB
    rclone-checked   `rclone sync --checksum`: digests decide, and both sides are hashed
    rsync-flushed    `rsync -a --delete --fsync`: every file is on the medium before it counts
    cp-reflink       `cp -a --reflink=always`, on a disk that shares blocks: nothing is read or hashed

Where there are many images, the row `opening` is the same no-op with a single image: what a sync costs however little there is, and
`an image` what each image adds to that, in milliseconds.

With `--disk btrfs` (as root) all of it is on a disk of its own that shares blocks between files, in a file of `--folder`: there
ours shares them too, and hashes what it shares. The rounds take turns. Told are medians in seconds, ours relative to the faster of
rclone and rsync, and, where there is one, to the faster of those that check or flush as we do (below 1.00 we are faster).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from bench.sync_places import PLACES, Place
from isomanager.library.opening import Library
from isomanager.library.pruning import retire
from isomanager.library.repositories import add_repository
from isomanager.library.sync_groups import bring
from isomanager.library.sync_planning import loads, plan_place
from isomanager.library.sync_sources import SyncSource
from isomanager.library.syncing import retire_extra
from isomanager.model import Assurance, Copy, CopyState, Family, OutcomeKind, Receipt, Title
from isomanager.planning.syncing import SyncKind, SyncMode
from isomanager.settings import Settings
from isomanager.version import Version
from sharing_disk import sharing_disk

KIB, MIB = 1 << 10, 1 << 20
CHANGED = 100
"""One image in so many is another one."""

AS_WE_DO = {"rclone": ("rclone-checked", "--checksum"), "rsync": ("rsync-flushed", "--fsync")}
"""The peers' ways that check or flush as ours does, and the option that makes them."""

COPY_BY_BLOCKS = "cp-reflink"

Way = Callable[[], None]


class Images:
    """A library whose default repository holds images of random bytes."""

    def __init__(self, folder: Path, count: int, size: int) -> None:
        self.folder, self._size, self._made = folder / "images", size, 0
        self.settings = Settings(data_folder=folder / "data", default_repository=str(self.folder), images_at_once=4)
        with Library(self.settings) as library:
            self.add(library, count)

    def add(self, library: Library, count: int) -> None:
        """So many more, held and with receipts."""
        copies, receipts = zip(*(self._image() for _ in range(count)), strict=True)
        library.inventory.import_receipts(receipts)
        assert not library.inventory.import_copies(copies).skipped

    def _image(self) -> tuple[Copy, Receipt]:
        self._made += 1
        number, now = self._made, datetime.now(UTC)
        path, digest = f"Custom/lab{number}/lab{number}-1.iso", hashlib.sha256()
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (self.folder / path).open("wb") as file:
            for start in range(0, self._size, MIB):
                piece = os.urandom(min(MIB, self._size - start))
                digest.update(piece)
                file.write(piece)
        sha256 = digest.hexdigest()
        title = Title(family=Family.CUSTOM, product=f"lab{number}", version=Version("1"))
        told = {"title": title, "sha256": sha256, "size": self._size, "digests": {"sha256": sha256}, "proved_at": now}
        receipt = Receipt(filename=Path(path).name, assurance=Assurance.PINNED, **told)
        copy = Copy(
            id=secrets.token_hex(8), repository="default", path=path, state=CopyState.HELD, assurance=Assurance.PINNED,
            fingerprint=f"sha256:{sha256}", filename=Path(path).name, source="bench", reason="bench", created_at=now,
            changed_at=now, **told,
        )  # fmt: skip
        return copy, receipt

    def change(self) -> None:
        """One in a hundred goes, and another one comes."""
        with Library(self.settings) as library:
            held = library.inventory.copies("default", states={CopyState.HELD})
            going = held[::CHANGED] or held[:1]
            for copy in going:
                retire(library, copy, "the bench")
            self.add(library, len(going))


def mirror(images: Images, to: str) -> None:
    """What `isomanager sync default TO --mode mirror` does, but for Prefect."""
    with Library(images.settings) as library, ThreadPoolExecutor(library.settings.images_at_once) as pool:
        origin = SyncSource(library, "default")
        steps, seen = plan_place(library, origin, to, SyncMode.MIRROR, max_deletes=1 << 30)
        surveys = {to: seen} if seen else {}
        for outcomes in pool.map(lambda one: bring(library, origin, one, surveys), loads(steps, surveys)):
            for one in outcomes:
                assert one.outcome is OutcomeKind.PUBLISHED, one.reason
        for one in retire_extra(library, [step for step in steps if step.kind is SyncKind.RETIRE]):
            assert one.outcome is OutcomeKind.RETIRED, one.reason


def ways(images: Images, place: Place, name: str) -> dict[str, Way]:
    """Ours and theirs, into places of their own."""
    found: dict[str, Way] = {"isomanager": lambda: mirror(images, name)}
    rclone = shutil.which("rclone") or str(Path(sys.executable).parent / "rclone")
    commands = {
        "rclone": [rclone, "sync", "--config", "/dev/null", "--exclude", "/.isomanager/**"],
        "rsync": ["rsync", "-a", "--delete", "--exclude=/.isomanager"],
    }
    for peer, where in place.peers.items():
        as_we_do, option = AS_WE_DO[peer]
        for way, more, behind in ((peer, [], ""), (as_we_do, [option], "-fair")):
            to = f"{where.rstrip('/')}{behind}{'/' if where.endswith('/') else ''}"
            words = [*commands[peer], *more, f"{images.folder}/", to]
            found[way] = _command(words)
    if place.blocks:
        found[COPY_BY_BLOCKS] = _command(["cp", "-a", "--reflink=always", f"{images.folder}/.", place.blocks])
    return found


def _command(words: list[str]) -> Way:
    def run() -> None:
        subprocess.run(words, check=True, capture_output=True)

    return run


def timed(way: Way) -> float:
    """Seconds."""
    os.sync()
    started = monotonic()
    way()
    return monotonic() - started


def tell(scene: str, server: str, taken: dict[str, list[float]]) -> None:
    """A line for each."""
    middle = {name: statistics.median(seconds) for name, seconds in taken.items()}
    fair = {way for way, _ in AS_WE_DO.values()}
    peers = {name: seconds for name, seconds in middle.items() if name not in ("isomanager", COPY_BY_BLOCKS)}
    usual = min(seconds for name, seconds in peers.items() if name not in fair)
    same = min((seconds for name, seconds in peers.items() if name in fair), default=usual)
    for name, seconds in middle.items():
        ours = middle["isomanager"]
        told = (
            f"   ours/faster peer {ours / usual:5.2f}   ours/as we do {ours / same:5.2f}"
            if name == "isomanager"
            else ""
        )
        print(f"{scene:8} {server:6} {name:15} {seconds:8.3f} s{told}", flush=True)


def opening(folder: Path, asked: argparse.Namespace, server: str) -> float:
    """The median no-op of a library with one image, in seconds."""
    images = Images(folder / "one", 1, asked.kib * KIB)
    with PLACES[server](folder / "to-one") as place:
        os.environ.update(place.environment)
        with Library(images.settings) as library:
            add_repository(library, server, place.url)
        mirror(images, server)
        return statistics.median(timed(lambda: mirror(images, server)) for _ in range(asked.rounds))


def many(folder: Path, asked: argparse.Namespace, server: str) -> None:
    """Many images: nothing to do, then one in a hundred changed, round by round."""
    fixed = opening(folder, asked, server)
    images = Images(folder / "source", asked.images, asked.kib * KIB)
    with PLACES[server](folder / "to") as place:
        os.environ.update(place.environment)
        with Library(images.settings) as library:
            add_repository(library, server, place.url)
        all_ways = ways(images, place, server)
        tell("first", server, {name: [timed(way)] for name, way in all_ways.items()})
        no_op: dict[str, list[float]] = {name: [] for name in all_ways}
        changed: dict[str, list[float]] = {name: [] for name in all_ways}
        for _ in range(asked.rounds):
            for name, way in all_ways.items():
                no_op[name].append(timed(way))
            images.change()
            for name, way in all_ways.items():
                changed[name].append(timed(way))
        tell("no-op", server, no_op)
        each = (statistics.median(no_op["isomanager"]) - fixed) / asked.images * 1000
        print(f"{'no-op':8} {server:6} {'opening':15} {fixed:8.3f} s   an image {each:.3f} ms", flush=True)
        tell("changed", server, changed)


def large(folder: Path, asked: argparse.Namespace, server: str) -> None:
    """A first copy of a few large images, each round into a fresh place."""
    taken: dict[str, list[float]] = {}
    images = Images(folder / "source", asked.files, asked.mib * MIB // asked.files)
    for number in range(asked.rounds):
        with PLACES[server](folder / f"to{number}") as place:
            os.environ.update(place.environment)
            with Library(images.settings) as library:
                add_repository(library, f"{server}{number}", place.url)
            for name, way in ways(images, place, f"{server}{number}").items():
                taken.setdefault(name, []).append(timed(way))
        shutil.rmtree(folder / f"to{number}", ignore_errors=True)
    tell("large", server, taken)


SCENES = {"many": many, "large": large}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="local,s3,smb", help="where to, of local, s3, smb")
    parser.add_argument("--scenes", default="many,large", help="which scenes, of many, large")
    parser.add_argument("--images", type=int, default=1000, help="how many small images")
    parser.add_argument("--kib", type=int, default=256, help="size of each of them")
    parser.add_argument("--mib", type=int, default=4096, help="size of the large images together")
    parser.add_argument("--files", type=int, default=4, help="how many large images")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="on which disk; a folder of its own is made there, and removed")
    parser.add_argument("--disk", choices=["btrfs"], help="on a disk of its own that shares blocks")
    asked = parser.parse_args()
    for server in asked.only.split(","):
        for scene in asked.scenes.split(","):
            with (
                tempfile.TemporaryDirectory(prefix="isomanager-bench-", dir=asked.folder) as folder,
                ExitStack() as mounted,
            ):
                place = Path(folder)
                if asked.disk:
                    room = 8 * max(asked.mib * MIB, asked.images * asked.kib * KIB) + (1 << 30)
                    place = mounted.enter_context(sharing_disk(place, room))
                SCENES[scene](place, asked, server)


if __name__ == "__main__":
    main()
