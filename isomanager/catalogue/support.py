"""Until when a release is supported, as its product file says."""

from __future__ import annotations

from datetime import date

from isomanager.catalogue.product import Product
from isomanager.version import Version


def end_of_support(product: Product, version: Version) -> date | None:
    """The day after which the vendor gives this release no more updates, None where nobody knows. What is said of 14.3 goes before
    what is said of 14."""
    fitting = [(Version(one.version), one.eol) for one in product.lifecycle]
    known = [(series, eol) for series, eol in fitting if version.starts_with(series)]
    return max(known, key=lambda one: len(one[0].tokens))[1] if known else None
