"""Survey: does every product still resolve? The result is data, so that a broken resolver is seen before it is missed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import Field

from isomanager.catalogue.naming import meant
from isomanager.catalogue.product import Product
from isomanager.catalogue.tracing import Exchange, Look
from isomanager.errors import IsoManagerError, UsageError
from isomanager.library.health import Health, State, keep_health, kept_health, since
from isomanager.library.opening import Library
from isomanager.library.resolving import resolve_selector
from isomanager.model import Digests, Expectation, Refusal, Selector, Title, Value
from isomanager.planning.plausibility import Known
from isomanager.trust.urls import without_secrets
from isomanager.version import Version

_LESS_THAN_BROKEN = ("manual", "torrent-only", "external", "server-busy", "blocked", "asked-today")
"""Answers that say nothing against the product file: only by hand, or not from this address, or not now."""


class Examination(Value):
    """One product tried, step by step: what was asked for, what each document gave, what was chosen, what proves it."""

    selector: str
    health: Health
    facts: str = ""
    exchanges: tuple[Exchange, ...] = ()
    looks: tuple[Look, ...] = ()
    urls: tuple[str, ...] = ()
    size: int | None = None
    digests: Digests = Field(default_factory=dict)
    checksum: str = ""
    signature: str = ""
    reasons: tuple[str, ...] = ()


def survey(library: Library, names: Sequence[str] = ()) -> tuple[Health, ...]:
    """The health of these products or families, all of them when nothing is named; many are asked at a time.

    Those that are only recognised have no health; one that is named alone says so."""
    products = [one for one in library.catalogue.products if not names or _is_named(one, names)]
    products = [one for one in products if not one.identify_only] or products
    if not products:
        raise UsageError(f"No product or family is called {' or '.join(names)}.")
    assert library.client  # noqa: S101 - made here, once, before threads share it
    before = kept_health(library.health_file)
    with ThreadPoolExecutor(library.settings.resolves_at_once, thread_name_prefix="survey") as pool:
        asked = pool.map(lambda one: _examined(library, one, Selector(product=one.id), before.get(one.id)), products)
        found = tuple(one.health for one in asked)
    keep_health(library.health_file, found)
    return found


def examine(library: Library, selector: Selector) -> Examination:
    """Try one selector and keep every step. Its health counts as the product's where the product's default is asked for."""
    product, selector = meant(library.catalogue, selector)
    plain = Selector(product=product.id)
    is_default = library.canonical(selector) == library.canonical(plain)
    before = kept_health(library.health_file).get(product.id) if is_default else None
    found = _examined(library, product, selector, before)
    if is_default:
        keep_health(library.health_file, [found.health])
    return found


def _is_named(product: Product, names: Sequence[str]) -> bool:
    wanted = {name.lower() for name in names}
    return bool(wanted & {product.id, product.family.value, product.name.lower(), *map(str.lower, product.aliases)})


def _examined(library: Library, product: Product, selector: Selector, before: Health | None) -> Examination:
    """Resolve and judge the evidence; no byte of an image is fetched."""
    exchanges: list[Exchange] = []
    looks: list[Look] = []
    told = {"selector": str(selector), "facts": product.facts}
    try:
        judged = resolve_selector(
            library,
            selector,
            library.documents(product, exchanges.append),
            known=lambda _title: _known(before),
            noted=looks.append,
        )[0]
    except IsoManagerError as wrong:
        state: State = "degraded" if wrong.code in _LESS_THAN_BROKEN else "broken"
        health = _health(library, product, before, state, code=wrong.code, reason=str(wrong))
        return Examination(**told, health=health, exchanges=tuple(exchanges), looks=tuple(looks))
    return Examination(
        **told,
        health=_judged_health(library, product, before, judged),
        exchanges=tuple(exchanges),
        looks=tuple(looks),
        **_proved(judged),
    )


def _known(before: Health | None) -> tuple[Known, ...]:
    if before is None or not before.good_version or before.good_at is None:
        return ()
    return (Known(Version(before.good_version), before.good_at, f"the last good answer, of {before.good_at:%Y-%m-%d}"),)


def _health(library: Library, product: Product, before: Health | None, state: State, **told: str) -> Health:
    health = Health(product=product.id, state=state, status=product.status, checked_at=library.now(), **told)
    return since(health, before)


def _judged_health(library: Library, product: Product, before: Health | None, judged: Expectation | Refusal) -> Health:
    title: Title = judged.offer.title
    told = {"version": str(title.version), "filename": judged.offer.filename}
    if isinstance(judged, Refusal):
        return _health(library, product, before, "degraded", code=judged.code, reason=judged.reason, **told)
    told |= {"assurance": judged.assurance.value, "reason": " ".join(judged.reasons)}
    return _health(library, product, before, "ok", **told)


def _proved(judged: Expectation | Refusal) -> dict[str, object]:
    """What the steps after the choice found: checksum document, signature, digests and reasons."""
    offer = judged.offer
    documents = [proof.document for proof in offer.proofs if proof.document]
    signatures = [proof.signature for proof in offer.proofs if proof.signature]
    beside = "came with the listing" if offer.digests else "none"
    kinds = ", ".join(dict.fromkeys(f"{one.kind} over the {one.over}" for one in signatures)) or "none named"
    told: dict[str, object] = {
        "urls": tuple(map(without_secrets, offer.urls)),
        "checksum": ", ".join(documents) or beside,
        "signature": kinds,
    }
    if isinstance(judged, Refusal):
        return {**told, "size": offer.size, "reasons": (judged.reason,)}
    if judged.signer is not None:
        told["signature"] = f"{kinds}: good, by key {judged.signer.primary}"
    size = judged.size if judged.size is not None else offer.size
    return {**told, "size": size, "digests": judged.digests, "reasons": judged.reasons}
