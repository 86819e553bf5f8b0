"""Add an image: one file, under a name, with notes and a digest of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any

from prefect import flow, runtime
from pydantic import ValidationError

from flows.reporting import finish
from flows.running import running
from isomanager.errors import UsageError
from isomanager.library.adding_images import ImageEntry, add_image
from isomanager.library.indexing import refresh_indexes
from isomanager.library.outcomes import RunReport
from isomanager.library.recording import recorded
from isomanager.library.recovering import recover
from isomanager.model import Outcome, OutcomeKind
from tasks.progress import ReportedProgress


def _run_name() -> str:
    asked = runtime.flow_run.parameters
    return f"add {asked['entry'].get('name') or asked['name']}"


@flow(name="add", flow_run_name=_run_name, persist_result=False)
def add(
    file: str = "",
    name: str = "",
    version: str = "",
    family: str = "custom",
    flavor: str = "",
    architecture: str = "",
    language: str = "",
    edition: str = "",
    digest: str = "",
    base: str = "",
    purpose: str = "",
    notes: dict[str, str] = {},  # noqa: B006 - never changed
    repository: str = "default",
    entry: dict[str, Any] = {},  # noqa: B006
) -> RunReport:
    """Add one image of your own to the library: a customised one, or one that no vendor offers.

    Args:
        file: Path on the worker's machine, or an address in a store such as s3://bucket/lab.iso.
        name: What to call it. A product's name files it under that product if the family is not custom.
        version: Its version.
        family: custom, or linux, windows, bsd, appliance, rescue.
        flavor: Such as server; none for an image that has no variants.
        architecture: Such as x86_64 or aarch64.
        language: Where it has one.
        edition: Where it has one.
        digest: Its MD5, SHA-1, SHA-256 or SHA-512, if you know it; the image is then proved by it.
        base: What it was made from.
        purpose: What it is for.
        notes: Anything else, as names and values.
        repository: Where to keep it.
        entry: All but the repository as JSON instead, by the same names, such as {"file": "/mnt/lab.iso", "name": "Lab"}.
    """
    started = monotonic()
    filled_in = {
        "file": file, "name": name, "version": version, "family": family, "flavor": flavor, "architecture": architecture,
        "language": language, "edition": edition, "digest": digest, "base": base, "purpose": purpose, "notes": notes,
    }  # fmt: skip
    told = _entry(filled_in | entry)
    with running() as library:
        found = recover(library)
        with recorded(library, "add") as record:
            copy = add_image(library, told, repository=repository, progress=ReportedProgress(told.name))
            outcome = Outcome(
                outcome=OutcomeKind.PUBLISHED, title=copy.title, repository=repository, path=copy.path, reason="a person added it",
                bytes=copy.size or 0, seconds=monotonic() - started, assurance=copy.assurance,
            )  # fmt: skip
            outcomes = record((outcome,))
        indexes = refresh_indexes(library)
        return finish(
            library, RunReport(outcomes=outcomes, recovered=found, indexes=indexes, seconds=monotonic() - started)
        )


def _entry(told: Mapping[str, Any]) -> ImageEntry:
    try:
        return ImageEntry.model_validate(told)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"The image's {field} is wrong: {first['msg']}.",
            hint="It needs a file and a name, and has the fields of the form.",
        ) from None
