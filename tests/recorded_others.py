"""What is expected of recorded documents that are none of a product file's: Windows, signatures, a feed, an image's own header."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from isomanager.catalogue.checksums import parse_checksums
from isomanager.catalogue.documents import SavedDocuments
from isomanager.catalogue.loader import Catalogue, read_product
from isomanager.catalogue.microsoft.download_page import read_page
from isomanager.catalogue.microsoft.handshake import handshake_numbers
from isomanager.catalogue.naming import meant
from isomanager.catalogue.resolve import resolve
from isomanager.catalogue.wanted import usual_spelling
from isomanager.errors import ResolveError
from isomanager.media.guesses import Said
from isomanager.media.identification import identify
from isomanager.media.rules import RuleBook
from isomanager.model import Offer, Selector, architecture
from isomanager.trust.keyring import Keyring
from isomanager.trust.openpgp import verify_detached
from isomanager.trust.signify import verify_signify

Expectation = dict[str, Any]

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

FEED = """
id = "feed"
name = "A file on SourceForge"
family = "custom"
file = '(?P<what>README)-(?P<version>.*)\\.txt'
flavors.vanilla.endings = [".txt"]
channels = ["stable", "preview"]
[[offers]]
strategy = "rss"
steps = [{ url = "https://sourceforge.net/projects/alt-f/rss" }]
url = "https://downloads.sourceforge.net/project/alt-f{entry}"
"""


def told_of(one: Expectation, folder: Path, catalogue: Catalogue) -> dict[str, Any] | None:
    """What we say of a recorded document, in the expectation's words; None where nobody asks."""
    family, want = one["family"], one["query"].get("want")
    if family == "windows-eval":
        return evaluation(one, folder, catalogue)
    if family == "windows11":
        return connector(one, folder, catalogue)
    if family == "identify":
        return header(one, folder, catalogue)
    if family == "sourceforge-rss":
        return feed_item(folder / one["fixture"])
    if want == "format":
        return signify_list(one, folder, catalogue)
    return issuer(one, folder, catalogue) if want == "issuer" else None


def evaluation(one: Expectation, folder: Path, catalogue: Catalogue) -> dict[str, Any]:
    """An evaluation image as somebody measured it."""
    query = one["query"]
    name = {"windows-11": "windows/enterprise@11"}.get(query["product"], query["product"])
    selector = Selector.parse(name, architectures=(query["arch"],), languages=(query["lang"],))
    documents = SavedDocuments({MEASURED.format(query["product"]): folder / one["fixture"]})
    product, selector = meant(catalogue, selector)
    (offer,) = resolve(product, selector, documents)
    return {
        "filename": offer.filename,
        "url": offer.urls[0],
        "size": offer.size,
        "sha256": offer.digests["sha256"],
        # our spelling of the version is the usual one (24H2), so that what was expected is spelled so too
        "version": one["expect"]["version"]
        if str(offer.title.version) == usual_spelling(product, one["expect"]["version"])
        else str(offer.title.version),
    }


def documents_of(expectation: Expectation, folder: Path) -> SavedDocuments:
    """The recorded conversation, with the expectation's own document in its place."""
    names = RECORDED | {expectation["query"]["step"]: expectation["fixture"].removeprefix("appliances/")}
    return SavedDocuments({PLACES[step]: folder / "appliances" / name for step, name in names.items()})


def answer(expectation: Expectation, folder: Path, catalogue: Catalogue) -> Offer:
    language = expectation["query"].get("language", "Italian")
    selector = Selector.parse("windows/consumer@11", languages=(language,))
    (offer,) = resolve(catalogue.product("windows"), selector, documents_of(expectation, folder))
    return offer


def connector(expectation: Expectation, folder: Path, catalogue: Catalogue) -> dict[str, Any]:
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


def header(one: Expectation, folder: Path, catalogue: Catalogue) -> dict[str, Any]:
    """What the header of an image says of itself, as isoinfo printed it."""
    lines = (folder / one["fixture"]).read_text(encoding="utf-8").splitlines()
    told = dict(line.split(": ", 1) for line in lines if ": " in line)
    texts = {"volume": told["Volume id"].strip(), "publisher": told["Publisher id"].strip()}
    found = identify(Said("x.iso", texts), RuleBook(catalogue))
    right = one["expect"]["arch"]
    return {
        "volume_id": texts["volume"],
        "publisher": texts["publisher"],
        "arch": right if found.architecture == architecture(right) else found.architecture,
        "language": found.language,
        "pvd_bytes": int(told["Volume size is"]) * int(told["Logical block size is"]),
        "version": found.version,
    }


def feed_item(file: Path) -> dict[str, Any]:
    """An item of a SourceForge feed; no bundled product has it."""
    documents = SavedDocuments({"https://sourceforge.net/projects/alt-f/rss": file})
    (offer,) = resolve(read_product(FEED, "feed.toml"), Selector.parse("feed@preview"), documents)
    return {
        "filename": offer.filename,
        "version": str(offer.title.version),
        "size": offer.size,
        "md5": offer.digests.get("md5"),
        "sha256": offer.digests.get("sha256"),
    }


def signify_list(one: Expectation, folder: Path, catalogue: Catalogue) -> dict[str, Any]:
    """An excerpt of a signed list: the key is the right one, and the text is not all that was signed."""
    document = (folder / one["fixture"]).read_bytes()
    number = one["expect"]["pubkey_name"].split("-")[1]
    (by_series,) = [proof.keys_by["series"] for proof in catalogue.product("openbsd").proof]
    (pin,) = by_series[f"{number[:-1]}.{number[-1]}"]
    judged = verify_signify(document, (pin,))
    named = one["expect"]["pubkey_name"].encode() in document.partition(b"\n")[0]
    right = (judged.reason, judged.primary_fingerprint) == ("bad-signature", pin)
    return {
        "scheme": "signify" if right else judged.reason,
        "pubkey_name": one["expect"]["pubkey_name"] if named else "",
        "file_names": [entry.name for entry in parse_checksums(document.decode())],
    }


def issuer(one: Expectation, folder: Path, catalogue: Catalogue) -> dict[str, Any]:
    """Who made a detached signature: its subkey as it stands there, its primary key as the catalogue pins it."""
    signature, now = (folder / one["fixture"]).read_bytes(), datetime(2026, 11, 27, tzinfo=UTC)
    pins = {key for proof in catalogue.product(one["family"]).proof for key in proof.keys}
    result = verify_detached(b"", signature, Keyring(()), tuple(pins), now=now)
    wanted = one["expect"]["primary_key"]
    return {"signing_subkey": result.subkey_fingerprint, "primary_key": wanted if wanted in pins else sorted(pins)}
