"""Each kind of witness that a product file can name, from saved documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from isomanager.catalogue.documents import SavedDocuments
from isomanager.catalogue.loader import read_product
from isomanager.catalogue.resolve import resolve
from isomanager.library.second_opinion import opinions_of
from isomanager.model import Assurance, Expectation, Selector

TINY = """
id = "tiny"
name = "Tiny"
family = "linux"
file = 'tiny-(?P<version>[\\d.]+)\\.iso'
mirrors = [{ replaces = "https://tiny.example/", base = "https://mirror.example/tiny/" }]
[[offers]]
strategy = "listing"
steps = [{ url = "https://tiny.example/iso/" }]
torrent = { url = "https://torrents.example/{file}.torrent" }
[[offers]]
strategy = "listing"
steps = [{ url = "https://other.example/iso/" }]
[[releases]]
url = "https://lists.example/releases.json"
form = "api"
select = "[@][]"
version = "latest"
"""
PAGE = '<title>Index of /iso</title><a href="tiny-{0}.iso">tiny-{0}.iso</a>'

Heard = Callable[..., dict[str, bool | None]]


def torrent(name: str) -> str:
    """A .torrent of one file of five bytes."""
    return f"d4:infod6:lengthi5e4:name{len(name)}:{name}12:piece lengthi16384e6:pieces20:{'h' * 20}ee"


@pytest.fixture
def heard(tmp_path: Path) -> Heard:
    def ask(**texts: str) -> dict[str, bool | None]:
        places = {
            "vendor": "https://tiny.example/iso/",
            "other": "https://other.example/iso/",
            "mirror": "https://mirror.example/tiny/iso/tiny-9.0.iso",
            "swarm": "https://torrents.example/tiny-9.0.iso.torrent",
            "list": "https://lists.example/releases.json",
        }
        saved = {}
        for name, text in {"vendor": PAGE.format("9.0"), **texts}.items():
            (tmp_path / name).write_text(text)
            saved[places[name]] = tmp_path / name
        documents, product, selector = SavedDocuments(saved), read_product(TINY, "tiny.toml"), Selector(product="tiny")
        (offer,) = resolve(product, selector, documents)
        judged = Expectation(offer=offer.model_copy(update={"size": 5}), digests={}, assurance=Assurance.SERVED)
        return {one.witness.split()[1]: one.agrees for one in opinions_of(judged, product, selector, documents)}

    return ask


def test_those_who_do_not_answer_say_nothing(heard: Heard) -> None:
    assert heard() == {"release": None, "mirror": None, "torrent": None}


def test_those_who_know_the_file_agree(heard: Heard) -> None:
    told = heard(
        other=PAGE.format("9.0"),
        mirror="12345",
        swarm=torrent("tiny-9.0.iso"),
        list='[{"latest": "9.0"}]',
    )
    assert told == {"release": True, "listing": True, "mirror": True, "torrent": True}


def test_those_who_know_better_disagree(heard: Heard) -> None:
    told = heard(
        other=PAGE.format("3.1"),
        mirror="another size",
        swarm=torrent("tiny-9.0.iso2"),
        list='[{"latest": "3.1"}]',
    )
    assert told == {"release": False, "listing": False, "mirror": False, "torrent": False}
