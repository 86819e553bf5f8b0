"""Apply: make the library what a library file declares, from a form or another program."""

from __future__ import annotations

from typing import Literal

from prefect import flow
from prefect.artifacts import create_table_artifact

from flows.running import running
from isomanager.errors import PermanentError
from isomanager.library.declaring import apply_library, plan_library
from isomanager.library.library_file import read_library
from isomanager.planning.declaring import Change

CHANGES = "iso-library"
"""Key of the artifact."""


@flow(name="apply", flow_run_name="apply a library file", persist_result=False)
def apply(library_file: str, form: Literal["toml", "yaml"] = "toml", dry_run: bool = False) -> tuple[Change, ...]:
    """Make repositories, sources, sites and subscriptions those that a library file declares. Images are left alone.

    Args:
        library_file: The whole text of the file. A table that it does not have is left as it is.
        form: How it is written.
        dry_run: Only show what would change.
    """
    with running() as library:
        declared = read_library(library_file, "the form", form, library.catalogue, library.now())
        changes = plan_library(library, declared)
        if not dry_run:
            changes = apply_library(library, declared, changes)
    rows = [{"change": one.verb, "what": one.kind, "name": one.name, "why": one.reason} for one in changes]
    create_table_artifact(table=rows, key=CHANGES, description="What the library file changes, and why")
    refused = [one for one in changes if one.verb == "refuse"]
    if refused:
        told = "; ".join(f"{one.kind} {one.name}: {one.reason}" for one in refused)
        raise PermanentError(f"{len(refused)} of {len(changes)} could not be done: {told}", code="run-failed")
    return changes
