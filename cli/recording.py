"""`isomanager catalogue record`: upstream's documents as a test document set."""

from __future__ import annotations

from pathlib import Path

import typer

from cli.output import FAILED, print_json, say
from cli.tables import print_table, size


def record_product(name: str, texts: list[str], machines: list[str], to: Path | None, *, as_json: bool) -> None:
    """Record, and print a line for each case; exit code 1 when one failed."""
    from isomanager.catalogue.naming import meant
    from isomanager.errors import UsageError
    from isomanager.library.opening import Library
    from isomanager.library.recording_documents import default_folder, record, selectors_of
    from isomanager.model import Selector
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        product, _ = meant(library.catalogue, Selector.parse(name))
        asked = [meant(library.catalogue, Selector.parse(text, architectures=tuple(machines))) for text in texts]
        foreign = next((one for other, one in asked if other.id != product.id), None)
        if foreign is not None:
            raise UsageError(f"{foreign} is not of {product.id}.")
        chosen = [one for _, one in asked] or [
            one.model_copy(update={"architectures": tuple(machines)}) for one in selectors_of(product)
        ]
        folder = to or default_folder(product, Path.cwd())
        if not as_json:
            say(f"Asking upstream for {len(chosen)} of {product.name} ...")
        told = record(library, product, chosen, folder)
    if as_json:
        print_json({"folder": str(folder), "cases": [one.model_dump(mode="json") for one in told]})
    else:
        columns = ("selector", "recorded", "version", "documents", "size", "answer")
        rows = (
            (
                one.selector,
                "no" if one.failed else "yes",
                one.version,
                one.documents or "",
                size(one.bytes) if one.documents else "",
                one.failed or one.answer or one.filename,
            )
            for one in told
        )
        print_table(columns, rows, below=("answer",))
        print(f"In {folder}. They are upstream's own texts: keep them to yourself where its licence asks for that.")
    if any(one.failed for one in told):
        raise typer.Exit(FAILED)
