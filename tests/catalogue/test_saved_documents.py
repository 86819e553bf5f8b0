"""Saved documents stand for addresses as servers understand them, and one that stands elsewhere is looked into last."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from isomanager.catalogue.documents import SavedDocuments
from isomanager.catalogue.loader import Catalogue
from isomanager.catalogue.resolve import resolve
from isomanager.catalogue.saved_addresses import place_of
from isomanager.errors import ResolveError
from isomanager.model import Offer, Selector

LIST = "https://get.opensuse.org/api/v0/distributions.json"
LEAP = (
    "https://download.opensuse.org/distribution/leap/{0}/offline/Leap-{0}-offline-installer-x86_64.install.iso.sha512"
)


def answer(catalogue: Catalogue, folder: Path, selector: str, pages: dict[str, str], *, arch: str = "") -> Offer:
    files = {}
    for number, (url, text) in enumerate(pages.items()):
        files[url] = folder / str(number)
        files[url].write_text(text, encoding="utf-8")
    asked = Selector.parse(selector, architectures=(arch,) if arch else ())
    (offer,) = resolve(catalogue.product(asked.product), asked, SavedDocuments(files))
    return offer


def sums(*names: str) -> str:
    return "".join(f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n" for name in names)


@pytest.mark.parametrize(
    "spelled",
    [
        "http://Tiny.example/releases", "https://tiny.example:443/releases/", "https://tiny.example/releases/index.html",
        "https://tiny.example/releases/?C=M;O=D", "https://tiny.example/%72eleases/",
    ],
)  # fmt: skip
def test_one_place_may_be_spelled_in_several_ways(spelled: str) -> None:
    assert place_of(spelled) == place_of("https://tiny.example/releases/")


def test_two_queries_are_two_places() -> None:
    assert place_of("https://tiny.example/?path=/a") != place_of("https://tiny.example/?path=/b")


def test_a_document_from_a_mirror_answers_and_proves_nothing_by_standing_there(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    page = {"https://mirror.example/ubuntu-releases/24.04/SHA256SUMS": sums("ubuntu-24.04.5-desktop-amd64.iso")}
    offer = answer(catalogue, tmp_path, "ubuntu/desktop@24.04", page)
    assert offer.urls[0] == "https://mirror.example/ubuntu-releases/24.04/ubuntu-24.04.5-desktop-amd64.iso"
    assert not offer.served_assurance
    assert not any(proof.vendor for proof in offer.proofs)


def test_the_newest_of_several_such_documents_answers(catalogue: Catalogue, tmp_path: Path) -> None:
    pages = {
        f"https://mirror.example/{series}/SHA256SUMS": sums(f"ubuntu-{series}-desktop-amd64.iso")
        for series in ("22.04", "24.04", "23.10")
    }
    assert str(answer(catalogue, tmp_path, "ubuntu/desktop", pages).title.version) == "24.04"


def test_an_archives_document_never_answers_for_the_newest(catalogue: Catalogue, tmp_path: Path) -> None:
    page = {"https://old-releases.ubuntu.com/releases/24.04/SHA256SUMS": sums("ubuntu-24.04-desktop-amd64.iso")}
    with pytest.raises(ResolveError):
        answer(catalogue, tmp_path, "ubuntu/desktop", page)


def test_a_document_that_a_step_passed_over_is_not_taken_after_all(catalogue: Catalogue, tmp_path: Path) -> None:
    states = '{"Leap": [{"version": "16.1", "state": "RC"}, {"version": "16.0", "state": "Stable"}]}'
    name = LEAP.format("16.1").rpartition("/")[2].removesuffix(".sha512")
    with pytest.raises(ResolveError):
        answer(catalogue, tmp_path, "opensuse/leap", {LIST: states, LEAP.format("16.1"): f"{'0' * 128}  {name}\n"})


def test_the_address_must_speak_of_the_architecture_where_names_do_not(catalogue: Catalogue, tmp_path: Path) -> None:
    page = {"https://mirror.example/pub/OpenBSD/7.8/amd64/SHA256": f"SHA256 (install78.iso) = {'a' * 64}\n"}
    assert str(answer(catalogue, tmp_path, "openbsd", page).title.version) == "7.8"
    with pytest.raises(ResolveError):
        answer(catalogue, tmp_path, "openbsd", page, arch="arm64")


def test_a_flavor_may_be_called_like_a_product(catalogue: Catalogue, tmp_path: Path) -> None:
    place = "https://cdimage.ubuntu.com/{0}/releases/24.04/release/SHA256SUMS"
    pages = {
        place.format("kubuntu"): sums("kubuntu-24.04.5-desktop-amd64.iso"),
        place.format("xubuntu"): sums("xubuntu-24.04.4-desktop-amd64.iso", "xubuntu-24.04.4-minimal-amd64.iso"),
    }
    for text, flavor in {
        "kubuntu@24.04": "kubuntu",
        "Kubuntu/desktop@lts": "kubuntu",
        "xubuntu/minimal": "xubuntu-minimal",
    }.items():
        assert answer(catalogue, tmp_path, text, pages).title.flavor == flavor
    with pytest.raises(ResolveError) as refused:
        answer(catalogue, tmp_path, "kubuntu/server", pages)
    assert refused.value.code == "unknown-flavor"


def test_a_code_name_is_the_version_it_stands_for(catalogue: Catalogue, tmp_path: Path) -> None:
    page = {"https://releases.ubuntu.com/noble/SHA256SUMS": sums("ubuntu-24.04.5-desktop-amd64.iso")}
    assert str(answer(catalogue, tmp_path, "ubuntu/desktop@noble", page).title.version) == "24.04.5"
    assert str(answer(catalogue, tmp_path, "ubuntu/desktop@24.04", page).title.version) == "24.04.5"
    with pytest.raises(ResolveError):
        answer(catalogue, tmp_path, "ubuntu/desktop@jammy", page)


def test_a_saved_page_or_list_is_read_whatever_the_product_usually_reads(catalogue: Catalogue, tmp_path: Path) -> None:
    place = "https://sourceforge.net/projects/mx-linux/files/Final/KDE/"
    name = "MX-23.6_KDE_x64.iso"
    page = f'<!doctype html><title>Index of Final/KDE</title><a href="/projects/mx-linux/files/Final/KDE/{name}/download">x</a>'
    for pages in ({place: page}, {f"{place}{name}.sha256": sums(name)}):
        assert answer(catalogue, tmp_path, "mx/kde", pages).filename == name


def test_a_named_release_of_which_there_are_only_candidates_is_not_released(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    page = {"https://ftp.qubes-os.org/iso/Qubes-R4.4.0-rc2-x86_64.iso.DIGESTS": sums("Qubes-R4.4.0-rc2-x86_64.iso")}
    with pytest.raises(ResolveError) as refused:
        answer(catalogue, tmp_path, "qubes@4.4.0", page)
    assert refused.value.code in ("no-release", "beta-only")
