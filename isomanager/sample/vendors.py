"""Five imagined vendors, each publishing in the way of a kind of real ones.

| vendor | family | in the manner of | listing | proof |
|---|---|---|---|---|
| orchard | linux | Ubuntu | Apache table, one folder a series | SHA256SUMS (`hash *file`) + detached SHA256SUMS.gpg |
| granite | linux | Fedora | JSON API | clearsigned CHECKSUM with sizes and BSD lines |
| beacon | appliance | Proxmox | flat nginx listing | SHA256SUMS, unsigned |
| lantern | rescue | small projects | fancyindex, a redirecting alias | a bare digest beside each file |
| driftwood | bsd | FreeBSD | minified Apache table, one folder a version | clearsigned CHECKSUM.SHA256 in BSD form |

A vendor is data and two pure functions: which releases come next, and which documents go with what is published.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from isomanager.sample import checksums
from isomanager.sample.releases import MIB, Published, Release, day, next_patch
from isomanager.sample.signing import SigningKey

Documents = dict[str, bytes]
"""Contents by path relative to the site, in the order in which they are to appear."""


@dataclass(frozen=True)
class Vendor:
    """A vendor's first releases, how the next ones are named, and the documents that go with what is published.

    `documents(published, base_url, key)` gives the documents, checksums before signatures; `aliases(published)` addresses
    that redirect, as paths relative to the site. `dialect` names the form of its index pages.
    """

    name: str
    dialect: str
    first: tuple[Release, ...]
    successors: Callable[[Sequence[Published]], tuple[Release, ...]]
    documents: Callable[[Sequence[Published], str, SigningKey], Documents]
    aliases: Callable[[Sequence[Published]], Mapping[str, str]] = field(default=lambda _published: {})


def _by_folder(published: Sequence[Published]) -> dict[str, list[Published]]:
    folders: defaultdict[str, list[Published]] = defaultdict(list)
    for one in published:
        folders[one.release.folder].append(one)
    return {folder: sorted(ones, key=lambda one: one.release.name) for folder, ones in sorted(folders.items())}


def _newest(published: Sequence[Published], vendor: str) -> list[Release]:
    """The releases of the day on which `vendor` last released, pre-releases and siblings aside."""
    own = [one.release for one in published if one.release.vendor == vendor and one.release.flavor in _FLAVORS[vendor]]
    own = [one for one in own if not any(word in one.version for word in ("beta", "Beta", "RC"))]
    last = max(one.released_at for one in own)
    return [one for one in own if one.released_at == last]


_FLAVORS = {
    "orchard": ("desktop", "live-server"),
    "granite": ("Workstation", "Server"),
    "beacon": ("ve",),
    "lantern": ("rescue",),
    "driftwood": ("bootonly", "disc1"),
}


# orchard


def _orchard(version: str, media: str, date: str, payload: int) -> Release:
    series = ".".join(version.split("-")[0].split(".")[:2])
    path = f"orchard/{series}/orchard-{version}-{media}-amd64.iso"
    return Release("orchard", version, media, path, day(date), payload)


def _orchard_next(published: Sequence[Published]) -> tuple[Release, ...]:
    """A point release of the newest long-term series, as Ubuntu makes for its own."""
    lts = [one.release for one in published if one.release.folder == "orchard/26.04"]
    latest = max(lts, key=lambda one: one.released_at)
    date = f"{latest.released_at + timedelta(days=91):%Y-%m-%d}"
    version = next_patch(latest.version)
    return (_orchard(version, "desktop", date, 3 * MIB), _orchard(version, "live-server", date, 2 * MIB))


def _orchard_documents(published: Sequence[Published], _base_url: str, key: SigningKey) -> Documents:
    documents: Documents = {}
    for folder, ones in _by_folder(published).items():
        sums = checksums.gnu(ones, binary=True)
        documents[f"{folder}/SHA256SUMS"] = sums
        documents[f"{folder}/SHA256SUMS.gpg"] = key.detached(sums)
    return documents


ORCHARD = Vendor(
    "orchard",
    "apache",
    (
        _orchard("24.04.2", "desktop", "2025-02-20", 2 * MIB),
        _orchard("24.04.2", "live-server", "2025-02-20", MIB),
        _orchard("24.04.3", "desktop", "2025-08-07", 2 * MIB),
        _orchard("24.04.3", "live-server", "2025-08-07", MIB),
        _orchard("26.04.1", "desktop", "2026-08-06", 3 * MIB),
        _orchard("26.04.1", "live-server", "2026-08-06", 2 * MIB),
        _orchard("26.10", "desktop", "2026-10-15", 3 * MIB),
        _orchard("26.10", "live-server", "2026-10-15", 2 * MIB),
        # a folder that so far holds only a beta: it must win nowhere but in the preview channel
        _orchard("27.04-beta", "live-server", "2026-11-12", MIB),
    ),
    _orchard_next,
    _orchard_documents,
)


# granite


def _granite(version: str, variant: str, compose: str, date: str, payload: int) -> Release:
    spelled = version.replace(" ", "_")
    place = f"granite/linux/releases/{'test/' if ' ' in version else ''}{spelled}/{variant}/x86_64/iso"
    # Fedora's two orders of the name, side by side since its release 42
    name = {
        "Workstation": f"Granite-Workstation-Live-{spelled}-{compose}.x86_64.iso",
        "Server": f"Granite-Server-dvd-x86_64-{spelled}-{compose}.iso",
    }[variant]
    return Release("granite", version, variant, f"{place}/{name}", day(date), payload, "x86_64")


def _granite_next(published: Sequence[Published]) -> tuple[Release, ...]:
    latest = _newest(published, "granite")[0]
    date = f"{latest.released_at + timedelta(days=182):%Y-%m-%d}"
    version = next_patch(latest.version)
    return (
        _granite(version, "Workstation", "1.4", date, 3 * MIB),
        _granite(version, "Server", "1.4", date, 2 * MIB),
    )


def _granite_documents(published: Sequence[Published], base_url: str, key: SigningKey) -> Documents:
    documents: Documents = {}
    for folder, ones in _by_folder(published).items():
        release = ones[0].release
        compose = release.name.removesuffix(".iso").removesuffix(".x86_64").rpartition("-")[2]
        document = f"Granite-{release.flavor}-{release.version.replace(' ', '_')}-{compose}-x86_64-CHECKSUM"
        documents[f"{folder}/{document}"] = key.clearsigned(checksums.bsd_with_sizes(ones))
    newest_first = sorted(published, key=lambda one: (one.release.released_at, one.release.name), reverse=True)
    documents["granite/releases.json"] = checksums.releases_json(newest_first, base_url)
    return documents


GRANITE = Vendor(
    "granite",
    "apache",
    (
        _granite("43", "Workstation", "1.6", "2025-10-28", 2 * MIB),
        _granite("43", "Server", "1.6", "2025-10-28", MIB),
        _granite("44", "Workstation", "1.7", "2026-04-28", 3 * MIB),
        _granite("44", "Server", "1.7", "2026-04-28", 2 * MIB),
        _granite("45 Beta", "Workstation", "1.3", "2026-09-22", 2 * MIB),
        _granite("45 Beta", "Server", "1.3", "2026-09-22", MIB),
    ),
    _granite_next,
    _granite_documents,
)


# beacon


def _beacon(version: str, date: str, payload: int, product: str = "ve") -> Release:
    return Release("beacon", version, product, f"beacon/iso/beacon-{product}_{version}.iso", day(date), payload)


def _beacon_next(published: Sequence[Published]) -> tuple[Release, ...]:
    latest = _newest(published, "beacon")[0]
    version = f"{next_patch(latest.version.partition('-')[0])}-1"
    return (_beacon(version, f"{latest.released_at + timedelta(days=60):%Y-%m-%d}", 2 * MIB),)


def _beacon_documents(published: Sequence[Published], _base_url: str, _key: SigningKey) -> Documents:
    return {f"{folder}/SHA256SUMS": checksums.gnu(ones) for folder, ones in _by_folder(published).items()}


BEACON = Vendor(
    "beacon",
    "nginx",
    (
        _beacon("9.0-1", "2025-08-05", MIB),
        _beacon("9.2-1", "2026-08-18", 2 * MIB),
        # a sibling product in the same flat listing, with the higher number
        _beacon("12.1-1", "2026-09-01", MIB, "backup-server"),
    ),
    _beacon_next,
    _beacon_documents,
)


# lantern


def _lantern(version: str, date: str, payload: int) -> Release:
    return Release("lantern", version, "rescue", f"lantern/stable/lantern-{version}.iso", day(date), payload)


def _lantern_next(published: Sequence[Published]) -> tuple[Release, ...]:
    latest = _newest(published, "lantern")[0]
    return (_lantern(next_patch(latest.version), f"{latest.released_at + timedelta(days=30):%Y-%m-%d}", MIB),)


def _lantern_documents(published: Sequence[Published], _base_url: str, _key: SigningKey) -> Documents:
    return {f"{one.release.path}.sha256": checksums.bare(one) for one in published}


def _lantern_aliases(published: Sequence[Published]) -> Mapping[str, str]:
    newest = _newest(published, "lantern")[0]
    return {"lantern/lantern-latest.iso": newest.path, "lantern/lantern-latest.iso.sha256": f"{newest.path}.sha256"}


LANTERN = Vendor(
    "lantern",
    "fancyindex",
    (_lantern("2.9.4", "2026-05-11", MIB), _lantern("2.10.1", "2026-09-30", MIB)),
    _lantern_next,
    _lantern_documents,
    _lantern_aliases,
)


# driftwood


def _driftwood(version: str, stage: str, disc: str, date: str, payload: int) -> Release:
    name = f"Driftwood-{version}-{stage}-amd64-{disc}.iso"
    spelled = version if stage == "RELEASE" else f"{version}-{stage}"
    return Release("driftwood", spelled, disc, f"driftwood/ISO-IMAGES/{version}/{name}", day(date), payload)


def _driftwood_next(published: Sequence[Published]) -> tuple[Release, ...]:
    latest = _newest(published, "driftwood")[0]
    date = f"{latest.released_at + timedelta(days=150):%Y-%m-%d}"
    version = next_patch(latest.version)
    return tuple(_driftwood(version, "RELEASE", disc, date, MIB) for disc in _FLAVORS["driftwood"])


def _driftwood_documents(published: Sequence[Published], _base_url: str, key: SigningKey) -> Documents:
    documents: Documents = {}
    for folder, ones in _by_folder(published).items():
        for stage in sorted({one.release.name.split("-")[2] for one in ones}):
            staged = [one for one in ones if one.release.name.split("-")[2] == stage]
            document = f"{folder}/CHECKSUM.SHA256-Driftwood-{folder.rpartition('/')[2]}-{stage}-amd64"
            documents[document] = key.clearsigned(checksums.bsd(staged))
    return documents


DRIFTWOOD = Vendor(
    "driftwood",
    "minified",
    (
        _driftwood("14.5", "RELEASE", "bootonly", "2026-03-10", MIB),
        _driftwood("14.5", "RELEASE", "disc1", "2026-03-10", 2 * MIB),
        _driftwood("15.1", "RELEASE", "bootonly", "2026-06-02", MIB),
        _driftwood("15.1", "RELEASE", "disc1", "2026-06-02", 2 * MIB),
        # the folder exists before the release does
        _driftwood("15.2", "RC1", "bootonly", "2026-09-20", MIB),
    ),
    _driftwood_next,
    _driftwood_documents,
)


VENDORS: Mapping[str, Vendor] = {one.name: one for one in (ORCHARD, GRANITE, BEACON, LANTERN, DRIFTWOOD)}
"""All of them, by name."""
