"""Choose: an image chosen step by step, each form made from the answer before; for those who do not know its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from prefect import flow
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import Field, create_model

from flows.asking import PATIENCE, one_of
from flows.download import download
from flows.running import running
from flows.update import update
from isomanager.catalogue.product import Product
from isomanager.library.choices import choices, languages_of, products_of, versions_of
from isomanager.library.opening import Library
from isomanager.library.outcomes import RunReport
from isomanager.library.subscribing import subscribe
from isomanager.model import Selector

ONCE, ALWAYS = "fetch it once", "keep it up to date from now on"
_TOLD = {"how": "What is to be done with it."}


@flow(name="choose", flow_run_name="choose", persist_result=False)
def choose(repository: str = "default") -> RunReport:
    """Choose an image in four steps. The run pauses at each: press Resume in its menu, and answer the form.

    Args:
        repository: Where to keep it.
    """
    with running() as library:
        selector, then = _chosen(library)
        if then == ALWAYS:
            subscribe(library, selector, repositories=(repository,))
    if then == ALWAYS:
        return update(what=[str(selector)])
    return download(
        selector=str(selector),
        architectures=list(selector.architectures),
        languages=list(selector.languages),
        repository=repository,
    )


def _chosen(library: Library) -> tuple[Selector, str]:
    family = _asked("Family", "What kind of system?", family=choices(library).families).family
    products = products_of(library, family)
    table = "\n".join(f"| {one.id} | {one.name} |" for one in products)
    told = f"Which product of {family}?\n\n| product | name |\n|---|---|\n{table}"
    product = library.catalogue.product(_asked("Product", told, product=[one.id for one in products]).product)
    form = _asked(product.name, f"Which {product.name}? {product.facts}".strip(), **_variants(product))
    versions = versions_of(library, product)
    last = _asked("Version", f"Which version of {product.name}?", version=versions, how=(ONCE, ALWAYS))
    selector = Selector.parse(
        f"{product.id}/{form.flavor}@{last.version}",
        architectures=(form.architecture,),
        languages=(form.language,) if languages_of(product) else (),
    )
    return library.canonical(selector), last.how


def _variants(product: Product) -> dict[str, Sequence[str]]:
    first = product.default_flavor or next(iter(product.flavors))
    asked: dict[str, Sequence[str]] = {
        "flavor": tuple(dict.fromkeys((first, *product.flavors))),
        "architecture": product.architectures,
    }
    languages = languages_of(product)
    return asked | ({"language": languages} if languages else {})


def _asked(name: str, told: str, **fields: Sequence[str]) -> Any:
    """The answer to a form with a dropdown for each of `fields`, the first of each being chosen already."""
    declared: Any = {
        field: (
            one_of(words),
            Field(default=words[0], title=field.capitalize(), description=_TOLD.get(field, f"The {field}.")),
        )
        for field, words in fields.items()
    }
    form = cast("Any", create_model(f"{name.replace(' ', '')}Form", __base__=RunInput, **declared))
    asked = form.with_initial_data(description=told)
    return pause_flow_run(wait_for_input=asked, timeout=PATIENCE, poll_interval=2)
