"""Download many: everything that a family or condition offers, once, within a budget, after a person approved it."""

from __future__ import annotations

from time import monotonic

from prefect import flow

from flows.approving import approved
from flows.gathering import gather
from flows.reporting import finish, show_plan
from flows.running import image_threads, named, running
from flows.update import bring_in_all, settled
from isomanager.library.costing import costs_for
from isomanager.library.indexing import refresh_indexes
from isomanager.library.outcomes import RunReport
from isomanager.library.recording import recorded
from isomanager.library.recovering import recover
from isomanager.library.requesting_many import condition_of, plan_many, wished


@flow(name="download-many", flow_run_name=named("download"), task_runner=image_threads(), persist_result=False)
def download_many(
    family: str = "",
    selector: str = "",
    everything: bool = False,
    architectures: list[str] = [],  # noqa: B006 - never changed
    repository: str = "default",
    under: int = 0,
    budget: int = 0,
    approve: bool = True,
    force: bool = False,
    accept_unproved: bool = False,
    dry_run: bool = False,
) -> RunReport:
    """Download once whatever the catalogue offers of a family, or that fits a condition. It stays until a person removes it.

    Args:
        family: Such as linux, bsd or rescue; or leave it empty and give a condition.
        selector: A condition such as */server@lts or ubuntu*/desktop, within the family if you name one.
        everything: Every flavor of each product; otherwise its default flavor, unless the condition names flavors.
        architectures: Such as x86_64 or aarch64; none means each product's default.
        repository: The name of the repository to put them in.
        under: Leave out images that are not smaller than so many bytes; 0 means none is left out.
        budget: Fetch no more than so many bytes in all; 0 means whatever it takes.
        approve: Pause with the plan and its costs until a person approves it.
        force: Fetch again what is already held.
        accept_unproved: Also accept images for which there is no proof of any kind.
        dry_run: Only show the plan.
    """
    started = monotonic()
    with running() as library:
        found = recover(library)
        condition = condition_of(family, selector, everything=everything)
        wishes, _ = wished(
            library,
            condition,
            architectures=architectures,
            repository=repository,
            under=under,
            accept_unproved=accept_unproved,
        )
        plan = plan_many(library, gather(wishes), budget=budget, force=force)
        costs = costs_for(library, plan)
        show_plan(plan, costs)
        if dry_run:
            return RunReport(plan=plan, costs=costs, recovered=found)
        plan = approved(plan, costs) if approve else plan
        with recorded(library, "download") as record:
            outcomes = record((*settled(plan), *bring_in_all(plan)))
        indexes = refresh_indexes(library)
        report = RunReport(
            plan=plan,
            costs=costs,
            outcomes=outcomes,
            recovered=found,
            indexes=indexes,
            seconds=monotonic() - started,
        )
        return finish(library, report)
