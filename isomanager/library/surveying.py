"""Survey: does every product still resolve? The result is data, so that a broken resolver is seen before it is missed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from isomanager.catalogue.product import Product
from isomanager.errors import IsoManagerError, UsageError
from isomanager.library.opening import Library
from isomanager.library.resolving import resolve_selector
from isomanager.model import Expectation, Selector, Value


class Health(Value):
    """How one product's resolver is: ok, degraded (it resolves, but less far than it should, or only by hand), broken."""

    product: str
    state: Literal["ok", "degraded", "broken"]
    version: str = ""
    filename: str = ""
    assurance: str = ""
    code: str = ""
    reason: str = ""


def survey(library: Library, names: Sequence[str] = ()) -> tuple[Health, ...]:
    """The health of these products or families, all of them when nothing is named; several are asked at a time."""
    products = [one for one in library.catalogue.products if not names or _is_named(one, names)]
    if not products:
        raise UsageError(f"No product or family is called {' or '.join(names)}.")
    assert library.client  # noqa: S101 - made here, once, before threads share it
    with ThreadPoolExecutor(library.settings.resolves_at_once) as pool:
        return tuple(pool.map(lambda product: health(library, product), products))


def _is_named(product: Product, names: Sequence[str]) -> bool:
    wanted = {name.lower() for name in names}
    return bool(wanted & {product.id, product.family.value, product.name.lower(), *map(str.lower, product.aliases)})


def health(library: Library, product: Product) -> Health:
    """Resolve the product's default and judge its evidence; no byte of an image is fetched."""
    try:
        judged = resolve_selector(library, Selector(product=product.id))[0]
    except IsoManagerError as wrong:
        state: Literal["degraded", "broken"] = "degraded" if wrong.code in ("manual", "torrent-only") else "broken"
        return Health(product=product.id, state=state, code=wrong.code, reason=str(wrong))
    title = judged.offer.title
    told = {"product": product.id, "version": str(title.version), "filename": judged.offer.filename}
    if not isinstance(judged, Expectation):
        return Health(**told, state="degraded", code=judged.code, reason=judged.reason)
    return Health(**told, state="ok", assurance=judged.assurance.value, reason=" ".join(judged.reasons))
