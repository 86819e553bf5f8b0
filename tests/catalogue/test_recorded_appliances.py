"""Every expectation about the appliances and rescue systems, on the real documents that were recorded from their upstreams."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from isomanager.catalogue.documents import SavedDocuments
from isomanager.catalogue.loader import Catalogue, read_product
from isomanager.catalogue.resolve import resolve
from isomanager.model import Offer, Selector

ADDRESSES = {
    "haos_stable.json": "https://version.home-assistant.io/stable.json",
    "vyos_version_202409030006.json": "https://raw.githubusercontent.com/vyos/vyos-nightly-build/refs/heads/current/version.json",
    "opnsense_25.7_announcement_excerpt.txt": "https://raw.githubusercontent.com/opnsense/changelog/master/community/25.7/25.7",
    "ventoy_v1.0.52_release_excerpt.txt": "https://github.com/ventoy/Ventoy/releases/tag/v1.0.52",
    "securityonion_DOWNLOAD_AND_VERIFY_ISO_3.1.0_excerpt.md": "https://raw.githubusercontent.com/Security-Onion-Solutions/securityonion/3/main/DOWNLOAD_AND_VERIFY_ISO.md",
    "clonezilla_mirror_3.1.0-22_release_excerpt.txt": "https://clonezilla.org/downloads/stable/data/CHECKSUMS.TXT",
    "harvester_v1.7.1_release_excerpt.txt": "https://github.com/harvester/harvester/releases",
    "rescuezilla_2.6.2_release_excerpt.txt": "https://github.com/rescuezilla/rescuezilla/releases/tag/2.6.2",
}  # fmt: skip
"""Where each recorded document stood (the Clonezilla one is a mirror's copy of two projects' documents)."""

GPARTED = "https://gparted.org/gparted-live/stable/CHECKSUMS.TXT"

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


def expectations(folder: Path) -> list[dict[str, Any]]:
    lines = (folder.parent / "expectations.jsonl").read_text(encoding="utf-8").splitlines()
    every = [json.loads(line) for line in lines if line.strip()]
    return [one for one in every if one["fixture"].removeprefix("appliances/") in ADDRESSES]


def selector_of(expectation: dict[str, Any]) -> Selector:
    query = expectation["query"]
    flavor = next((query[word] for word in ("flavour", "branch", "board") if word in query), "")
    text = f"{expectation['family']}{'/' + flavor if flavor else ''}@{query.get('version', 'latest')}"
    return Selector.parse(text, architectures=(query["arch"],) if "arch" in query else ())


def offer_of(expectation: dict[str, Any], folder: Path, catalogue: Catalogue) -> Offer:
    fixture = expectation["fixture"]
    address = GPARTED if expectation["family"] == "gparted" else ADDRESSES[fixture.removeprefix("appliances/")]
    documents = SavedDocuments({address: folder / fixture})
    (offer,) = resolve(catalogue.product(expectation["family"]), selector_of(expectation), documents)
    return offer


def facts(offer: Offer) -> dict[str, Any]:
    documents = [proof.document for proof in offer.proofs if proof.document]
    return {
        "filename": offer.filename,
        "version": str(offer.title.version),
        "sha256": offer.digests.get("sha256"),
        "sha1": offer.digests.get("sha1"),
        "md5": offer.digests.get("md5"),
        "url": offer.urls[0],
        "compressed": offer.packing.kind if offer.packing else None,
        "sha512_url": next(iter(documents), None),
    }


def test_every_recorded_document_resolves_as_expected(recorded: Path, catalogue: Catalogue) -> None:
    asked = expectations(recorded)
    for one in asked:
        told = facts(offer_of(one, recorded, catalogue))
        wanted = {key: value for key, value in one["expect"].items() if key in told}
        assert {key: told[key] for key in wanted} == wanted, one["fixture"]
    assert len(asked) >= 16


def test_a_recorded_feed_item_gives_size_digest_and_time(recorded: Path) -> None:
    fixture = recorded / "appliances" / "sourceforge_rss_item_altf_2013.xml"
    documents = SavedDocuments({"https://sourceforge.net/projects/alt-f/rss": fixture})
    (offer,) = resolve(read_product(FEED, "feed.toml"), Selector.parse("feed@preview"), documents)
    assert (offer.filename, str(offer.title.version), offer.size) == ("README-0.1RC3.txt", "0.1RC3", 3170)
    assert offer.digests == {"md5": "c43e012fa51fab06616b04abc0ae8e60"}
    assert offer.urls == ("https://downloads.sourceforge.net/project/alt-f/Releases/0.1RC3/README-0.1RC3.txt",)
