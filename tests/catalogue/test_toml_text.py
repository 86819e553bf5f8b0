"""What is written as TOML is what TOML reads back."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as any_

from isomanager.catalogue.loader import Catalogue, read_product
from isomanager.catalogue.toml_text import to_toml
from isomanager.errors import CatalogueError

TEXTS = any_.text(any_.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN = TEXTS | any_.booleans() | any_.integers(-(2**53), 2**53)
VALUES = any_.recursive(
    PLAIN, lambda inner: any_.lists(inner, max_size=3) | any_.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)


@given(any_.dictionaries(TEXTS, VALUES, max_size=5))
def test_every_value_comes_back(value: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(value)) == value


def test_every_bundled_product_comes_back(catalogue: Catalogue) -> None:
    for product in catalogue.products:
        told = product.model_dump(mode="json", exclude_defaults=True)
        assert read_product(to_toml(told), product.id) == product


def test_patterns_stay_readable() -> None:
    assert to_toml({"file": r"tiny-(?P<version>\d+)\.iso"}) == "file = 'tiny-(?P<version>\\d+)\\.iso'\n"


def test_a_list_of_tables_has_a_heading_for_each() -> None:
    assert (
        to_toml({"offers": [{"a": 1}, {"a": 2}], "id": "x"}) == 'id = "x"\n\n[[offers]]\na = 1\n\n[[offers]]\na = 2\n'
    )


def test_nothing_cannot_be_said() -> None:
    with pytest.raises(CatalogueError, match="cannot say"):
        to_toml({"homepage": None})
