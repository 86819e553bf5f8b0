"""Every expectation about Windows, on the real replies and measurements that were recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from isomanager.catalogue.documents import SavedDocuments
from isomanager.catalogue.loader import Catalogue
from isomanager.catalogue.microsoft.download_page import read_page
from isomanager.catalogue.microsoft.handshake import handshake_numbers
from isomanager.catalogue.naming import meant
from isomanager.catalogue.resolve import resolve
from isomanager.catalogue.wanted import usual_spelling
from isomanager.errors import ResolveError
from isomanager.model import Offer, Selector

MEASURED = "https://raw.githubusercontent.com/rgl/windows-evaluation-isos-scraper/main/data/{}.json"
PAGE = "https://www.microsoft.com/en-us/software-download/windows11"
API = "https://www.microsoft.com/software-download-connector/api/"
PLACES = {
    "page": PAGE,
    "mdt": "https://ov-df.microsoft.com/mdt.js",
    "sku": f"{API}getskuinformationbyproductedition",
    "links": f"{API}GetProductDownloadLinksBySku",
}
RECORDED = {
    "page": "microsoft_windows11_page_excerpt.html",
    "mdt": "microsoft_mdt.js",
    "sku": "microsoft_skus_excerpt.json",
    "links": "microsoft_links_excerpt.json",
}


def expectations(folder: Path, family: str) -> list[dict[str, Any]]:
    lines = (folder.parent / "expectations.jsonl").read_text(encoding="utf-8").splitlines()
    return [one for one in map(json.loads, filter(str.strip, lines)) if one["family"] == family]


def test_every_measured_evaluation_image_resolves_as_expected(recorded: Path, catalogue: Catalogue) -> None:
    asked = expectations(recorded, "windows-eval")
    for one in asked:
        query, expect = one["query"], one["expect"]
        name = {"windows-11": "windows/enterprise@11"}.get(query["product"], query["product"])
        selector = Selector.parse(name, architectures=(query["arch"],), languages=(query["lang"],))
        documents = SavedDocuments({MEASURED.format(query["product"]): recorded / one["fixture"]})
        product, selector = meant(catalogue, selector)
        (offer,) = resolve(product, selector, documents)
        told = (offer.filename, offer.urls[0], offer.size, offer.digests["sha256"], str(offer.title.version))
        version = usual_spelling(product, expect["version"])
        assert told == (expect["filename"], expect["url"], expect["size"], expect["sha256"], version)
        assert offer.pinned == {"sha256": expect["sha256"]}
    assert len(asked) >= 3


def documents_of(expectation: dict[str, Any], folder: Path) -> SavedDocuments:
    """The recorded conversation, with the expectation's own document in its place."""
    names = RECORDED | {expectation["query"]["step"]: expectation["fixture"].removeprefix("appliances/")}
    return SavedDocuments({PLACES[step]: folder / "appliances" / name for step, name in names.items()})


def answer(expectation: dict[str, Any], folder: Path, catalogue: Catalogue) -> Offer:
    language = expectation["query"].get("language", "Italian")
    selector = Selector.parse("windows/consumer@11", languages=(language,))
    (offer,) = resolve(catalogue.product("windows"), selector, documents_of(expectation, folder))
    return offer


def facts(expectation: dict[str, Any], folder: Path, catalogue: Catalogue) -> dict[str, Any]:
    """What the catalogue says of a query, in the expectation's words; of a refusal, its data."""
    step = expectation["query"]["step"]
    text = (folder / expectation["fixture"]).read_text(encoding="utf-8")
    if step == "mdt":
        return dict(handshake_numbers(text) or {})
    if step == "page":
        page = read_page(text)
        hashes = {one.language: one.sha256 for one in page.digests}
        return {"product_edition_id": page.options[0].id, "release": page.release, "hashes": hashes}
    try:
        offer = answer(expectation, folder, catalogue)
    except ResolveError as wrong:
        version = wrong.data.get("version", "").partition("H2.")[2]
        return {**wrong.data, "error": wrong.code, "version": version}
    assert offer.link is not None
    return {
        "sku_id": offer.link.sku,
        "version": str(offer.title.version).partition("H2.")[2],
        "filename": offer.filename,
        "sha256": offer.digests.get("sha256"),
        "expires": offer.link.expires,
    }


def test_every_recorded_reply_of_the_connector_is_read_as_expected(recorded: Path, catalogue: Catalogue) -> None:
    asked = expectations(recorded, "windows11")
    for one in asked:
        told, wanted = (
            facts(one, recorded, catalogue),
            {key: value for key, value in one["expect"].items() if key != "note"},
        )
        if one["query"]["step"] == "sku" and "sku_id" in wanted:
            told.pop("error", None)  # the one recorded link is Italian, and is refused for any other language
        assert {key: told.get(key) for key in wanted} == wanted, one
    assert len(asked) >= 11


def test_a_recorded_link_is_taken_for_its_own_language_only(recorded: Path, catalogue: Catalogue) -> None:
    italian = {"fixture": RECORDED["links"], "query": {"step": "links", "language": "it-IT"}}
    assert answer(italian, recorded, catalogue).filename == "Windows11_Client_x64_it-it_26300_9457.iso"
    german = {"fixture": RECORDED["links"], "query": {"step": "links", "language": "de-DE"}}
    with pytest.raises(ResolveError) as wrong:
        answer(german, recorded, catalogue)
    assert wrong.value.code == "implausible"
