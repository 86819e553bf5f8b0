"""Every expectation about the bundled products, on the real documents that were recorded from their upstreams."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from isomanager.catalogue.checksums import lookup, parse_checksums
from isomanager.catalogue.documents import SavedDocuments
from isomanager.catalogue.loader import Catalogue
from isomanager.catalogue.releases import Release, latest, releases
from isomanager.catalogue.resolve import resolve
from isomanager.errors import ResolveError
from isomanager.model import Offer, Selector
from isomanager.trust.signify import verify_signify
from isomanager.version import VersionRule

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
}  # fmt: skip
"""Where each recorded document stood."""


def expectations(folder: Path) -> list[dict[str, Any]]:
    lines = (folder.parent / "expectations.jsonl").read_text(encoding="utf-8").splitlines()
    every = [json.loads(line) for line in lines if line.strip()]
    return [one for one in every if one["fixture"] in ADDRESSES]


def selector_of(expectation: dict[str, Any]) -> Selector:
    """The query as a person would write it: PRODUCT/FLAVOR@VERSION and an architecture."""
    query = expectation["query"]
    variant = query.get("variant", "full").replace("full", "")
    pieces = (query.get("stream", ""), query.get("flavour", ""), query.get("media", ""), variant)
    flavor = "-".join(piece for piece in pieces if piece)
    text = f"{expectation['family']}{'/' + flavor if flavor else ''}@{query.get('version', 'latest')}"
    return Selector.parse(text, architectures=(query["arch"],) if "arch" in query else ())


def documents_of(expectation: dict[str, Any], folder: Path) -> SavedDocuments:
    fixture = expectation["fixture"]
    return SavedDocuments({ADDRESSES[fixture]: folder / fixture})


def test_there_are_expectations_for_many_products(recorded: Path) -> None:
    assert {one["family"] for one in expectations(recorded)} >= {
        "ubuntu", "debian", "fedora", "archlinux", "freebsd", "rocky", "almalinux", "alpine", "fedora-coreos", "kali",
        "linuxmint", "opensuse", "manjaro", "elementary", "qubes", "gentoo", "tails",
    }  # fmt: skip
    assert len(expectations(recorded)) >= 66


def test_every_recorded_document_resolves_as_expected(recorded: Path, catalogue: Catalogue) -> None:
    asked = [one for one in expectations(recorded) if not {"want", "file"} & one["query"].keys()]
    named = [one for one in asked if one["query"].get("flavour") != "any-iso"]
    failures = [told for one in named if (told := mismatch(one, recorded, catalogue))]
    assert not failures, "\n".join(failures)
    assert len(named) >= 54


def mismatch(expectation: dict[str, Any], folder: Path, catalogue: Catalogue) -> str:
    expect, product = expectation["expect"], catalogue.product(expectation["family"])
    where = f"{expectation['fixture']} {expectation['query']}"
    try:
        (offer,) = resolve(product, selector_of(expectation), documents_of(expectation, folder))
    except ResolveError as error:
        if expect.get("torrent_only"):
            torrents = [url.rpartition("/")[2] for url in error.data.get("torrents", ())]
            return "" if torrents == [expect["torrent_only"]] else f"{where}: {error.code}: {error}"
        return "" if expect.get("error") == error.code else f"{where}: {error.code}: {error}"
    wrong = [
        f"{key}: {told!r} instead of {expect[key]!r}"
        for key, told in facts(offer).items()
        if differs(key, told, expect)
    ]
    unexpected = [f"no {expect['error']} but {offer.filename}"] if "error" in expect else []
    return f"{where}: {'; '.join(wrong + unexpected)}" if wrong or unexpected else ""


def facts(offer: Offer) -> dict[str, Any]:
    """An offer under the names the expectations use."""
    return {
        "filename": offer.filename,
        "version": str(offer.title.version),
        "sha256": offer.digests.get("sha256"),
        "sha512": offer.digests.get("sha512"),
        "b2": offer.digests.get("blake2b"),
        "size": offer.size,
        "declared_size": offer.size,
        "url": offer.urls[0],
        "url_path": urlsplit(offer.urls[0]).path,
        "infohash": offer.torrent.info_hash if offer.torrent else None,
        "signed_by": next((key for proof in offer.proofs for key in proof.signers), None),
        "torrent": offer.torrent.url if offer.torrent else None,
        "checksum_url": next((proof.document for proof in offer.proofs if proof.document), None),
        "checksums": next((proof.document.rpartition("/")[2] for proof in offer.proofs if proof.document), None),
    }


def differs(key: str, told: Any, expect: dict[str, Any]) -> bool:
    if key in ("url_path", "signature", "torrent"):  # as far as the document itself tells the address
        return key in expect and not f"/{told}".endswith(f"/{expect[key].removeprefix('/')}")
    return key in expect and told != expect[key]


def test_no_flavor_ever_takes_a_wsl_image_for_an_iso(recorded: Path, catalogue: Catalogue) -> None:
    (any_iso,) = [one for one in expectations(recorded) if one["query"].get("flavour") == "any-iso"]
    ubuntu = catalogue.product("ubuntu")
    for flavor in ubuntu.flavors:
        selector = Selector.parse(f"ubuntu/{flavor}@22.04")
        try:
            (offer,) = resolve(ubuntu, selector, documents_of(any_iso, recorded))
        except ResolveError:
            continue
        assert offer.filename != any_iso["expect"]["not_filename"]


def test_the_digest_of_a_named_file_is_found_in_its_document(recorded: Path, catalogue: Catalogue) -> None:
    asked = [one for one in expectations(recorded) if "file" in one["query"]]
    for one in asked:
        entries = parse_checksums((recorded / one["fixture"]).read_text(encoding="utf-8"))
        assert lookup(entries, one["query"]["file"])["sha256"] == one["expect"]["sha256"]
    (kde,) = [one for one in asked if one["family"] == "manjaro"]
    (offer,) = resolve(catalogue.product("manjaro"), Selector.parse("manjaro@26.1.1"), documents_of(kde, recorded))
    assert (offer.filename, offer.digests["sha256"]) == (kde["expect"]["filename"], kde["expect"]["sha256"])


def test_release_lists_answer_as_expected(recorded: Path, catalogue: Catalogue) -> None:
    asked = [one for one in expectations(recorded) if "want" in one["query"]]
    for one in asked:
        found = releases(catalogue.product(one["family"]), documents_of(one, recorded))
        line = LINES.get(one["query"].get("product", ""), "")
        check_release_list(one["query"], one["expect"], tuple(release for release in found if release.line == line))
    assert len(asked) >= 10


def test_a_signify_signature_in_front_of_a_list_names_its_key_and_hides_no_file(
    recorded: Path, catalogue: Catalogue
) -> None:
    every = (recorded.parent / "expectations.jsonl").read_text(encoding="utf-8").splitlines()
    (one,) = [asked for asked in map(json.loads, filter(str.strip, every)) if asked["query"].get("want") == "format"]
    document = (recorded / one["fixture"]).read_bytes()
    entries = parse_checksums(document.decode())
    assert [entry.name for entry in entries] == one["expect"]["file_names"]
    assert one["expect"]["pubkey_name"].encode() in document.partition(b"\n")[0]
    number = one["expect"]["pubkey_name"].split("-")[1]
    (by_series,) = [proof.keys_by["series"] for proof in catalogue.product("openbsd").proof]
    (pin,) = by_series[f"{number[:-1]}.{number[-1]}"]
    judged = verify_signify(document, (pin,))
    # an excerpt: the key is the right one, and the text is not all that was signed
    assert (judged.reason, judged.primary_fingerprint) == ("bad-signature", pin)


LINES = {"Leap": "leap", "LeapMicro": "leap-micro", "Tumbleweed": "tumbleweed"}


def check_release_list(query: dict[str, Any], expect: dict[str, Any], found: tuple[Release, ...]) -> None:
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


NOT_ASKED_FOR_A_FILE = (
    "ubuntu/meta-release",
    "freebsd/iso-images-index.html",
    "opensuse/distributions.json",
    "mint/stable-index.html",
    "manjaro/kde.sha256",
)


@pytest.mark.parametrize("fixture", [one for one in ADDRESSES if one not in NOT_ASKED_FOR_A_FILE])
def test_a_captive_portal_in_place_of_any_document_is_an_error(
    recorded: Path, catalogue: Catalogue, fixture: str, tmp_path: Path
) -> None:
    portal = tmp_path / "portal.html"
    portal.write_text("<!DOCTYPE html><html><body><h1>Sign in to Wi-Fi</h1><a href='/login'>Log in</a></body></html>")
    one = next(one for one in expectations(recorded) if one["fixture"] == fixture)
    with pytest.raises(Exception, match="no listing"):
        resolve(catalogue.product(one["family"]), _plain(one), SavedDocuments({ADDRESSES[fixture]: portal}))


def _plain(one: dict[str, Any]) -> Selector:
    return selector_of(
        one | {"query": {**one["query"], "flavour": one["query"].get("flavour", "").replace("any-iso", "server")}}
    )
