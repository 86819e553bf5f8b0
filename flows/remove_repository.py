"""Remove a repository: known no longer; its files stay."""

from __future__ import annotations

from prefect import flow

from flows.forms import refresh_forms
from flows.running import running
from isomanager.library.forgetting import Removal, plan_removal
from isomanager.library.forgetting import remove_repository as forget


@flow(name="remove-repository", flow_run_name="remove-repository {repository}", persist_result=False)
def remove_repository(repository: str, forget_copies: bool = False, dry_run: bool = True) -> Removal:
    """Forget a repository: what the database says of it goes, and no file is touched. Refused while anything names it.

    Args:
        repository: The repository.
        forget_copies: Also forget the images that are held there, or wait in its trash; their files stay.
        dry_run: Only show what would be forgotten, and what is in the way.
    """
    with running() as library:
        if dry_run:
            return plan_removal(library, repository, forget_copies=forget_copies)
        removed = forget(library, repository, forget_copies=forget_copies)
        refresh_forms(library)
        return removed
