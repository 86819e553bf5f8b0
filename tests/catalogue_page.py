"""Writes docs/catalogue.md, the table of every bundled product, from the product files and the documents they are tested with.

    .venv/bin/python tests/catalogue_page.py

A test holds the page to what this writes.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from isomanager.catalogue.loader import Catalogue, load_catalogue, summary
from isomanager.catalogue.naming import meant
from isomanager.model import Selector
from recorded_expectations import RECORDED

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "catalogue.md"
BUILT = ROOT / "tests" / "documents" / "catalogue"
COLUMNS = ("product", "flavors", "architectures", "strategy", "checksum", "signature", "status", "documents")

_HEAD = """# The catalogue

Every bundled product: its flavors and architectures, in which form its upstream tells of releases (`strategy`), where its digests
and signatures come from, whether somebody confirmed its facts against upstream (`status`), and on which documents it is tested:
`recorded` from its upstream, or `built` by this project from the documented form. `isomanager catalogue list` and
`isomanager catalogue show PRODUCT` tell the same of the installed version and of products of your own.

{count} products: {families}.

"""
_FOOT = "\nThis page is written by `.venv/bin/python tests/catalogue_page.py`.\n"


def built_products(catalogue: Catalogue) -> set[str]:
    """The products that a built or recorded case of the repository is about."""
    files = [*BUILT.glob("cases*.json"), *BUILT.glob("*/cases.json")]
    asked = [case["selector"] for file in files for case in json.loads(file.read_text(encoding="utf-8"))]
    return {meant(catalogue, Selector.parse(one))[0].id for one in asked}


def page(catalogue: Catalogue) -> str:
    """The whole page."""
    offered = [product for product in catalogue.products if not product.identify_only]
    counted = Counter(product.family.value for product in offered)
    families = ", ".join(f"{count} {family}" for family, count in sorted(counted.items()))
    head = _HEAD.format(count=len(offered), families=families)
    built = built_products(catalogue)
    pieces = [head]
    for family in sorted(counted):
        pieces += [f"## {family}\n\n", f"| {' | '.join(COLUMNS)} |\n", f"|{'---|' * len(COLUMNS)}\n"]
        for product in offered:
            if product.family.value == family:
                pieces.append(_row(summary(product), built))
        pieces.append("\n")
    known = ", ".join(product.id for product in catalogue.products if product.identify_only)
    pieces += (
        [f"## Recognised only\n\nWhat images of these are is known, not where they come from: {known}.\n"]
        if known
        else []
    )
    return "".join(pieces).rstrip("\n") + "\n" + _FOOT


def _row(told: dict[str, object], built: set[str]) -> str:
    places = [name for name, ids in (("recorded", RECORDED), ("built", built)) if told["id"] in ids]
    cells = {**told, "product": f"{told['name']} (`{told['id']}`)", "documents": " and ".join(places) or "none"}
    return f"| {' | '.join(_cell(cells[column]) for column in COLUMNS)} |\n"


def _cell(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(load_catalogue()), encoding="utf-8")
    print(f"Wrote {PAGE.relative_to(ROOT)}.")
