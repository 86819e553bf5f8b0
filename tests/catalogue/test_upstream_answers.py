"""Answers that are neither a file nor its absence: a torrent only, somebody else's site, another form, a list of releases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from isomanager.catalogue.loader import Catalogue
from isomanager.catalogue.releases import latest, releases
from isomanager.catalogue.resolve import resolve
from isomanager.errors import ResolveError
from isomanager.model import Offer, Selector

KALI = "https://cdimage.kali.org/current/"
KALI_PAGE = (
    "<title>Index of /current/</title>"
    '<a href="kali-linux-2026.3-live-amd64.iso.torrent">t</a><a href="kali-linux-2026.3-installer-amd64.iso">i</a>'
    '<a href="kali-linux-2026.3-installer-amd64.iso.torrent">t</a>'
)


@pytest.fixture
def answer(catalogue: Catalogue, texts: Any) -> Any:
    def resolved(selector: str, pages: Mapping[str, str]) -> Offer:
        wanted = Selector.parse(selector)
        (offer,) = resolve(catalogue.product(wanted.product), wanted, texts(pages))
        return offer

    return resolved


def test_a_flavor_given_only_as_a_torrent_is_answered_with_the_torrent(answer: Any) -> None:
    with pytest.raises(ResolveError) as refused:
        answer("kali/live", {KALI: KALI_PAGE})
    assert refused.value.code == "torrent-only"
    assert refused.value.data["torrents"] == [f"{KALI}kali-linux-2026.3-live-amd64.iso.torrent"]


def test_where_torrents_can_be_fetched_it_is_an_offer_without_addresses_proved_as_its_siblings_are(
    catalogue: Catalogue, texts: Any
) -> None:
    kali, pages = catalogue.product("kali"), texts({KALI: KALI_PAGE})
    (offer,) = resolve(kali, Selector.parse("kali/live"), pages, torrents=True)
    name = "kali-linux-2026.3-live-amd64.iso"
    assert (offer.filename, offer.urls, str(offer.title.version)) == (name, (), "2026.3")
    assert offer.torrent is not None
    assert (offer.torrent.url, offer.torrent.only) == (f"{KALI}{name}.torrent", True)
    (proof,) = offer.proofs
    assert (proof.document, proof.signature and proof.signature.url) == (f"{KALI}SHA256SUMS", f"{KALI}SHA256SUMS.gpg")
    (sibling,) = resolve(kali, Selector.parse("kali"), pages, torrents=True)
    assert sibling.proofs[0].document == proof.document
    assert sibling.urls


def test_a_torrent_of_another_site_is_none(catalogue: Catalogue, texts: Any) -> None:
    title, name = "<title>Index of /current/</title>", "kali-linux-2026.3-live-amd64.iso.torrent"
    page = f'{title}<a href="https://elsewhere.example/{name}">t</a>'
    with pytest.raises(ResolveError):
        resolve(catalogue.product("kali"), Selector.parse("kali/live"), texts({KALI: page}), torrents=True)


def test_a_file_with_a_torrent_beside_it_has_both(answer: Any) -> None:
    offer = answer("kali", {KALI: KALI_PAGE})
    assert offer.torrent is not None
    assert (offer.urls[0], offer.torrent.url, offer.torrent.only) == (
        f"{KALI}kali-linux-2026.3-installer-amd64.iso",
        f"{KALI}kali-linux-2026.3-installer-amd64.iso.torrent",
        False,
    )


def test_a_flavor_of_somebody_else_says_where_it_is(answer: Any) -> None:
    with pytest.raises(ResolveError, match="manjaro-sway") as refused:
        answer("manjaro/sway", {})
    assert (refused.value.code, refused.value.data["url"]) == ("external", "https://manjaro-sway.download/")


def test_links_to_other_sites_count_only_if_the_product_names_them(answer: Any) -> None:
    name = "elementaryos-8.2-stable-amd64.20260801.iso"
    link = '<a href="https://{host}/x/{name}">Download</a><a href="magnet:?xt=urn:btih:{hash}&dn={name}">Magnet</a>'
    page = link.format(host="dl.elementaryos.org", name=name, hash="AB" * 20)
    offer = answer("elementary", {"https://elementary.io/": page})
    assert offer.urls == (f"https://dl.elementaryos.org/x/{name}",)
    assert offer.torrent is not None
    assert offer.torrent.info_hash == "ab" * 20
    with pytest.raises(ResolveError):
        answer(
            "elementary",
            {"https://elementary.io/": "<h1>Index of</h1>" + link.format(host="evil.example", name=name, hash="")},
        )


def test_an_image_that_is_no_iso_is_given_only_as_the_flavor_that_says_so(answer: Any) -> None:
    url = "https://tails.net/install/v2/Tails/amd64/stable/latest.json"
    target = {"url": "https://download.tails.net/tails/tails-amd64-7.0.img", "sha256": "", "size": 1500000000}
    told = {"installations": [{"installation-paths": [{"type": "img", "target-files": [target]}]}]}
    pages = {url: json.dumps(told)}
    assert answer("tails/img", pages).filename == "tails-amd64-7.0.img"
    with pytest.raises(ResolveError):
        answer("tails/iso", pages)


def test_a_release_candidate_of_leap_is_not_taken_for_the_release(answer: Any) -> None:
    api = "https://get.opensuse.org/api/v0/distributions.json"
    states = '{"Leap": [{"version": "16.1", "state": "RC"}, {"version": "16.0", "state": "Stable"}]}'
    place = "https://download.opensuse.org/distribution/leap/{0}/offline/Leap-{0}-offline-installer-x86_64.install.iso"
    pages = {api: states} | {
        place.format(version) + ".sha512": f"{'0' * 128}  {place.format(version).rpartition('/')[2]}\n"
        for version in ("16.0", "16.1")
    }
    assert str(answer("opensuse/leap", pages).title.version) == "16.0"
    assert str(answer("opensuse/leap@preview", pages).title.version) == "16.1"
    with pytest.raises(ResolveError):
        answer("opensuse/leap@16.1", pages)


def test_a_list_of_releases_can_be_an_api_with_several_lines(catalogue: Catalogue, texts: Any) -> None:
    api = "https://get.opensuse.org/api/v0/distributions.json"
    text = (
        '{"Leap": [{"version": "42.3", "state": "EOL"}, {"version": "16.1", "state": "RC"}, {"version": "16.0", "state": "Stable"}],'
        ' "LeapMicro": [{"version": "6.2", "state": "Stable"}], "Tumbleweed": [{"version": "20260801"}]}'
    )
    found = releases(catalogue.product("opensuse"), texts({api: text}))
    leap = tuple(one for one in found if one.line == "leap")
    assert [str(one.version) for one in leap] == ["42.3", "16.0", "16.1"]
    newest = latest(tuple(one for one in leap if one.supported))
    assert newest is not None
    assert str(newest.version) == "16.0"
    assert [one.supported for one in found if one.line == "tumbleweed"] == [None]


def test_the_folder_of_a_release_without_its_image_is_passed_over_for_the_one_before(answer: Any) -> None:
    root = "https://deb.parrot.sh/parrot/iso/"
    pages = {
        root: '<h1>Index of</h1><a href="7.0/">7.0/</a><a href="7.1/">7.1/</a>',
        f"{root}7.1/": '<h1>Index of</h1><a href="signed-hashes.txt">s</a>',
        f"{root}7.0/": '<h1>Index of</h1><a href="Parrot-security-7.0_amd64.iso">i</a>',
    }
    assert answer("parrot", pages).filename == "Parrot-security-7.0_amd64.iso"
