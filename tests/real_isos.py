"""Real bootable ISOs from Debian packages, and a site that publishes them as vendors do.

They are fetched with `apt-get download` and unpacked with `dpkg -x`: no root, nothing is installed. Digests are computed, never
pinned, because a security update of a package changes its image.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

from isomanager.errors import ConnectionFailed, PermanentError
from isomanager.sample import checksums
from isomanager.sample.folder import ServedFolder
from isomanager.sample.forgery import forger
from isomanager.sample.placement import place
from isomanager.sample.releases import Published, Release
from isomanager.sample.server import SampleServer
from isomanager.sample.signing import SigningKey

_SECONDS = 120

IMAGES = {
    "memtest86+x64.iso": ("memtest86+", "usr/lib/memtest86+/memtest86+x64.iso"),
    "memtest86+ia32.iso": ("memtest86+", "usr/lib/memtest86+/memtest86+ia32.iso"),
    "ipxe.iso": ("ipxe", "usr/lib/ipxe/ipxe.iso"),
    "grub-rescue-cdrom.iso": ("grub-rescue-pc", "usr/lib/grub-rescue/grub-rescue-cdrom.iso"),
}
"""The images by name: the Debian package, and the path in it."""


class NoRealIsos(PermanentError):
    """The machine cannot give real images."""

    code = "no-real-isos"


def real_isos(folder: Path) -> dict[str, Path]:
    """The images in `folder` by name, fetched there unless they are there already. Processes take turns.

    Raises NoRealIsos where apt-get or dpkg is missing or the package is unknown, ConnectionFailed when the archive cannot be
    reached.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock", timeout=3 * _SECONDS):
        for package in dict.fromkeys(package for package, _ in IMAGES.values()):
            if any(not (folder / name).is_file() for name, (held_by, _) in IMAGES.items() if held_by == package):
                _fetch(package, folder)
    return {name: folder / name for name in IMAGES}


def _fetch(package: str, folder: Path) -> None:
    missing = [tool for tool in ("apt-get", "dpkg") if shutil.which(tool) is None]
    if missing:
        raise NoRealIsos(
            f"{' and '.join(missing)} is not here to fetch {package}.",
            hint=f"On another system, put {', '.join(IMAGES)} into {folder}.",
            package=package,
        )
    work = folder / f".{package}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        _run(["apt-get", "download", package], work, package)
        (archive,) = work.glob("*.deb")
        _run(["dpkg", "-x", archive.name, "unpacked"], work, package)
        for name, (held_by, path) in IMAGES.items():
            if held_by == package:
                (work / "unpacked" / path).replace(folder / name)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(command: list[str], work: Path, package: str) -> None:
    try:
        done = subprocess.run(
            command, cwd=work, capture_output=True, text=True, timeout=_SECONDS, env={**os.environ, "LC_ALL": "C"}
        )
    except subprocess.TimeoutExpired as error:
        raise ConnectionFailed(f"{' '.join(command)} took more than {_SECONDS} s.", package=package) from error
    if done.returncode == 0:
        return
    said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    unknown = "Unable to locate package" in done.stderr or "No candidate version" in done.stderr
    kind = NoRealIsos if unknown or command[0] == "dpkg" else ConnectionFailed
    raise kind(f"{' '.join(command)} failed: {said}", hint="Run apt-get update once, as root.", package=package)


@pytest.fixture(scope="session")
def real_images() -> dict[str, Path]:
    """The images, kept in the user's cache between runs. Skips where they cannot be had, but fails there when CI is true."""
    try:
        return real_isos(Path(platformdirs.user_cache_dir("isomanager")) / "real-isos")
    except (NoRealIsos, ConnectionFailed) as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def real_site(real_images: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> RealSite:
    """The images laid out as vendors do, once for all tests: they must not change it."""
    return publish_real(tmp_path_factory.mktemp("real"), real_images)


@pytest.fixture
def real_upstream(real_site: RealSite) -> Iterator[SampleServer]:
    """A server of one's own in front of the real site, with faults of one's own."""
    with SampleServer(ServedFolder(real_site.www), forge=forger(real_site.www)) as server:
        yield server


@dataclass(frozen=True)
class RealSite:
    """Real images laid out as vendors lay them out, under `www`, signed by `key`; `published` tells what is where."""

    www: Path
    key: SigningKey
    published: tuple[Published, ...]


_PLACES = (
    # (image, vendor, version, flavor, path on the site)
    ("memtest86+x64.iso", "memtest", "6.10", "x64", "memtest/6.10/memtest86+-6.10-x64.iso"),
    ("memtest86+ia32.iso", "memtest", "6.10", "ia32", "memtest/6.10/memtest86+-6.10-ia32.iso"),
    ("ipxe.iso", "ipxe", "1.0.0", "rescue", "ipxe/ipxe-1.0.0.iso"),
    ("grub-rescue-cdrom.iso", "grub", "2.06", "rescue", "grub/iso/grub-rescue-2.06-amd64.iso"),
)


def publish_real(folder: Path, images: dict[str, Path]) -> RealSite:
    """Publish `images` under `folder`: memtest with SHA256SUMS and a detached signature, ipxe with a bare digest, grub with a
    clearsigned CHECKSUM in BSD form with sizes."""
    www, key = folder / "www", SigningKey.kept_in(folder / "private" / "key.pgp")
    published = tuple(_publish(www, images[image], *where) for image, *where in _PLACES)
    memtest, ipxe, grub = (
        [one for one in published if one.release.vendor == vendor] for vendor in ("memtest", "ipxe", "grub")
    )
    sums = checksums.gnu(memtest, binary=True)
    documents = {
        f"keys/{key.fingerprint}.asc": key.public,
        "memtest/6.10/SHA256SUMS": sums,
        "memtest/6.10/SHA256SUMS.gpg": key.detached(sums),
        f"{ipxe[0].release.path}.sha256": checksums.bare(ipxe[0]),
        "grub/iso/CHECKSUM": key.clearsigned(checksums.bsd_with_sizes(grub)),
    }
    for path, content in documents.items():
        place(www / path, content)
    return RealSite(www, key, published)


def _publish(www: Path, image: Path, vendor: str, version: str, flavor: str, path: str) -> Published:
    content = image.read_bytes()
    release = Release(vendor, version, flavor, path, datetime(2026, 1, 1, tzinfo=UTC), len(content))
    place(www / path, content, release.modified_at)
    return Published.of(release, content)
