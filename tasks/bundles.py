"""Bundles: one written, and one image of another taken in."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from isomanager.library.bundling import BundlePlan, write_bundle
from isomanager.library.opening import current_library
from isomanager.library.unbundling import BundleSource, take_in_bundled
from isomanager.model import Outcome
from isomanager.planning.syncing import SyncStep
from isomanager.transfer.bundle_writing import Compress
from tasks.progress import ReportedProgress


@task(name="write-bundle", task_run_name="write {place}", cache_policy=NO_CACHE, persist_result=False)
def write(place: str, plan: BundlePlan, compress: Compress) -> tuple[Outcome, ...]:
    """What became of each image of the plan."""
    return write_bundle(current_library(), plan, Path(place), compress=compress, progress=ReportedProgress(place))


@task(name="take-in-bundled", task_run_name="take in {image}", cache_policy=NO_CACHE, persist_result=False)
def take_in(image: str, source: BundleSource, step: SyncStep) -> tuple[Outcome, ...]:
    """What became of one image of a bundle."""
    return take_in_bundled(current_library(), source, step, ReportedProgress(image))
