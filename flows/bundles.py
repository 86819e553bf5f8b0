"""Bundles: what another site lacks, written to be carried there; and taken in there without any network."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Literal

from prefect import flow

from flows.reporting import finish, show_plan
from flows.running import running
from isomanager.errors import IsoManagerError
from isomanager.inventory.exchange.bundle_form import known_elsewhere
from isomanager.library.bundling import plan_bundle, planned_outcomes
from isomanager.library.indexing import refresh_indexes
from isomanager.library.outcomes import RunReport
from isomanager.library.recording import recorded
from isomanager.library.recovering import recover
from isomanager.library.site_keys import site_key
from isomanager.library.syncing import settled
from isomanager.library.unbundling import BundleSource, bundle_source, plan_import
from isomanager.model import Outcome, OutcomeKind
from isomanager.planning.syncing import SyncStep, as_plan
from tasks.bundles import take_in, write

Compress = Literal["auto", "always", "never"]


@flow(name="export-bundle", flow_run_name="export {place}", persist_result=False)
def export_bundle(
    place: str,
    what: list[str] = [],  # noqa: B006 - never changed
    repository: str = "default",
    against: list[str] = [],  # noqa: B006
    compress: Compress = "auto",
    dry_run: bool = True,
) -> RunReport:
    """Write the images that another site lacks into a bundle, with receipts and keys, signed with this site's key.

    Args:
        place: A folder on the machine where the worker runs, or an archive there: NAME.tar or NAME.tar.zst.
        what: Families, products or selectors; none means everything that is held.
        repository: The repository to take from.
        against: What the other site has: its inventory.json, or bundle.json of bundles it got.
        compress: In a .tar.zst. auto samples every image and leaves those as they are that would not shrink.
        dry_run: Only show what would go into it.
    """
    started = monotonic()
    with running() as library:
        recover(library)
        plan = plan_bundle(library, what, repository, known_elsewhere(map(Path, against)))
        if dry_run:
            return RunReport(outcomes=planned_outcomes(plan))
        site_key(library)  # refused before anything is read
        with recorded(library, "export-bundle") as record:
            outcomes = record(write(place, plan, compress))
        return finish(library, RunReport(outcomes=outcomes, seconds=monotonic() - started))


@flow(name="import-bundle", flow_run_name="import {place}", persist_result=False)
def import_bundle(
    place: str,
    repository: str = "default",
    keys: list[str] = [],  # noqa: B006 - never changed
    unsigned: bool = False,
    dry_run: bool = True,
) -> RunReport:
    """Take in what a repository lacks of a bundle. Everything is proved again, and no network is needed.

    Args:
        place: The bundle, a folder or an archive on the machine where the worker runs.
        repository: The repository that is to have the images.
        keys: Public keys of sites whose bundles are taken in, beside those of the setting site_keys.
        unsigned: Also take in a bundle that no such site signed, for what its receipts prove by themselves.
        dry_run: Only show what would be taken in.
    """
    started = monotonic()
    with running() as library:
        found = recover(library)
        with bundle_source(library, Path(place), keys=keys, unsigned=unsigned) as source:
            steps = plan_import(library, source, repository)
            plan = as_plan(steps, (), library.now())
            show_plan(plan)
            if dry_run:
                return RunReport(plan=plan, outcomes=tuple(map(settled, steps)))
            with recorded(library, "import-bundle") as record:
                outcomes = record(tuple(one for step in steps for one in _taken_in(source, step)))
        indexes = refresh_indexes(library)
        report = RunReport(
            plan=plan, outcomes=outcomes, recovered=found, indexes=indexes, seconds=monotonic() - started
        )
        return finish(library, report)


def _taken_in(source: BundleSource, step: SyncStep) -> tuple[Outcome, ...]:
    """One image after the other: an archive is read from start to end."""
    try:
        return take_in(str(step.title), source, step)
    except IsoManagerError as wrong:
        failed = {"outcome": OutcomeKind.FAILED, "reason": str(wrong), "code": wrong.code}
        return (settled(step).model_copy(update=failed),)
