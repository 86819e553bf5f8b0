"""A vendor of one image of some MiB, whose releases have what a delta or a repair can use: .zsync by the real zsyncmake, .torrent."""

from __future__ import annotations

import hashlib
import random
import subprocess
from pathlib import Path

from domain_update import update
from isomanager.library.opening import Library
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Copy, Outcome, Selector
from isomanager.sample.upstream import SampleUpstream
from library.conftest import held
from peers import make_torrent

MIB = 1 << 20
PRODUCT = """
id = "quarry"
name = "Quarry"
family = "linux"
zsync = "{{url}}.zsync"

[source]
allow_http = true
allow_private = true

[[offers]]
strategy = "checksums"
file = 'quarry-(?P<version>[0-9.]+)\\.iso'
steps = [{{ url = "{base}/quarry/SHA256SUMS" }}]
torrent = {{ url = "{{url}}.torrent" }}

[[proof]]
document = "{{folder}}SHA256SUMS"
"""


class Quarry:
    """Publishes releases on the sample upstream."""

    def __init__(self, upstream: SampleUpstream) -> None:
        self.upstream, self.folder = upstream, upstream.site.www / "quarry"
        self.folder.mkdir()
        (upstream.catalogue_folder / "quarry.toml").write_text(PRODUCT.format(base=upstream.url))

    def publish(self, version: str, image: bytes, *, zsync: bool = True, torrent: bool = False) -> Path:
        file = self.folder / f"quarry-{version}.iso"
        file.write_bytes(image)
        with (self.folder / "SHA256SUMS").open("a") as sums:
            sums.write(f"{hashlib.sha256(image).hexdigest()}  {file.name}\n")
        if zsync:
            self.sum(file)
        if torrent:
            Path(f"{file}.torrent").write_bytes(make_torrent(file))
        return file

    @staticmethod
    def sum(file: Path) -> None:
        """Put the block sums of a published image beside it."""
        made = ["zsyncmake", "-u", file.name, "-o", f"{file}.zsync", str(file)]
        subprocess.run(made, check=True, capture_output=True)

    def bring_in(self, library: Library) -> Copy:
        """Subscribe to it and hold its newest release."""
        subscribe(library, Selector.parse("quarry"), floor=Assurance.MIRROR)
        self.update(library)
        return max(held(library), key=lambda one: one.title.version)

    @staticmethod
    def update(library: Library) -> Outcome:
        """What an update made of the newest release."""
        return next(one for one in update(library) if one.title is not None and one.outcome.value != "retired")


def image_of(seed: int, size: int = 3 * MIB + 700) -> bytes:
    """Bytes of no regularity."""
    return random.Random(seed).randbytes(size)
