"""Every bundled product resolves from documents that this project builds from the documented forms."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from isomanager.catalogue.documents import Located, SavedDocuments
from isomanager.catalogue.loader import Catalogue, check_expressions, read_product, summary
from isomanager.catalogue.naming import meant
from isomanager.catalogue.resolve import resolve
from isomanager.errors import ResolveError
from isomanager.model import Selector

BUILT = Path(__file__).parent.parent / "documents" / "catalogue"
CASES: list[dict[str, Any]] = [
    case | {"documents": {url: file.parent / name for url, name in case["documents"].items()}}
    for file in sorted([*BUILT.glob("cases*.json"), *BUILT.glob("*/cases.json")])
    for case in json.loads(file.read_text(encoding="utf-8"))
]
"""Those built by hand, and those that `isomanager catalogue record` put into a folder of their own."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['selector']} {case['arch']}".strip())
def test_a_product_resolves_from_its_built_documents(case: dict[str, Any], catalogue: Catalogue) -> None:
    architectures, languages = ((case[one],) if case.get(one) else () for one in ("arch", "language"))
    asked = Selector.parse(case["selector"], architectures=architectures, languages=languages)
    product, selector = meant(catalogue, asked)
    told = {url: Located.model_validate(one) for url, one in case.get("located", {}).items()}
    documents = SavedDocuments(case["documents"], located=told)
    if "error" in case:
        with pytest.raises(ResolveError) as refused:
            resolve(product, selector, documents)
        assert refused.value.code == case["error"], str(refused.value)
        return
    (offer,) = resolve(product, selector, documents)
    assert (offer.filename, str(offer.title.version)) == (case["filename"], case["version"])
    assert offer.size == case.get("size", offer.size)
    assert case.get("recorded") or offer.digests.get("sha256") in (
        None,
        hashlib.sha256(case["filename"].encode()).hexdigest(),
    )
    assert urlsplit(offer.urls[0]).path.endswith(f"/{offer.filename}")


def test_every_bundled_product_has_a_built_document(catalogue: Catalogue) -> None:
    covered = {meant(catalogue, Selector.parse(case["selector"]))[0].id for case in CASES}
    assert {product.id for product in catalogue.products if not product.identify_only} <= covered
    assert len(catalogue.products) >= 10


def test_no_two_products_answer_to_one_name(catalogue: Catalogue) -> None:
    named = [name for one in catalogue.products for name in {_plain(text) for text in (one.id, *one.names)}]
    assert sorted(named) == sorted(set(named))


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter not in " -_")


def test_no_two_flavors_of_a_product_answer_to_one_name(catalogue: Catalogue) -> None:
    for product in catalogue.products:
        named = [name.casefold() for key, flavor in product.flavors.items() for name in {key, *flavor.aliases}]
        assert sorted(named) == sorted(set(named)), product.id


def test_every_pattern_and_expression_of_the_bundled_products_compiles(catalogue: Catalogue) -> None:
    for product in catalogue.products:
        check_expressions(product, product.id)


def test_every_summary_is_plain_data(catalogue: Catalogue) -> None:
    for product in catalogue.products:
        told = summary(product)
        assert json.loads(json.dumps(told)) == told
        assert {"id", "family", "flavors", "architectures", "strategy", "checksum", "signature", "status"} <= set(told)


def test_facts_nobody_confirmed_are_marked(catalogue: Catalogue) -> None:
    assert catalogue.product("memtest86plus").status == "unconfirmed"
    for product in catalogue.products:
        assert product.status == "confirmed" or product.facts


def test_the_example_in_the_guide_is_a_product_file() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "add-an-os.md").read_text(encoding="utf-8")
    example = guide.split("```toml\n")[1].split("```")[0]
    product = read_product(example, "the guide", stem="tiny")
    check_expressions(product, "the guide")
