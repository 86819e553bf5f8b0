"""What a person sees in the Prefect UI: plan, report and inventory as tables, events for what matters, the right end state."""

from __future__ import annotations

from collections.abc import Sequence

from prefect.artifacts import create_table_artifact
from prefect.events import emit_event

from flows.approving import costs_told
from isomanager.errors import PermanentError
from isomanager.library.opening import Library
from isomanager.library.outcomes import RunReport
from isomanager.library.rooms import Fullness, nearly_full
from isomanager.model import Copy, CopyState, Outcome, OutcomeKind, Plan
from isomanager.planning.costs import Costs
from isomanager.planning.update import RESPIN

PLAN, REPORT, INVENTORY = "iso-plan", "iso-report", "iso-inventory"
"""Keys of the artifacts; each key's page shows its newest version."""

_EVENTS = {
    OutcomeKind.PUBLISHED: "isomanager.image.published",
    OutcomeKind.QUARANTINED: "isomanager.image.quarantined",
    OutcomeKind.RETIRED: "isomanager.image.retired",
    OutcomeKind.FAILED: "isomanager.image.failed",
}


NEARLY_FULL = "isomanager.repository.nearly-full"
"""The event of a repository of which more is used than the setting `space_warning` says."""

RESPUN = "isomanager.image.respun"
"""The event of other bytes under a title that was held already: both are kept."""


class RunFailed(PermanentError):
    """A run in which an image failed or was refused; `report` says what became of each."""

    code = "run-failed"

    def __init__(self, message: str, *, report: RunReport | None = None, **rest: object) -> None:
        super().__init__(message, **rest)  # type: ignore[arg-type]
        self.report = report or RunReport()


def show_plan(plan: Plan, costs: Costs | None = None) -> None:
    """The plan as a table artifact, its costs above."""
    rows = [
        {
            "action": action.kind.value,
            "image": str(action.title or action.selector),
            "repository": action.repository,
            "bytes": action.cost if action.cost is not None else "unknown",
            "frees": action.frees,
            "why": action.why,
        }
        for action in plan.actions
    ]
    told = "\n".join(["What this run is going to do, and why", *(costs_told(costs) if costs else [])])
    create_table_artifact(table=rows, key=PLAN, description=told)


def show_report(report: RunReport) -> None:
    """The outcomes as a table artifact."""
    create_table_artifact(
        table=[_row(outcome) for outcome in report.outcomes], key=REPORT, description="What became of each image"
    )


def _row(outcome: Outcome) -> dict[str, object]:
    return {
        "outcome": outcome.outcome.value,
        "image": str(outcome.title or outcome.selector),
        "repository": outcome.repository,
        "path": outcome.path,
        "assurance": outcome.assurance.value,
        "bytes": outcome.bytes,
        "seconds": round(outcome.seconds, 1),
        "why": outcome.why,
    }


def show_inventory(library: Library) -> None:
    """Everything held, as a searchable table artifact."""
    held = library.inventory.copies(states={CopyState.HELD, CopyState.SUSPECT})
    create_table_artifact(
        table=[held_row(copy) for copy in held], key=INVENTORY, description="Every image that is held"
    )


def held_row(copy: Copy) -> dict[str, object]:
    """A copy as a row of the inventory table."""
    title = copy.title
    return {
        "family": title.family.value,
        "product": title.product,
        "flavor": title.flavor,
        "version": str(title.version),
        "architecture": title.architecture,
        "repository": copy.repository,
        "path": copy.path,
        "MiB": round((copy.size or 0) / 2**20),
        "assurance": copy.assurance.value,
        "state": copy.state.value,
        "proved": copy.proved_at.isoformat(timespec="minutes") if copy.proved_at else "",
    }


def announce(outcomes: Sequence[Outcome]) -> None:
    """An event for each image that changed something, for automations to act on."""
    for outcome in outcomes:
        names = [_EVENTS.get(outcome.outcome), RESPUN if outcome.code == RESPIN else None]
        for name in filter(None, names):
            subject = str(outcome.title or outcome.selector)
            emit_event(
                name,
                resource={"prefect.resource.id": f"isomanager.{subject}", "prefect.resource.name": subject},
                payload={"repository": outcome.repository, "path": outcome.path, "reason": outcome.why},
            )


def announce_space(full: Sequence[Fullness]) -> None:
    """An event for each repository that is nearly full."""
    for one in full:
        emit_event(
            NEARLY_FULL,
            resource={
                "prefect.resource.id": f"isomanager.repository.{one.repository}",
                "prefect.resource.name": one.repository,
            },
            payload={"used": one.used, "total": one.total, "share": round(one.share, 3), "limit": one.limit},
        )


def finish(library: Library, report: RunReport) -> RunReport:
    """Show and announce the report; RunFailed when an image failed, so that the run is red and says which and why."""
    show_report(report)
    show_inventory(library)
    announce(report.outcomes)
    announce_space(nearly_full(library))
    if report.bad:
        told = "; ".join(f"{one.title or one.selector}: {one.why}" for one in report.bad)
        raise RunFailed(f"{len(report.bad)} of {len(report.outcomes)} images failed: {told}", report=report)
    return report
