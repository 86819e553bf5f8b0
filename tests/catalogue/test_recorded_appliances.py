"""A recorded item of a SourceForge feed; no bundled product has it."""

from __future__ import annotations

from pathlib import Path

from isomanager.catalogue.documents import SavedDocuments
from isomanager.catalogue.loader import read_product
from isomanager.catalogue.resolve import resolve
from isomanager.model import Selector

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


def test_a_recorded_feed_item_gives_size_digest_and_time(recorded: Path) -> None:
    fixture = recorded / "appliances" / "sourceforge_rss_item_altf_2013.xml"
    documents = SavedDocuments({"https://sourceforge.net/projects/alt-f/rss": fixture})
    (offer,) = resolve(read_product(FEED, "feed.toml"), Selector.parse("feed@preview"), documents)
    assert (offer.filename, str(offer.title.version), offer.size) == ("README-0.1RC3.txt", "0.1RC3", 3170)
    assert offer.digests == {"md5": "c43e012fa51fab06616b04abc0ae8e60"}
    assert offer.urls == ("https://downloads.sourceforge.net/project/alt-f/Releases/0.1RC3/README-0.1RC3.txt",)
