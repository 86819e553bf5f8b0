"""Add a repository: from a block that a person filled in, to the inventory."""

from __future__ import annotations

from prefect import flow

from blocks.repositories import LocalRepository, NFSRepository, S3Repository, SMBRepository
from flows.forms import refresh_forms
from flows.running import running
from isomanager.library.repositories import add_repository as add_to_library


@flow(name="add-repository", flow_run_name="add-repository {name}", persist_result=False)
def add_repository(name: str, repository: LocalRepository | S3Repository | SMBRepository | NFSRepository) -> str:
    """Make a repository known, after seeing that it can be written to. Subscriptions can name it from then on.

    Args:
        name: What to call it, such as nas or classroom.
        repository: The block that describes where it is; create one here if there is none yet.
    """
    with running() as library:
        made = add_to_library(library, name, repository.address, repository.layout, repository.description)
        refresh_forms(library)
        return made.url
