"""What is expected of the recorded documents, and whether the catalogue answers so. For the tests, and for bench/expectations.py.

Each line of expectations.jsonl names a recorded document, a question, and the answer that a careful person read in it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from isomanager.catalogue.checksums import lookup, parse_checksums
from isomanager.catalogue.documents import SavedDocuments
from isomanager.catalogue.loader import Catalogue
from isomanager.catalogue.releases import Release, latest, releases
from isomanager.catalogue.resolve import resolve
from isomanager.errors import IsoManagerError, ResolveError
from isomanager.model import Offer, Selector
from isomanager.version import VersionRule
from recorded_others import told_of

Expectation = dict[str, Any]

ADDRESSES = {
    "ubuntu/ubuntu-22.04-SHA256SUMS": "https://releases.ubuntu.com/22.04/SHA256SUMS",
    "ubuntu/ubuntu.com-releases-2023-11.yaml": "https://raw.githubusercontent.com/canonical/ubuntu.com/main/releases.yaml",
    "ubuntu/meta-release": "https://changelogs.ubuntu.com/meta-release",
    "debian/debian-12.1.0-amd64-iso-cd-SHA512SUMS": "https://cdimage.debian.org/cdimage/archive/12.1.0/amd64/iso-cd/SHA512SUMS",
    "fedora/releases.excerpt.json": "https://fedoraproject.org/releases.json",
    "fedora/Fedora-Workstation-32-1.6-x86_64-CHECKSUM": "https://archives.fedoraproject.org/pub/archive/fedora/linux/releases/32/Workstation/x86_64/iso/Fedora-Workstation-32-1.6-x86_64-CHECKSUM",
    "arch/releases.json": "https://archlinux.org/releng/releases/json/",
    "freebsd/iso-images-index.html": "https://download.freebsd.org/releases/ISO-IMAGES/",
    "freebsd/CHECKSUM.SHA256-FreeBSD-14.0-RELEASE-amd64.asc": "https://www.freebsd.org/releases/14.0R/checksums/CHECKSUM.SHA256-FreeBSD-14.0-RELEASE-amd64.asc",
    "freebsd/CHECKSUM.SHA256-FreeBSD-14.0-RC4-amd64.asc": "https://www.freebsd.org/releases/14.0R/checksums/CHECKSUM.SHA256-FreeBSD-14.0-RC4-amd64.asc",
    "rocky/rocky-9.6-latest-minimal.iso.CHECKSUM": "https://dl.rockylinux.org/pub/rocky/9/isos/x86_64/Rocky-9-latest-x86_64-minimal.iso.CHECKSUM",
    "almalinux/almalinux-10.3-beta-nginx-index.html": "https://repo.almalinux.org/almalinux/10.3-beta/isos/aarch64/",
    "alpine/alpine-3.13.5-x86-latest-releases.excerpt.yaml": "https://dl-cdn.alpinelinux.org/alpine/v3.13/releases/x86/latest-releases.yaml",
    "fedora/fcos-stable.json": "https://builds.coreos.fedoraproject.org/streams/stable.json",
    "appliances/fcos_stable_prev.json": "https://builds.coreos.fedoraproject.org/streams/stable.json",
    "kali/current-index.html": "https://cdimage.kali.org/current/",
    "mint/stable-index.html": "https://mirrors.edge.kernel.org/linuxmint/stable/",
    "mint/sha256-line.txt": "https://mirrors.edge.kernel.org/linuxmint/stable/22/sha256sum.txt",
    "opensuse/Leap-15.6-NET.sha256": "https://download.opensuse.org/distribution/leap/15.6/iso/openSUSE-Leap-15.6-NET-x86_64-Media.iso.sha256",
    "opensuse/distributions.json": "https://get.opensuse.org/api/v0/distributions.json",
    "manjaro/file-info.json": "https://gitlab.manjaro.org/web/iso-info/-/raw/master/file-info.json",
    "manjaro/kde.sha256": "https://download.manjaro.org/kde/26.1.1/manjaro-kde-26.1.1-260825-linux71.iso.sha256",
    "elementary/front-page-download-dialog.html": "https://elementary.io/",
    "qubes/Qubes-R3.2-x86_64.iso.DIGESTS": "https://ftp.qubes-os.org/iso/Qubes-R3.2-x86_64.iso.DIGESTS",
    "qubes/Qubes-R4.1.2-x86_64.iso.DIGESTS": "https://ftp.qubes-os.org/iso/Qubes-R4.1.2-x86_64.iso.DIGESTS",
    "qubes/Qubes-R4.3.0-x86_64.iso.DIGESTS": "https://ftp.qubes-os.org/iso/Qubes-R4.3.0-x86_64.iso.DIGESTS",
    "qubes/Qubes-R4.3.0-rc4-x86_64.iso.DIGESTS": "https://ftp.qubes-os.org/iso/Qubes-R4.3.0-rc4-x86_64.iso.DIGESTS",
    "gentoo/gentoo-2018-latest-iso.txt": "https://distfiles.gentoo.org/releases/amd64/autobuilds/latest-iso.txt",
    "tails/tails-5.15-stable-latest.json": "https://tails.net/install/v2/Tails/amd64/stable/latest.json",
    "appliances/haos_stable.json": "https://version.home-assistant.io/stable.json",
    "appliances/vyos_version_202409030006.json": "https://raw.githubusercontent.com/vyos/vyos-nightly-build/refs/heads/current/version.json",
    "appliances/opnsense_25.7_announcement_excerpt.txt": "https://raw.githubusercontent.com/opnsense/changelog/master/community/25.7/25.7",
    "appliances/ventoy_v1.0.52_release_excerpt.txt": "https://github.com/ventoy/Ventoy/releases/tag/v1.0.52",
    "appliances/securityonion_DOWNLOAD_AND_VERIFY_ISO_3.1.0_excerpt.md": "https://raw.githubusercontent.com/Security-Onion-Solutions/securityonion/3/main/DOWNLOAD_AND_VERIFY_ISO.md",
    "appliances/clonezilla_mirror_3.1.0-22_release_excerpt.txt": "https://clonezilla.org/downloads/stable/data/CHECKSUMS.TXT",
    "appliances/harvester_v1.7.1_release_excerpt.txt": "https://github.com/harvester/harvester/releases",
    "appliances/rescuezilla_2.6.2_release_excerpt.txt": "https://github.com/rescuezilla/rescuezilla/releases/tag/2.6.2",
}  # fmt: skip
"""Where each recorded document stood (the Clonezilla one is a mirror's copy of two projects' documents)."""

RECORDED = {
    "almalinux",
    "alpine",
    "archlinux",
    "clonezilla",
    "debian",
    "elementary",
    "fedora",
    "fedora-coreos",
    "freebsd",
    "gentoo",
    "gparted",
    "harvester",
    "home-assistant-os",
    "kali",
    "linuxmint",
    "manjaro",
    "opensuse",
    "opnsense",
    "qubes",
    "rescuezilla",
    "rocky",
    "security-onion",
    "tails",
    "ubuntu",
    "ventoy",
    "vyos",
}
"""The products that recorded documents are about."""

GPARTED = "https://gparted.org/gparted-live/stable/CHECKSUMS.TXT"

LINES = {"Leap": "leap", "LeapMicro": "leap-micro", "Tumbleweed": "tumbleweed"}


@dataclass(frozen=True)
class Verdict:
    """Whether the answer is the expected one, or nobody asks; and what was told instead."""

    state: Literal["right", "wrong", "unasked"]
    told: str = ""


def all_expectations(folder: Path) -> list[Expectation]:
    """Every line of the file beside the folder of recorded documents."""
    lines = (folder.parent / "expectations.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def expectations(folder: Path) -> list[Expectation]:
    """Those about documents of product files."""
    return [one for one in all_expectations(folder) if one["fixture"] in ADDRESSES]


def verdict(one: Expectation, folder: Path, catalogue: Catalogue) -> Verdict:
    """Ask, and hold the answer against the expected one."""
    try:
        told = mismatch(one, folder, catalogue) if one["fixture"] in ADDRESSES else _other(one, folder, catalogue)
    except (IsoManagerError, AssertionError) as wrong:
        told = f"{type(wrong).__name__}: {wrong}"
    if told is None:
        return Verdict("unasked")
    return Verdict("wrong", told) if told else Verdict("right")


def _other(one: Expectation, folder: Path, catalogue: Catalogue) -> str | None:
    """As `mismatch`, for a document that is none of a product file's; None where nobody asks."""
    told = told_of(one, folder, catalogue)
    if told is None:
        return None
    wanted = {name: value for name, value in one["expect"].items() if name not in ("note", "published", "sig_date")}
    if one["query"].get("step") == "sku" and "sku_id" in wanted:
        told.pop("error", None)  # the one recorded link is Italian, and is refused for any other language
    wrong = [
        f"{name}: {told.get(name)!r} instead of {value!r}" for name, value in wanted.items() if told.get(name) != value
    ]
    return "; ".join(wrong)


def mismatch(one: Expectation, folder: Path, catalogue: Catalogue) -> str:
    """What is wrong with the answer, "" for nothing."""
    if "file" in one["query"]:
        entries = parse_checksums((folder / one["fixture"]).read_text(encoding="utf-8"))
        found = lookup(entries, one["query"]["file"]).get("sha256")
        return "" if found == one["expect"]["sha256"] else f"{found} instead of {one['expect']['sha256']}"
    if "want" in one["query"]:
        listed = releases(catalogue.product(one["family"]), documents_of(one, folder))
        line = LINES.get(one["query"].get("product", ""), "")
        check_release_list(one["query"], one["expect"], tuple(release for release in listed if release.line == line))
        return ""
    if one["query"].get("flavour") == "any-iso":
        return taken_for_an_iso(one, folder, catalogue)
    return _wrong_offer(one, folder, catalogue)


def taken_for_an_iso(one: Expectation, folder: Path, catalogue: Catalogue) -> str:
    """The flavors that give the file that no flavor must give."""
    product, wrong = catalogue.product(one["family"]), one["expect"]["not_filename"]
    guilty = []
    for flavor in product.flavors:
        try:
            (offer,) = resolve(product, Selector.parse(f"{product.id}/{flavor}@22.04"), documents_of(one, folder))
        except ResolveError:
            continue
        guilty += [flavor] if offer.filename == wrong else []
    return f"{', '.join(guilty)} give {wrong}" if guilty else ""


def selector_of(expectation: Expectation) -> Selector:
    """The query as a person would write it: PRODUCT/FLAVOR@VERSION and an architecture."""
    query = expectation["query"]
    variant = query.get("variant", "full").replace("full", "")
    named = next((query[word] for word in ("flavour", "branch", "board") if word in query), "")
    pieces = (query.get("stream", ""), named, query.get("media", ""), variant)
    flavor = "-".join(piece for piece in pieces if piece)
    text = f"{expectation['family']}{'/' + flavor if flavor else ''}@{query.get('version', 'latest')}"
    return Selector.parse(text, architectures=(query["arch"],) if "arch" in query else ())


def documents_of(expectation: Expectation, folder: Path) -> SavedDocuments:
    """The recorded document at its address, and nothing else."""
    fixture = expectation["fixture"]
    address = GPARTED if expectation["family"] == "gparted" else ADDRESSES[fixture]
    return SavedDocuments({address: folder / fixture})


def _wrong_offer(one: Expectation, folder: Path, catalogue: Catalogue) -> str:
    expect, product = one["expect"], catalogue.product(one["family"])
    try:
        (offer,) = resolve(product, selector_of(one), documents_of(one, folder))
    except ResolveError as error:
        if expect.get("torrent_only"):
            torrents = [url.rpartition("/")[2] for url in error.data.get("torrents", ())]
            return "" if torrents == [expect["torrent_only"]] else f"{error.code}: {error}"
        return "" if expect.get("error") == error.code else f"{error.code}: {error}"
    wrong = [
        f"{key}: {told!r} instead of {expect[key]!r}"
        for key, told in facts(offer).items()
        if differs(key, told, expect)
    ]
    unexpected = [f"no {expect['error']} but {offer.filename}"] if "error" in expect else []
    return "; ".join(wrong + unexpected)


def facts(offer: Offer) -> dict[str, Any]:
    """An offer under the names the expectations use."""
    documents = [proof.document for proof in offer.proofs if proof.document]
    return {
        "filename": offer.filename,
        "version": str(offer.title.version),
        **{name: offer.digests.get(name) for name in ("sha256", "sha512", "sha1", "md5")},
        "b2": offer.digests.get("blake2b"),
        "size": offer.size,
        "declared_size": offer.size,
        "url": offer.urls[0],
        "url_path": urlsplit(offer.urls[0]).path,
        "compressed": offer.packing.kind if offer.packing else None,
        "infohash": offer.torrent.info_hash if offer.torrent else None,
        "signed_by": next((key for proof in offer.proofs for key in proof.signers), None),
        "torrent": offer.torrent.url if offer.torrent else None,
        "checksum_url": next(iter(documents), None),
        "sha512_url": next(iter(documents), None),
        "checksums": next((document.rpartition("/")[2] for document in documents), None),
    }


def differs(key: str, told: Any, expect: dict[str, Any]) -> bool:
    """Whether what is told is not what is expected, where anything is."""
    if key in ("url_path", "signature", "torrent"):  # as far as the document itself tells the address
        return key in expect and not f"/{told}".endswith(f"/{expect[key].removeprefix('/')}")
    return key in expect and told != expect[key]


def check_release_list(query: dict[str, Any], expect: dict[str, Any], found: tuple[Release, ...]) -> None:
    """AssertionError when the list does not answer as expected."""
    if query["want"] in ("latest", "latest-stable", "latest-of-series", "version"):
        asked = query.get("series") or query.get("version") or ""
        fitting = [one for one in found if VersionRule.parse(asked).accepts(one.version) and one.supported is not False]
        told = [str(one.version) for one in fitting]
        assert expect["version"] == (told[-1] if query["want"] != "version" else asked)
        assert expect["version"] in told
    elif query["want"] == "versions":
        newest = latest(found)
        assert [str(one.version) for one in found] == expect["versions"]
        assert newest is not None
        assert str(newest.version) == expect["latest"]
    elif query["want"] == "latest-lts":
        newest = latest(found, lts=True)
        assert newest is not None
        assert (str(newest.version), newest.codename, newest.series) == (
            expect["version"],
            expect["codename"],
            expect["series"],
        )
    elif query["want"] == "supported-series":
        assert [one.series for one in found if one.supported] == expect["series"]
    else:
        (named,) = [one for one in found if one.codename == query["codename"]]
        assert str(named.version).lstrip("0") == expect["series"]
