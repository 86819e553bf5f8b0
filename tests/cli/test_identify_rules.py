"""Rules of identification in product files, and products that have nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command import Isomanager
from isomanager.catalogue.documents import SavedDocuments
from isomanager.catalogue.loader import load_product, summary
from isomanager.catalogue.product import Product
from isomanager.catalogue.resolve import resolve
from isomanager.errors import CatalogueError, ResolveError
from isomanager.model import Selector

HEAD = 'id = "tiny"\nname = "Tiny OS"\nfamily = "linux"\nfacts = "Ask the maker for it."\n'


def product_of(folder: Path, rules: str) -> Product:
    file = folder / "tiny.toml"
    file.write_text(HEAD + rules, encoding="utf-8")
    return load_product(file)


@pytest.mark.parametrize("table", ["[identify]", "[[identify]]"])
def test_one_rule_may_be_a_table_or_the_first_of_a_list(table: str, tmp_path: Path) -> None:
    (rule,) = product_of(tmp_path, f"{table}\nvolume = 'TINY (?P<version>.*)'\n").identify
    assert rule.content == {"volume": ("TINY (?P<version>.*)",)}


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("", "needs offers, or at least one identify rule"),
        ("[[identify]]\nconfidence = 0.5\n", "a rule needs one of"),
        ("[[identify]]\nvolume = '('\n", "is not valid"),
        ("[[identify]]\nlabel = 'x'\n", "identify.1.label is not a field"),
        ("[[identify]]\nmarker.dsk-info = 'x'\n", "marker has dsk-info; there are disk-info"),
        ("[[identify]]\nvolume = 'x'\nconfidence = 1.5\n", "identify.1.confidence"),
    ],
    ids=["nothing", "no pattern", "no expression", "unknown field", "unknown marker", "too sure"],
)
def test_a_wrong_rule_is_refused_with_its_place(rules: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError) as refused:
        product_of(tmp_path, rules)
    assert told in str(refused.value)


def test_a_product_that_is_only_recognised_says_so_and_how_its_images_can_be_had(tmp_path: Path) -> None:
    product = product_of(tmp_path, "[[identify]]\nvolume = 'TINY'\n")
    told = summary(product)
    assert (told["strategy"], told["status"], told["checksum"]) == ("identify-only", "identify-only", "none")
    with pytest.raises(ResolveError) as refused:
        resolve(product, Selector(product="tiny"), SavedDocuments({}))
    assert (refused.value.code, refused.value.hint) == ("manual", "Ask the maker for it.")


def test_the_commands_of_the_catalogue_tell_it_too(isomanager: Isomanager) -> None:
    listed = {one["id"]: one for one in json.loads(isomanager("catalogue", "list", "--json").out)}
    assert listed["sles"]["status"] == "identify-only"
    shown = isomanager("catalogue", "show", "sles")
    assert (shown.code, "suse.com" in shown.out, "Next:" in shown.out) == (0, True, False)
    refused = isomanager("catalogue", "resolve", "sles", "--json")
    assert (refused.code, refused.json["error"]) == (1, "manual")
