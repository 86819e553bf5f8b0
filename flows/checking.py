"""What a person sees of a check in the Prefect UI: the health of the catalogue as a table, one product's steps as a text."""

from __future__ import annotations

from collections.abc import Sequence

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from isomanager.catalogue.tracing import Exchange
from isomanager.library.health import Health
from isomanager.library.surveying import Examination

CATALOGUE, PRODUCT = "iso-catalogue", "iso-product"
"""Keys of the artifacts."""
BROKEN, RECOVERED = "isomanager.resolver.broken", "isomanager.resolver.recovered"
"""Events: a product that no longer resolves, and one that does again."""


def show_health(found: Sequence[Health]) -> None:
    """A row for each product."""
    rows = [
        {
            "product": one.product,
            "state": one.state,
            "newest": one.version,
            "assurance": one.assurance,
            "status": one.status,
            "last good": f"{one.good_version} ({one.good_at:%Y-%m-%d})" if one.good_at else "never",
            "why": one.reason,
        }
        for one in found
    ]
    create_table_artifact(table=rows, key=CATALOGUE, description="Whether each product still resolves")


def show_examination(found: Examination) -> None:
    """The steps of one product in their order."""
    health = found.health
    asked = [
        f"| {one.method} | {_answer(one)} | {one.bytes} | {one.seconds:.2f} | {one.url} |" for one in found.exchanges
    ]
    seen = [
        f"- {look.document}: {look.candidates} candidates, {look.fitting} fit; {look.chosen or 'nothing chosen'}: {look.why}"
        for look in found.looks
    ]
    text = [
        f"# {health.product}: {health.state}",
        f"{health.filename} {health.version}, to be proved as {health.assurance or 'nothing'} ({health.status})",
        "| asked | answer | bytes | seconds | address |\n|---|---|---|---|---|\n" + "\n".join(asked),
        "\n".join(seen),
        f"Checksum: {found.checksum or 'none'}. Signature: {found.signature or 'none'}.",
        "\n".join(f"- {reason}" for reason in found.reasons or (health.reason,)),
    ]
    create_markdown_artifact("\n\n".join(text), key=PRODUCT, description="The product that was added or tried last")


def _answer(one: Exchange) -> str:
    return "unchanged" if one.cached else str(one.status or one.error or "none")
