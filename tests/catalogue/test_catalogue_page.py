"""The page of all products is that of the product files."""

from __future__ import annotations

from pathlib import Path

from catalogue_page import PAGE, built_products, page
from isomanager.catalogue.loader import Catalogue
from recorded_expectations import RECORDED, expectations


def test_the_page_is_in_step_with_the_product_files(catalogue: Catalogue) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(catalogue), (
        "write it anew: .venv/bin/python tests/catalogue_page.py"
    )


def test_every_product_is_tested_with_a_document(catalogue: Catalogue) -> None:
    offered = {product.id for product in catalogue.products if not product.identify_only}
    assert offered <= built_products(catalogue)


def test_products_with_recorded_documents_are_those_that_are_expected_of(recorded: Path, catalogue: Catalogue) -> None:
    assert {catalogue.product(one["family"]).id for one in expectations(recorded)} == RECORDED
